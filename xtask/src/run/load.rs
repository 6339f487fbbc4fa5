//! Phase 2: each app under its baseline, its checks, its known issues measured again, and the shapes beyond a baseline.

use common::ids::AppId;
use common::scenario::Scenario;

use super::{Run, RunError, audit, known_issues, logs, probe, shapes};

const PHASE: u8 = 2;

/// Loads all apps, then makes their checks while nothing else is going on.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    let scenarios = by_turns(run.plan.suites().iter().map(|suite| run.plan.scenarios(suite)).collect());
    let scenarios = scenarios.into_iter().filter(|scenario| run.context.has(scenario.app)).collect();
    probe::run_all(run, PHASE, scenarios).await?;
    audit::checks(run, PHASE, |_| true).await?;
    let only = &run.plan.selection;
    let overview = only.scenario.as_ref().is_none_or(|id| id.starts_with(known_issues::OVERVIEW));
    if overview && only.check.is_none() && run.plan.apps().contains(&AppId::A8) {
        known_issues::overview(run).await?;
    }
    shapes::run_all(run).await?;
    audit::telemetry(run, PHASE, AppId::ALL.as_slice())?;
    logs::rule(run, PHASE)
}

/// The first workload of each app, then the second of each, so that one group has many apps rather than one app often.
fn by_turns(suites: Vec<Vec<Scenario>>) -> Vec<Scenario> {
    let longest = suites.iter().map(Vec::len).max().unwrap_or(0);
    let mut suites: Vec<_> = suites.into_iter().map(Vec::into_iter).collect();
    (0..longest).flat_map(|_| suites.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()).collect()
}
