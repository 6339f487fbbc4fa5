//! A4, the scholarship sage: chat completions as OpenAI's API has them, with coaching where a student asks for the essay.

mod checks;
mod contract;
mod faults;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;

/// Everything the harness knows about A4.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
