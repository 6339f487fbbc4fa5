//! Tests of A3: its contract, its behaviour, its faults.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands, helpers included")]

mod asking;
mod autonomy;
mod bad_input;
mod contract;
mod crash;
mod faults;
mod learning;
mod levers;
mod resilience;
mod retries;
mod simulation;
mod suite;

use common::service::AppDef;

/// A3 and everybody a run touches.
fn apps() -> Vec<AppDef> {
    vec![
        a3_orchestration::reference::app(),
        a2_ingest::reference::app(),
        a7_pagemaker::reference::app(),
        a8_command::reference::app(),
    ]
}
