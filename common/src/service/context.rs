//! What a handler can reach.

use std::sync::Arc;

use axum::http::HeaderMap;
use subtle::ConstantTimeEq;

use super::{AppConfig, Db, Defect, Flags, Tasks, Telemetry, Upstream};
use crate::clock::Clock;
use crate::contract::{Contract, header};
use crate::service::health::ReadyChecks;

/// The context of a reference app; cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// What the app promises.
    pub contract: Arc<Contract>,
    /// How it was started.
    pub config: Arc<AppConfig>,
    /// Its database.
    pub db: Db,
    /// Its switches.
    pub flags: Flags,
    /// Its reports to the command center.
    pub telemetry: Telemetry,
    /// Its background workers.
    pub tasks: Tasks,
    /// The other apps.
    pub upstream: Upstream,
    /// Its wall clock.
    pub clock: Clock,
    /// What must work before it calls itself ready.
    pub ready: ReadyChecks,
}

impl Ctx {
    /// True if the app was told to have this defect.
    #[must_use]
    pub fn has(&self, defect: Defect) -> bool {
        self.config.defects.contains(&defect)
    }

    /// True if the request carries the administrator's key; compared in constant time.
    #[must_use]
    pub fn has_admin_key(&self, headers: &HeaderMap) -> bool {
        self.has_key(headers, header::ADMIN_KEY, &self.config.admin_key)
    }

    /// True if the request carries the key of those who report; compared in constant time.
    #[must_use]
    pub fn has_telemetry_key(&self, headers: &HeaderMap) -> bool {
        self.has_key(headers, header::TELEMETRY_KEY, &self.config.telemetry_key)
    }

    fn has_key(&self, headers: &HeaderMap, name: &str, key: &str) -> bool {
        let given = headers.get(name).map(|value| value.as_bytes()).unwrap_or_default();
        bool::from(given.ct_eq(key.as_bytes())) || self.has(Defect::KeysUnchecked)
    }
}
