//! What a handler can reach.

use std::sync::Arc;

use super::{AppConfig, Db, Defect, Flags, Tasks, Telemetry, Upstream};
use crate::clock::Clock;
use crate::contract::Contract;
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
}
