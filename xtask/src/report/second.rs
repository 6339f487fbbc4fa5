//! The second source in an app's report: A8's events, A8's tile and the app's own log beside what the probe knows.

use common::ids::AppId;
use common::reconcile::{Arrival, CountComparison, LogComparison, Reconciliation, TileComparison};

use super::markdown::{cell, code, table};
use super::text;
use crate::record::RunView;

/// The tables of one app; empty if nothing was compared.
pub(super) fn markdown(view: &RunView, app: AppId) -> String {
    let own: Vec<_> = view.reconciliations.iter().filter(|(_, entry)| entry.app == app).collect();
    if own.is_empty() {
        return String::new();
    }
    let mut out = "## Second source: the probe's records beside A8's\n\n".to_owned();
    let head = ["phase", "route", "expected", "matched", "lost", "twice", "late", "differ", "tile P95", "app P95"];
    out.push_str(&table(&head, "><>>>>>>>>", own.iter().map(|(phase, entry)| joined(*phase, entry))));
    let mut add = |title: &str, head: &[&str], align: &str, rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            out.push_str(&format!("{title}:\n\n{}", table(head, align, rows)));
        }
    };
    let head = ["phase", "route", "arrived", "P50", "P95", "P99", "max", "after 60 s", "share after 60 s"];
    let rows = own.iter().filter_map(|(phase, entry)| Some(with(*phase, entry, arrival(entry.arrival.as_ref()?))));
    add("How long after the events A8 had them", &head, "><>>>>>>>", rows.collect());
    let head = ["phase", "route", "requests", "sent", "others", "allowed", "errors", "got", "computed"];
    let rows = own.iter().filter_map(|(phase, entry)| {
        let tile = entry.tile.as_ref()?;
        Some(with(*phase, entry, counts(tile, tile.counts.as_ref()?)))
    });
    add("What A8's tile counts, re-weighted by the sample rate", &head, "><>>>>>>>", rows.collect());
    let head = ["phase", "route", "log", "writes", "records", "found", "lost", "twice", "altered", "unread", "took"];
    let rows = own.iter().filter_map(|(phase, entry)| Some(with(*phase, entry, log(entry.log.as_ref()?))));
    add("What the app's own log has of acknowledged writes", &head, "><<>>>>>>>>", rows.collect());
    out
}

fn with(phase: u8, entry: &Reconciliation, cells: Vec<String>) -> Vec<String> {
    [vec![phase.to_string(), code(&entry.route)], cells].concat()
}

fn joined(phase: u8, entry: &Reconciliation) -> Vec<String> {
    let p95 = |of: fn(&TileComparison) -> f64| {
        entry.tile.as_ref().map_or_else(|| "–".into(), |tile| format!("{} ms", text::ms(of(tile))))
    };
    let counts = [entry.expected, entry.matched, entry.lost, entry.duplicated, entry.late, entry.disagreeing];
    let mut row: Vec<_> = counts.map(text::count).into();
    row.extend([p95(|tile| tile.tile_p95_ms), p95(|tile| tile.probe_p95_ms)]);
    with(phase, entry, row)
}

fn arrival(arrival: &Arrival) -> Vec<String> {
    let share = arrival.judged.map_or_else(
        || "–".into(),
        |judged| format!("{:.1} to {:.1} %", judged.interval.lower * 100.0, judged.interval.upper * 100.0),
    );
    let mut row = vec![text::count(arrival.count)];
    row.extend([arrival.p50_ms, arrival.p95_ms, arrival.p99_ms, arrival.max_ms].map(text::delay));
    row.extend([text::count(arrival.late), share]);
    row
}

fn counts(tile: &TileComparison, counts: &CountComparison) -> Vec<String> {
    let shown = |n: Option<u64>| n.map_or_else(|| "–".into(), text::count);
    let range = |(from, to): (u64, u64)| match from == to {
        true => text::count(from),
        false => format!("{} to {}", text::count(from), text::count(to)),
    };
    vec![
        shown(counts.tile_requests),
        text::count(counts.probe_requests),
        text::count(counts.other_requests),
        range(counts.allowed_requests),
        shown(counts.tile_errors),
        range(counts.allowed_errors),
        computed(tile.age_ms),
    ]
}

/// `120 ms after the load` of a tile.
fn computed(age_ms: Option<i64>) -> String {
    match age_ms {
        None => "–".into(),
        Some(age) if age > 0 => format!("{} before its end", text::delay(Some(age))),
        Some(age) => format!("{} after its end", text::delay(Some(-age))),
    }
}

fn log(log: &LogComparison) -> Vec<String> {
    let counts =
        [log.writes, log.records, log.found, log.lost, log.duplicated, log.altered, log.unread].map(text::count);
    let took = text::delay(i64::try_from(log.took_ms).ok());
    [vec![cell(&log.source)], counts.into(), vec![took]].concat()
}
