//! A7 against its suite: `HANDSHAKE_TARGET` names another deployment than the embedded one.

mod behaviour;
mod contract;
mod faults;
mod growth;

use common::service::AppDef;

/// A7, whom it tells what visitors did, and whom both report to.
fn apps() -> Vec<AppDef> {
    vec![
        a7_pagemaker::reference::app(),
        a8_command::reference::app(),
        a3_orchestration::reference::app(),
        a2_ingest::reference::app(),
    ]
}
