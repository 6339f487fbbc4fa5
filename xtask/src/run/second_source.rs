//! Asking others what they know of a load: the command center what it got, A2 and A6 what they stored.

use std::collections::BTreeSet;
use std::time::Duration;

use common::check::ARRIVAL_LIMIT;
use common::ids::AppId;
use common::load::LoadReport;
use common::reconcile::{LogComparison, Patience, Rules, TileComparison, TransactionLog, compare_load, compare_log};
use common::scenario::{BodyTemplate, Scenario};
use common::verdict::SecondSource;

use super::probe::ByRoute;
use super::{Run, RunError};
use crate::record::Record;

/// Who showed a wrong tile for the whole arrival limit once is not waited for as long again.
const SHORT: Duration = Duration::from_secs(5);

/// Why there is no second source for a route.
pub(super) fn why_absent(run: &Run) -> String {
    if run.context.has(AppId::A8) {
        "no request of this route was in the sample that A8 gets".to_owned()
    } else {
        "the target has no A8: add it to targets.yaml".to_owned()
    }
}

/// Joins the probe's records with A8's events and with the logs of those that stored something, waiting up to the arrival
/// limit for what A8 lacks, and records it.
pub(super) async fn compare(
    run: &mut Run,
    phase: u8,
    (scenario, report): (&Scenario, &LoadReport),
    attempt: u8,
) -> Result<ByRoute<SecondSource>, RunError> {
    let mut compared = ByRoute::new();
    if !run.context.has(AppId::A8) || run.is_dead(AppId::A8) {
        return Ok(compared);
    }
    let mut logs = in_logs(run, scenario, report).await;
    let gone: BTreeSet<_> = AppId::ALL.into_iter().filter(|app| run.is_dead(*app)).collect();
    let patience = Patience { events: ARRIVAL_LIMIT, tile: tile_patience(run), gone: &gone, stop: &run.stop };
    let routes = compare_load(&run.context, report, Rules::default(), &patience).await;
    run.go_on()?;
    for (key, mut reconciliation) in routes {
        reconciliation.attempt = attempt;
        reconciliation.log = logs.remove(&key);
        compared.insert(key, reconciliation.second_source());
        run.record(Record::Reconciled { phase, reconciliation })?;
    }
    Ok(compared)
}

fn tile_patience(run: &Run) -> Duration {
    let mut tiles = run.view.reconciliations.iter().filter_map(|(_, entry)| entry.tile.as_ref());
    if tiles.all(TileComparison::agrees) { ARRIVAL_LIMIT } else { SHORT }
}

/// What the apps' own logs have of the acknowledged writes of a load.
async fn in_logs(run: &Run, scenario: &Scenario, report: &LoadReport) -> ByRoute<LogComparison> {
    let mut logs = ByRoute::new();
    for step in &report.steps {
        let sent = scenario.steps.iter().find(|sent| sent.name == step.name);
        let body = sent.and_then(|sent| sent.request.body.as_ref());
        let (Some(BodyTemplate::Json(body)), Some(log)) = (body, log_of(step.app, &step.route)) else { continue };
        if run.is_dead(step.app) {
            continue;
        }
        let compared = compare_log(&run.context, log, step, body).await;
        if compared.writes > 0 {
            logs.insert((step.app, step.route.clone()), compared);
        }
    }
    logs
}

fn log_of(app: AppId, route: &str) -> Option<TransactionLog> {
    match app {
        AppId::A2 => a2_ingest::transaction_log(route),
        AppId::A6 => a6_provider::transaction_log(route),
        _ => None,
    }
}
