//! Phase 1: is everybody alive, fast on the health routes, and configured so that the rest makes sense?

use common::ids::AppId;

use super::{Run, RunError, audit, probe};

/// Probes the health routes of each app, then makes the checks of this phase.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    const PHASE: u8 = 1;
    let (there, absent): (Vec<_>, Vec<_>) = run.plan.apps().into_iter().partition(|app| run.context.has(*app));
    for app in absent {
        run.note(PHASE, Some(app), format!("the target has no {app}: add it to targets.yaml"))?;
    }
    let smokes = there.into_iter().map(|app| run.plan.smoke(app)).collect();
    probe::run_all(run, PHASE, smokes).await?;
    audit::checks(run, PHASE, |_| true).await?;
    audit::telemetry(run, PHASE, AppId::ALL.as_slice())
}
