//! A2 ingest: durable event ingest, the scholarship API and lineage — its contract, suite and reference implementation.

mod checks;
mod contract;
mod faults;
mod lineage;
pub mod proof;
pub mod reference;
mod scenarios;

use common::suite::Suite;

pub use contract::contract;
pub use lineage::transaction_log;
pub use scenarios::recorded;

/// Everything the harness knows about A2.
#[must_use]
pub fn suite() -> Suite {
    Suite { contract: contract(), scenarios: scenarios::all(), checks: checks::all(), faults: faults::all() }
}
