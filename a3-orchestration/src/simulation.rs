//! Hours of A3's life in seconds: its own worker, breakers, budgets, bandit, database and routes, on a clock that stands
//! still until it is moved, among parties that fail by a seeded plan. What it shows is simulated, and says so.
//!
//! One task moves at a time, until it waits for simulated time, and all chance comes from the seed. So a seed gives the
//! same story every time, whatever the machine does. Nothing listens on a port.

mod audit;
mod client;
mod life;
mod timers;
mod weather;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use common::service::{DbError, Defect, StartError};
use serde::{Deserialize, Serialize};

/// What a simulation showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimulationReport {
    /// Always true: no network, no other app and no real time took part.
    pub simulated: bool,
    /// What the story follows from.
    pub seed: u64,
    /// The command that plays it again.
    pub replay: String,
    /// How long it was, in minutes of simulated time.
    pub virtual_minutes: u32,
    /// Runs that were asked for.
    pub runs: u64,
    /// Requests that were sent again under the same key.
    pub repeats: u64,
    /// Runs that completed.
    pub completed: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Side jobs that were done.
    pub side_jobs_done: u64,
    /// Side jobs that were dropped, each with a reason.
    pub side_jobs_dropped: u64,
    /// Calls to other parties.
    pub calls: u64,
    /// What was done to calls, by kind.
    pub faults: BTreeMap<String, u64>,
    /// How often A3 was killed and started again.
    pub crashes: u64,
    /// Changes of breakers.
    pub breaker_moves: u64,
    /// Effects that happened more than once, and requests that one key started twice.
    pub duplicates: u64,
    /// What a person would have had to mend: failed and lost runs, and interventions in the journal.
    pub interventions: u64,
    /// Minutes without a person at the end, by A3's own clock.
    pub autonomy_minutes: f64,
    /// The longest time in which a run that had not ended did not move, in milliseconds.
    pub longest_stall_ms: i64,
    /// What must not be, a line each.
    pub problems: Vec<String>,
}

impl SimulationReport {
    /// True if it had runs, faults and crashes, and showed nothing that must not be.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty() && self.runs > 0 && self.crashes > 0 && self.faults.values().any(|count| *count > 0)
    }
}

/// Why a simulation could not be played.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// No folder for its database.
    #[error("the simulation has no folder for its database: {0}")]
    Folder(#[from] std::io::Error),
    /// A3 did not start.
    #[error("the simulated A3 did not start: {0}")]
    Start(#[from] StartError),
    /// The database failed.
    #[error("the simulated A3 lost its database: {0}")]
    Db(#[from] DbError),
    /// A3's routes answered what its contract does not have.
    #[error("the simulated A3 answered {0}")]
    Answer(String),
}

/// Plays `minutes` of A3's life.
///
/// # Errors
/// When A3 cannot be started in a temporary folder or its database fails. What A3 does wrong is no error: see
/// [`SimulationReport::problems`].
pub async fn run(seed: u64, minutes: u32) -> Result<SimulationReport, SimulationError> {
    run_with(seed, minutes, BTreeSet::new()).await
}

/// The same with an A3 that was told to get something wrong.
///
/// # Errors
/// As [`run`].
pub async fn run_with(seed: u64, minutes: u32, defects: BTreeSet<Defect>) -> Result<SimulationReport, SimulationError> {
    let folder = tempfile::tempdir()?;
    let mut life = life::Life::begin(seed, minutes, defects, folder.path()).await?;
    life.play().await?;
    let report = audit::report(&life).await?;
    life.end().await;
    Ok(report)
}
