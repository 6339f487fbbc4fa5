//! Joining the probe's records with the command center's events by trace id.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Arrival, Discrepancy, Reconciliation, SeenEvent};
use crate::clock;
use crate::ids::{AppId, TraceId};
use crate::load::TraceRecord;
use crate::telemetry::{EventName, is_reported, sample_rate};
use crate::units::Micros;

/// When two figures agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// An event is late if it arrives more than this after its timestamp, in milliseconds.
    pub arrival_limit_ms: i64,
    /// Durations of one request may differ by this many microseconds …
    pub allowance_us: u64,
    /// … or by this share.
    pub allowance_share: f64,
    /// A tile is stale if it was computed more than this before the load ended, in milliseconds.
    pub stale_ms: i64,
}

impl Default for Rules {
    /// 60 s; 2 µs or 0.1 %: an app reports and answers the same measurement, so only rounding may differ; 5 s between the
    /// clocks of the probe and of A8.
    fn default() -> Self {
        Self { arrival_limit_ms: 60_000, allowance_us: 2, allowance_share: 0.001, stale_ms: 5_000 }
    }
}

/// Sample rates are told as decimals; beyond what rounding does to one, they differ.
const RATE_ALLOWANCE: f64 = 1e-9;
/// The most examples kept per route.
const EXAMPLES: usize = 5;

type RouteKey = (AppId, String);

/// Compares, route by route, the requests that the app must report. A request whose connection broke before an answer
/// has nothing to compare and is left out.
#[must_use]
pub fn join(records: &[TraceRecord], seen: &[SeenEvent], rules: Rules) -> BTreeMap<RouteKey, Reconciliation> {
    let mut by_trace: BTreeMap<(TraceId, RouteKey), Vec<&SeenEvent>> = BTreeMap::new();
    for event in seen.iter().filter(|seen| seen.event.event == EventName::RequestCompleted) {
        let route = (event.event.app_id, format!("{} {}", event.event.method, event.event.route));
        by_trace.entry((event.event.trace_id, route)).or_default().push(event);
    }
    let mut expected: BTreeMap<(TraceId, RouteKey), Vec<&TraceRecord>> = BTreeMap::new();
    let mut unanswered: BTreeMap<(TraceId, RouteKey), usize> = BTreeMap::new();
    for record in records.iter().filter(|record| record.status.is_none()) {
        *unanswered.entry((record.trace_id, (record.app, record.route.clone()))).or_default() += 1;
    }
    for record in
        records.iter().filter(|record| record.status.is_some_and(|status| is_reported(record.trace_id, status)))
    {
        expected.entry((record.trace_id, (record.app, record.route.clone()))).or_default().push(record);
    }
    let mut routes: BTreeMap<RouteKey, (Reconciliation, Vec<Option<i64>>)> = BTreeMap::new();
    for ((trace, route), sent) in &expected {
        let joined = routes.entry(route.clone()).or_insert_with(|| (empty(route), Vec::new()));
        let place = (*trace, route.clone());
        let got = by_trace.get(&place).map_or(&[][..], Vec::as_slice);
        let excused = unanswered.get(&place).copied().unwrap_or(0);
        compare(joined, *trace, (sent, excused), got, rules);
    }
    let with_arrival = |(route, (entry, delays)): (RouteKey, (Reconciliation, Vec<_>))| {
        (route, Reconciliation { arrival: Some(Arrival::of(&delays, rules.arrival_limit_ms)), ..entry })
    };
    routes.into_iter().map(with_arrival).collect()
}

fn empty((app, route): &RouteKey) -> Reconciliation {
    Reconciliation {
        app: *app,
        route: route.clone(),
        attempt: 1,
        expected: 0,
        matched: 0,
        lost: 0,
        duplicated: 0,
        late: 0,
        disagreeing: 0,
        arrival: None,
        tile: None,
        log: None,
        examples: Vec::new(),
    }
}

