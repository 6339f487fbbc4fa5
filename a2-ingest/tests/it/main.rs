//! Tests of A2: its contract, its behaviour, its faults.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands, helpers included")]

mod backpressure;
mod bad_input;
mod contract;
mod dead_letters;
mod durability;
mod faults;
mod lineage;
mod nothing_lost;
mod readiness;
mod suite;

use common::service::AppDef;

/// A2 and the command center it reports to.
fn apps() -> Vec<AppDef> {
    vec![a2_ingest::reference::app(), a8_command::reference::app()]
}
