//! Phase 6: what the apps learn and how they mend themselves, how long no person was needed, and whether anybody's data or a
//! key can be read where it must not be.

mod autonomy;
mod canary;
mod files;
mod learning;
mod logs;
mod scan;

use super::{Run, RunError, audit};

const PHASE: u8 = 6;

/// Makes the checks of this phase, after identities that nobody has were sent to every app.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    let part = is_part(run);
    if !part {
        canary::sow(run).await?;
    }
    audit::checks(run, PHASE, |_| true).await?;
    if part {
        return Ok(());
    }
    autonomy::rule(run).await?;
    learning::rule(run).await?;
    run.mourn(PHASE)
}

/// Looks for identities and keys in all that was written, once nothing more is: the apps' logs, the record, the reports. A run
/// that was stopped for what an app logged is looked through too.
pub(super) fn rule(run: &mut Run) -> Result<(), RunError> {
    let began = run.view.phases.iter().any(|phase| phase.phase == PHASE && phase.took_s.is_some());
    if is_part(run) || !(began || leak(run)?.is_some()) {
        return Ok(());
    }
    logs::rule(run)
}

pub(super) use logs::leak;

fn is_part(run: &Run) -> bool {
    run.plan.selection.check.is_some() || run.plan.selection.scenario.is_some()
}
