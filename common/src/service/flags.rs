//! Typed switches of an app: those of its contract, off by default, changed at once, every change recorded.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use serde::Serialize;

use super::{AppConfig, Db, DbError};
use crate::args;
use crate::contract::Contract;
use crate::ids::TraceId;

/// The flags of one app.
#[derive(Debug, Clone)]
pub struct Flags(Arc<RwLock<BTreeMap<String, bool>>>);

/// The state of one flag.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FlagState {
    pub(crate) name: String,
    pub(crate) enabled: bool,
}

impl Flags {
    /// Reads the flags of the contract, the stored ones over those that start turned on.
    pub(crate) async fn load(contract: &Contract, config: &AppConfig, db: &Db) -> Result<Self, DbError> {
        let mut flags: BTreeMap<_, _> =
            contract.flags.iter().map(|flag| (flag.name.clone(), config.flags_on.contains(&flag.name))).collect();
        for row in db.query("SELECT name, enabled FROM flags", vec![]).await? {
            if let Some(enabled) = flags.get_mut(&row.text("name")?) {
                *enabled = row.int("enabled")? != 0;
            }
        }
        Ok(Self(Arc::new(RwLock::new(flags))))
    }

    /// True if the flag is on. A name that is not in the contract is off.
    #[must_use]
    pub fn on(&self, name: &str) -> bool {
        self.read().get(name).copied().unwrap_or(false)
    }

    /// All flags with their state.
    pub(crate) fn list(&self) -> Vec<FlagState> {
        self.read().iter().map(|(name, enabled)| FlagState { name: name.clone(), enabled: *enabled }).collect()
    }

    /// Turns a flag on or off, stores it and its audit record. False if there is no such flag.
    pub(crate) async fn set(&self, db: &Db, name: &str, on: bool, at_ms: i64, trace: TraceId) -> Result<bool, DbError> {
        if !self.read().contains_key(name) {
            return Ok(false);
        }
        let mut tx = db.begin().await?;
        tx.execute(
            "INSERT INTO flags (name, enabled) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET enabled = $2",
            args![name, on],
        )
        .await?;
        tx.execute(
            "INSERT INTO flag_audit (at_ms, name, enabled, trace_id) VALUES ($1, $2, $3, $4)",
            args![at_ms, name, on, trace.to_string()],
        )
        .await?;
        tx.commit().await?;
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name.to_owned(), on);
        Ok(true)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, bool>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
