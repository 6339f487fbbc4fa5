//! Phase 2: each app under its baseline, its checks, and its known issues measured again.

use common::ids::AppId;

use super::{Run, RunError, audit, known_issues, probe};

const PHASE: u8 = 2;

/// Loads and checks app by app, so that one app's load does not disturb another's figures.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    for suite in run.plan.suites() {
        let app = suite.app();
        for scenario in run.plan.scenarios(&suite) {
            if !run.context.has(app) {
                continue;
            }
            if run.is_dead(app) {
                run.note(PHASE, Some(app), format!("{} is left out: {app} is dead", scenario.id))?;
                continue;
            }
            probe::run(run, PHASE, &scenario).await?;
        }
        audit::checks(run, PHASE, |check| check.app == app).await?;
    }
    if run.plan.selection.check.is_none() && run.plan.apps().contains(&AppId::A8) {
        known_issues::overview(run).await?;
    }
    audit::telemetry(run, PHASE, AppId::ALL.as_slice())
}
