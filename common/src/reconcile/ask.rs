//! Asking: the command center for what it knows of a load, an app for what it stored.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::txlog::{self, LogComparison, Logged, MAX_LOOKED, TransactionLog};
use super::{Reconciliation, Rules, SeenEvent, Sent, Tile, TileComparison, compare_tile, join};
use crate::check::CheckContext;
use crate::client::Client;
use crate::clock;
use crate::ids::{AppId, TraceId};
use crate::load::{LoadReport, StepReport};

/// How often A8 is asked again while something is missing or differs.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Events are asked for from this long before the load.
const BEFORE_MS: i64 = 1_000;
/// Events of one page.
const PAGE: usize = 1_000;
/// Questions to a log at a time.
const READERS: usize = 8;

/// How long the command center is given.
#[derive(Debug)]
pub struct Patience<'a> {
    /// For events that are missing; the context's patience is the usual one.
    pub events: Duration,
    /// For a tile that is stale or differs.
    pub tile: Duration,
    /// Apps that are gone: what they did not report is not waited for.
    pub gone: &'a BTreeSet<AppId>,
    /// Cancelled, it ends the waiting.
    pub stop: &'a CancellationToken,
}

/// Compares a load with what A8 knows of it, by app and route, waiting for what is missing or differs.
pub async fn compare_load(
    cx: &CheckContext,
    report: &LoadReport,
    rules: Rules,
    patience: &Patience<'_>,
) -> BTreeMap<(AppId, String), Reconciliation> {
    let asked = clock::monotonic();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut a8 = A8::new(cx, report);
    loop {
        tick.tick().await;
        a8.read_on().await;
        let mut routes = join(&report.traces, &a8.seen, rules);
        let over = |most: Duration| asked.elapsed() > most || patience.stop.is_cancelled();
        let missing = routes.iter().any(|((app, _), entry)| entry.lost > 0 && !patience.gone.contains(app));
        if missing && !over(patience.events) {
            continue;
        }
        let (tile, events) = a8.tile(report).await;
        for entry in routes.values_mut().filter(|entry| entry.matched > 0) {
            compare_tile(entry, Sent::of(report), &events, &tile, rules);
        }
        let agree = routes.values().all(|entry| entry.tile.as_ref().is_none_or(TileComparison::agrees));
        if agree || over(patience.tile) {
            return routes;
        }
    }
}

/// Reads A8's events in their order, page by page, each once; and its tile.
struct A8<'a> {
    client: &'a Client,
    namespace: String,
    after: u64,
    since_ms: i64,
    seen: Vec<SeenEvent>,
}

#[derive(Deserialize)]
struct Page {
    events: Vec<SeenEvent>,
}

impl<'a> A8<'a> {
    fn new(cx: &'a CheckContext, report: &LoadReport) -> Self {
        let namespace = cx.client.guard().environment().labels().namespace.to_string();
        let since_ms = report.started_at_unix_ms - BEFORE_MS;
        Self { client: &cx.client, namespace, after: 0, since_ms, seen: Vec::new() }
    }

    /// Reads what has come since. What cannot be read counts as missing, and missing is never a pass.
    async fn read_on(&mut self) {
        loop {
            let (namespace, since, after) = (&self.namespace, self.since_ms, self.after);
            let path = format!(
                "/api/events?event=request_completed&namespace={namespace}&since_ms={since}&after={after}&limit={PAGE}"
            );
            let Ok(reply) = self.client.get(AppId::A8, &path).send().await else { return };
            let Ok(page) = serde_json::from_slice::<Page>(&reply.body) else { return };
            let full = page.events.len() >= PAGE;
            self.after = page.events.last().map_or(self.after, |event| event.seq);
            self.seen.extend(page.events);
            if !full {
                return;
            }
        }
    }

    /// The tile over the load's own time, and the events of that time. It is as old as the tile that everybody asks for,
    /// if that one is older: a question nobody asked before cannot show that others get old answers.
    async fn tile(&self, report: &LoadReport) -> (Tile, Vec<SeenEvent>) {
        let (since, until) = self.span(report);
        let namespace = &self.namespace;
        let path = format!("/api/tiles/slo-matrix?namespace={namespace}");
        let usual = self.tile_at(&path).await;
        let own = self.tile_at(&format!("{path}&since_ms={since}&until_ms={until}")).await;
        let as_of = [usual.as_of, own.as_of]
            .into_iter()
            .min_by_key(|as_of| as_of.as_deref().and_then(|text| clock::parse_rfc3339(text).ok()).unwrap_or(i64::MIN));
        let within = |seen: &&SeenEvent| at_ms(seen).is_some_and(|at| (since..=until).contains(&at));
        (Tile { as_of: as_of.flatten(), rows: own.rows }, self.seen.iter().filter(within).cloned().collect())
    }

    async fn tile_at(&self, path: &str) -> Tile {
        let Ok(reply) = self.client.get(AppId::A8, path).send().await else { return Tile::default() };
        serde_json::from_slice(&reply.body).unwrap_or_default()
    }

    /// From the first to the last event of the load by the clocks of those who reported, so that clocks that differ
    /// cut nothing off.
    fn span(&self, report: &LoadReport) -> (i64, i64) {
        let told = report.steps.iter().flat_map(|step| step.acknowledged.iter().chain(&step.unacknowledged));
        let own: BTreeSet<TraceId> =
            told.map(|told| told.trace_id).chain(report.traces.iter().map(|record| record.trace_id)).collect();
        let times = || self.seen.iter().filter(|seen| own.contains(&seen.event.trace_id)).filter_map(at_ms);
        match (times().min(), times().max()) {
            (Some(first), Some(last)) => (first, last),
            _ => (report.started_at_unix_ms, report.started_at_unix_ms.max(clock::unix_ms())),
        }
    }
}

fn at_ms(seen: &SeenEvent) -> Option<i64> {
    clock::parse_rfc3339(&seen.event.timestamp).ok()
}

/// Looks for acknowledged writes of a step in the app's own log, a few at a time and never faster than the target allows.
/// `body` is the template of what the step sent.
pub async fn compare_log(cx: &CheckContext, log: TransactionLog, step: &StepReport, body: &Value) -> LogComparison {
    let began = clock::monotonic();
    let most = cx.client.guard().environment().limits().max_rate_per_s;
    let mut pace = tokio::time::interval(Duration::from_secs_f64(READERS as f64 / most.max(0.1)));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut compared = LogComparison::new(log.name);
    for some in txlog::sample(&step.acknowledged, MAX_LOOKED).chunks(READERS) {
        pace.tick().await;
        let looks = some.iter().map(|told| read_log(&cx.client, step.app, log, told.trace_id));
        for (told, logged) in some.iter().zip(join_all(looks).await) {
            let wanted = (log.records)(&txlog::known(body, told.iteration).unwrap_or_default());
            compared.add(told.trace_id, &wanted, &logged);
        }
    }
    compared.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    compared
}

async fn read_log(client: &Client, app: AppId, log: TransactionLog, trace: TraceId) -> Logged {
    let reply = match client.get(app, &format!("{}{trace}", log.path)).send().await {
        Ok(reply) => reply,
        Err(error) => return Logged::Unread(error.to_string()),
    };
    match reply.status {
        404 if log.empty_is_404 => Logged::Records(Vec::new()),
        200 => match reply.pointer(log.list) {
            Some(Value::Array(records)) => Logged::Records(records),
            _ => Logged::Unread(format!("the answer has no list at {}", log.list)),
        },
        status => Logged::Unread(format!("status {status}")),
    }
}
