//! What A3 says of its learning and its autonomy, and what a simulation of its life showed.

use a3_orchestration::simulation::SimulationReport;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything as it was answered, so that reports can show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Learning {
    /// `GET /bandit`.
    pub(crate) bandit: Value,
    /// `GET /breakers`.
    pub(crate) breakers: Value,
    /// `GET /orchestration/progress`.
    pub(crate) progress: Value,
    /// Hours of A3's life that were played on a clock of their own; absent where it was not played.
    pub(crate) simulation: Option<SimulationReport>,
}
