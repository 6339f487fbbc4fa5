//! Tests of A2: its contract, its behaviour, its faults.

mod backpressure;
mod bad_input;
mod contract;
mod dead_letters;
mod durability;
mod faults;
mod readiness;
mod suite;

use common::service::AppDef;

/// A2 and the command center it reports to.
fn apps() -> Vec<AppDef> {
    vec![a2_ingest::reference::app(), a8_command::reference::app()]
}
