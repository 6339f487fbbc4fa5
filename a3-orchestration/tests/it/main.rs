//! Tests of A3: its contract, its behaviour, its faults.

mod autonomy;
mod bad_input;
mod contract;
mod crash;
mod faults;
mod pages;
mod retries;
mod suite;

use common::service::AppDef;

/// A3 and everybody a run touches; A7 is a stand-in that keeps A7's contract for pages.
fn apps() -> Vec<AppDef> {
    vec![
        a3_orchestration::reference::app(),
        a2_ingest::reference::app(),
        pages::stand_in(),
        a8_command::reference::app(),
    ]
}
