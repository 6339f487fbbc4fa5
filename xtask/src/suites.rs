//! The list of eight.

use common::ids::AppId;
use common::service::AppDef;
use common::suite::Suite;

/// The suite of an app.
pub(crate) fn suite(app: AppId) -> Suite {
    match app {
        AppId::A1 => a1_auth::suite(),
        AppId::A2 => a2_ingest::suite(),
        AppId::A3 => a3_orchestration::suite(),
        AppId::A4 => bare(a4_chat::contract()),
        AppId::A5 => bare(a5_student::contract()),
        AppId::A6 => a6_provider::suite(),
        AppId::A7 => bare(a7_pagemaker::contract()),
        AppId::A8 => a8_command::suite(),
    }
}

/// The reference implementation of an app.
pub(crate) fn reference(app: AppId) -> AppDef {
    match app {
        AppId::A1 => a1_auth::reference::app(),
        AppId::A2 => a2_ingest::reference::app(),
        AppId::A3 => a3_orchestration::reference::app(),
        AppId::A4 => a4_chat::reference::app(),
        AppId::A5 => a5_student::reference::app(),
        AppId::A6 => a6_provider::reference::app(),
        AppId::A7 => a7_pagemaker::reference::app(),
        AppId::A8 => a8_command::reference::app(),
    }
}

fn bare(contract: common::contract::Contract) -> Suite {
    Suite { contract, scenarios: vec![], checks: vec![], faults: vec![] }
}
