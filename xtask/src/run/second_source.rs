//! Asking the command center what it knows of a load.

use std::time::Duration;

use common::check::ARRIVAL_LIMIT;
use common::clock;
use common::ids::AppId;
use common::load::LoadReport;
use common::reconcile::{Reconciliation, Rules, SeenEvent, TileRow, compare_tile, join};
use common::verdict::SecondSource;
use serde::Deserialize;

use super::probe::ByRoute;
use super::{Run, RunError};
use crate::record::Record;

/// How often A8 is asked again while something is missing.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Events are asked for from this long before the load.
const BEFORE_MS: i64 = 1_000;
/// Events of one page.
const PAGE: usize = 1_000;

/// Why there is no second source for a route.
pub(super) fn why_absent(run: &Run) -> String {
    if run.context.has(AppId::A8) {
        "no request of this route was in the sample that A8 gets".to_owned()
    } else {
        "the target has no A8: add it to targets.yaml".to_owned()
    }
}

/// Joins the probe's records with A8's events, waiting up to the arrival limit for what is missing, and records it.
pub(super) async fn compare(
    run: &mut Run,
    phase: u8,
    report: &LoadReport,
    attempt: u8,
) -> Result<ByRoute<SecondSource>, RunError> {
    let mut compared = ByRoute::new();
    if !run.context.has(AppId::A8) || run.is_dead(AppId::A8) {
        return Ok(compared);
    }
    let routes = joined(run, report).await?;
    let rows = tile_rows(run, report).await;
    for (key, mut reconciliation) in routes {
        let row = rows.iter().find(|row| row.app_id == key.0 && format!("{} {}", row.method, row.route) == key.1);
        if reconciliation.matched > 0 {
            compare_tile(&mut reconciliation, &report.traces, row);
        }
        reconciliation.attempt = attempt;
        compared.insert(key, reconciliation.second_source());
        run.record(Record::Reconciled { phase, reconciliation })?;
    }
    Ok(compared)
}

async fn joined(run: &Run, report: &LoadReport) -> Result<ByRoute<Reconciliation>, RunError> {
    let ended = clock::monotonic();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut reader = EventReader { after: 0, since_ms: report.started_at_unix_ms - BEFORE_MS, seen: Vec::new() };
    loop {
        tick.tick().await;
        run.go_on()?;
        reader.read_on(run).await;
        let routes = join(&report.traces, &reader.seen, Rules::default());
        let missing = routes.iter().any(|((app, _), entry)| entry.lost > 0 && !run.is_dead(*app));
        if !missing || ended.elapsed() > ARRIVAL_LIMIT {
            return Ok(routes);
        }
    }
}

/// Reads A8's events in their order, page by page, each once.
struct EventReader {
    after: u64,
    since_ms: i64,
    seen: Vec<SeenEvent>,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<SeenEvent>,
}

impl EventReader {
    /// Reads what has come since. What cannot be read counts as missing, and missing is never a pass.
    async fn read_on(&mut self, run: &Run) {
        loop {
            let (since, after) = (self.since_ms, self.after);
            let path = format!("/api/events?event=request_completed&since_ms={since}&after={after}&limit={PAGE}");
            let Ok(reply) = run.context.client.get(AppId::A8, &path).send().await else { return };
            let Ok(page) = serde_json::from_slice::<Page>(&reply.body) else { return };
            let full = page.events.len() >= PAGE;
            self.after = page.events.last().map_or(self.after, |event| event.seq);
            self.seen.extend(page.events);
            if !full {
                return;
            }
        }
    }
}

#[derive(Deserialize)]
struct Tile {
    rows: Vec<TileRow>,
}

async fn tile_rows(run: &Run, report: &LoadReport) -> Vec<TileRow> {
    let namespace = &run.guard.environment().labels().namespace;
    let (since, until) = (report.started_at_unix_ms, clock::unix_ms());
    let path = format!("/api/tiles/slo-matrix?namespace={namespace}&since_ms={since}&until_ms={until}");
    let Ok(reply) = run.context.client.get(AppId::A8, &path).send().await else { return Vec::new() };
    serde_json::from_slice::<Tile>(&reply.body).map(|tile| tile.rows).unwrap_or_default()
}
