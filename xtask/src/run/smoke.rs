//! Phase 1: is everybody alive, fast on the health routes, and configured so that the rest makes sense?

use common::ids::AppId;

use super::{Run, RunError, audit, probe};

/// Probes the health routes of each app, then makes the checks of this phase.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    const PHASE: u8 = 1;
    for app in run.plan.apps() {
        if run.context.has(app) {
            let smoke = run.plan.smoke(app);
            probe::run(run, PHASE, &smoke).await?;
        } else {
            run.note(PHASE, Some(app), format!("the target has no {app}"))?;
        }
    }
    audit::checks(run, PHASE, |_| true).await?;
    audit::telemetry(run, PHASE, AppId::ALL.as_slice())
}
