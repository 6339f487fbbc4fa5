//! A3 orchestration: the scholarship agent's runs, retries, breakers and bandit — its contract, suite and reference
//! implementation, and a simulation of it.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;
pub mod simulation;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A3.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
