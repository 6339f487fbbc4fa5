//! A7, the page maker: public pages, their discovery by search engines, calls to action and leads.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A7.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