/// All requests of one trace on one route against all events of it. As many events as requests stayed without an answer may
/// be left over: the app may have answered them to nobody.
fn compare(
    (entry, delays): &mut (Reconciliation, Vec<Option<i64>>),
    trace: TraceId,
    (sent, unanswered): (&[&TraceRecord], usize),
    got: &[&SeenEvent],
    rules: Rules,
) {
    entry.expected += sent.len() as u64;
    let mut left: Vec<&SeenEvent> = got.to_vec();
    let mut note = |what: String| {
        if entry.examples.len() < EXAMPLES {
            entry.examples.push(Discrepancy { trace_id: trace, what });
        }
    };
    for record in sent {
        let alike = left.iter().enumerate().filter(|(_, seen)| differs(record, seen, rules).is_none());
        let best = alike.min_by_key(|(_, seen)| distance_us(record, seen)).map(|(at, _)| at);
        let Some(at) = best.or_else(|| (!left.is_empty()).then_some(0)) else {
            entry.lost += 1;
            note(format!("answered {} but unknown to A8", record.status.unwrap_or_default()));
            continue;
        };
        let seen = left.remove(at);
        let arrival = arrival_ms(seen);
        delays.push(arrival);
        if arrival.is_none_or(|after_ms| after_ms > rules.arrival_limit_ms) {
            entry.late += 1;
            let after = arrival.map(|ms| format!("reached A8 after {ms} ms"));
            note(after.unwrap_or_else(|| format!("has no time that can be read: {:?}", seen.event.timestamp)));
        } else if let Some(what) = differs(record, seen, rules) {
            entry.disagreeing += 1;
            note(what);
        } else {
            entry.matched += 1;
        }
    }
    let twice = left.len().saturating_sub(unanswered);
    if twice > 0 && !sent.is_empty() {
        entry.duplicated += twice as u64;
        note(format!("{} requests, {} events in A8", sent.len(), got.len()));
    }
}

/// How long after its event a report arrived; `None` if the event's time cannot be read.
fn arrival_ms(seen: &SeenEvent) -> Option<i64> {
    clock::parse_rfc3339(&seen.event.timestamp).ok().map(|at| seen.received_at_ms.saturating_sub(at))
}

/// How far two durations are apart: the requests of one trace on one route are told apart by nothing else.
fn distance_us(record: &TraceRecord, seen: &SeenEvent) -> u64 {
    let reported =
        Duration::try_from_secs_f64(seen.event.p95_ms / 1_000.0).map_or(u64::MAX, |took| Micros::from(took).0);
    record.app_us.unwrap_or(record.service_us).abs_diff(reported)
}

/// What differs between the probe's record and the app's report of one request.
fn differs(record: &TraceRecord, seen: &SeenEvent, rules: Rules) -> Option<String> {
    let event = &seen.event;
    if record.status != Some(event.status) {
        let saw = record.status.unwrap_or_default();
        return Some(format!("the probe saw status {saw}, A8 has {}", event.status));
    }
    let rate = sample_rate(event.status);
    if (event.sample_rate - rate).abs() > RATE_ALLOWANCE || event.sample_rate.is_nan() {
        let told = event.sample_rate;
        return Some(format!("A8 has it as sampled at {told}, and such requests are sampled at {rate}"));
    }
    let reported_us = event.p95_ms * 1_000.0;
    let as_f64 = |us: u64| u32::try_from(us).map_or(f64::from(u32::MAX), f64::from);
    let allowance = as_f64(rules.allowance_us);
    match record.app_us {
        Some(told) => {
            let (told, slack) = (as_f64(told), (as_f64(told) * rules.allowance_share).max(allowance));
            let alike = (told - reported_us).abs() <= slack;
            (!alike).then(|| format!("the app told the probe {:.3} ms, A8 has {:.3} ms", told / 1_000.0, event.p95_ms))
        }
        None => {
            let whole = as_f64(record.service_us);
            let possible = reported_us <= whole + whole * rules.allowance_share + allowance;
            (!possible).then(|| {
                format!("A8 has {:.3} ms, longer than the probe waited ({:.3} ms)", event.p95_ms, whole / 1_000.0)
            })
        }
    }
}
