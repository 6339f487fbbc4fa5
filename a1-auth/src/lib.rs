//! A1, the ecosystem's OIDC provider: what it promises, what is asserted about it, and a reference implementation.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A1.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
