//! A5, the student's web app: what it promises, what is asserted about it, and a reference implementation.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A5.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
