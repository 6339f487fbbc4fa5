//! A8, the command center: the sink of all telemetry, its tiles and its dashboard, and the suite that checks them.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A8.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
