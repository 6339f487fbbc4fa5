//! Phase 7: what 503 does to A3 and to those it calls, and how it comes back. It needs a person's leave.

use common::ids::AppId;
use common::verdict::{Claim, Ruling, Verdict};

use super::{Run, RunError};
use crate::record::Record;

const PHASE: u8 = 7;

/// Waits for leave to inject faults.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    let claim = Claim {
        id: "a3.resiliency".into(),
        app: AppId::A3,
        phase: PHASE,
        text: "comes back after 503 of others and its own, without a second effect".into(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    let verdict =
        Verdict::Held { action: "inject_503".into(), grant: "no command of this version takes the grant yet".into() };
    run.record(Record::Ruled(Ruling::new(
        claim,
        verdict,
        "held: injecting 503 needs a person's leave",
        "cargo xtask suite resiliency",
    )))
}
