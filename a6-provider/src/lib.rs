//! A6, the provider side: registration, listings, and billing by the two facts of the contract, 3 % fee and 4x markup.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;
mod transactions;

use common::suite::Suite;

pub use contract::contract;
pub use transactions::transaction_log;

/// Everything the harness knows about A6.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
