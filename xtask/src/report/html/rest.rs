//! The parts of the page about the whole run: known issues, second source, journeys, generator, inventory.

use common::reconcile::{CountComparison, LogComparison, Reconciliation};
use common::verdict::SecondSource;

use super::plot::{Bar, interval_bar};
use super::{Site, TraceLink, badge, state_badge};
use crate::record::{Funnel, KnownIssue, RunView};
use crate::report::state::State;
use crate::report::text;

/// A known issue, measured again.
pub(super) struct Issue {
    pub(super) id: String,
    pub(super) app: String,
    pub(super) title: String,
    pub(super) proposal: String,
    pub(super) measurements: Vec<Measured>,
}

/// One measurement of a known issue.
pub(super) struct Measured {
    pub(super) label: String,
    pub(super) note: String,
    pub(super) bar: String,
    pub(super) p50: String,
    pub(super) p95: String,
    pub(super) interval: String,
    pub(super) p99: String,
    pub(super) requests: String,
    pub(super) errors: String,
    pub(super) slowest: Vec<TraceLink>,
}

/// The second source on one route.
pub(super) struct Reconciled {
    pub(super) badge: String,
    pub(super) phase: u8,
    pub(super) app: String,
    pub(super) route: String,
    pub(super) counts: Vec<String>,
    /// P50, P95, P99 and the slowest.
    pub(super) arrival: [String; 4],
    pub(super) tile: String,
    pub(super) probe: String,
    pub(super) what: Option<String>,
    /// What was compared beyond the figures of the row.
    pub(super) more: Vec<String>,
    pub(super) examples: Vec<(TraceLink, String)>,
}

/// A journey across apps.
pub(super) struct Journey {
    pub(super) title: String,
    pub(super) path: String,
    pub(super) trace: TraceLink,
    pub(super) walks: String,
    pub(super) visible: String,
    pub(super) hops: Vec<HopRow>,
    pub(super) money: Vec<MoneyRow>,
    pub(super) findings: Vec<(String, String, String, String)>,
}

/// One step.
pub(super) struct HopRow {
    pub(super) badge: String,
    pub(super) app: String,
    pub(super) name: String,
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) ms: String,
    /// Share of the slowest hop, in percent.
    pub(super) share: String,
    pub(super) error: Option<String>,
}

/// One amount.
pub(super) struct MoneyRow {
    pub(super) badge: String,
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) seen: String,
}

/// The generator under one scenario.
pub(super) struct GeneratorRow {
    pub(super) badge: String,
    pub(super) scenario: String,
    pub(super) executor: String,
    pub(super) cells: Vec<String>,
    pub(super) fault: Option<String>,
}

/// One app of the inventory.
pub(super) struct InventoryRow {
    pub(super) app: String,
    pub(super) owner: String,
    pub(super) badge: String,
    pub(super) release: String,
    pub(super) base_url: String,
    pub(super) counts: Vec<usize>,
    pub(super) missing: String,
}

impl Site<'_> {
    pub(super) fn issue(&self, issue: &KnownIssue) -> Issue {
        let measured = issue.measurements.iter().map(|measured| {
            let latency = &measured.latency;
            let (point, lower, upper) = (Some(latency.p95_ms), latency.p95_lower_ms, latency.p95_upper_ms);
            let class = if latency.p95_ms > latency.limit_ms { "known" } else { "pass" };
            let title = format!(
                "{}: P95 {} ms, limit {} ms",
                measured.label,
                text::ms(latency.p95_ms),
                text::ms(latency.limit_ms)
            );
            Measured {
                label: measured.label.clone(),
                note: measured.note.clone(),
                bar: interval_bar(Bar { point, lower, upper, limit: latency.limit_ms }, class, &title),
                p50: text::ms(latency.p50_ms),
                p95: text::ms(latency.p95_ms),
                interval: text::p95_interval(latency),
                p99: text::ms(latency.p99_ms),
                requests: text::count(measured.requests),
                errors: text::count(measured.errors),
                slowest: measured.slowest.iter().take(2).map(|id| self.trace(*id)).collect(),
            }
        });
        Issue {
            id: issue.id.clone(),
            app: issue.app.to_string(),
            title: issue.title.clone(),
            proposal: issue.proposal.clone(),
            measurements: measured.collect(),
        }
    }

    pub(super) fn reconciled(&self, phase: u8, entry: &Reconciliation) -> Reconciled {
        let (badge, what) = match entry.second_source() {
            SecondSource::Agrees(_) => (badge("pass", "AGREES"), None),
            SecondSource::Disagrees { what } => (badge("inconclusive", "DISAGREES"), Some(what)),
            SecondSource::Gap { what } => (badge("inconclusive", "GAP"), Some(what)),
            SecondSource::Absent { why } => (badge("skipped", "ABSENT"), Some(why)),
        };
        let counts = [entry.expected, entry.matched, entry.lost, entry.duplicated, entry.late, entry.disagreeing];
        // A tile without a row for the route is recorded as 0 and told in words.
        let p95 = |value: Option<f64>| {
            value.filter(|ms| *ms > 0.0).map_or_else(|| "–".into(), |value| format!("{} ms", text::ms(value)))
        };
        Reconciled {
            badge,
            phase,
            app: entry.app.to_string(),
            route: entry.route.clone(),
            counts: counts.map(text::count).into(),
            arrival: arrival(entry),
            tile: p95(entry.tile.as_ref().map(|tile| tile.tile_p95_ms)),
            probe: p95(entry.tile.as_ref().map(|tile| tile.probe_p95_ms)),
            what,
            more: more(entry),
            examples: entry.examples.iter().take(3).map(|e| (self.trace(e.trace_id), e.what.clone())).collect(),
        }
    }

    pub(super) fn journey(&self, funnel: &Funnel) -> Journey {
        let slowest = funnel.hops.iter().map(|hop| hop.ms).filter(|ms| ms.is_finite()).fold(0.001, f64::max);
        let hops = funnel.hops.iter().map(|hop| HopRow {
            badge: state_badge(if hop.ok { State::Pass } else { State::Fail }),
            app: hop.app.to_string(),
            name: hop.name.clone(),
            request: hop.request.clone(),
            status: hop.status,
            ms: text::ms(hop.ms),
            share: format!("{:.1}", (hop.ms / slowest * 100.0).clamp(0.0, 100.0)),
            error: hop.error.clone(),
        });
        let money = funnel.money.iter().map(|line| MoneyRow {
            badge: state_badge(if line.seen_minor == Some(line.expected_minor) { State::Pass } else { State::Fail }),
            what: line.what.clone(),
            expected: text::money(line.expected_minor, &line.currency),
            seen: line.seen_minor.map_or_else(|| "nothing".into(), |minor| text::money(minor, &line.currency)),
        });
        let findings = funnel.findings.iter().map(|finding| {
            let state = if finding.holds { State::Pass } else { State::Fail };
            (state_badge(state), finding.what.clone(), finding.expected.clone(), finding.seen.clone())
        });
        Journey {
            title: funnel.title.clone(),
            path: funnel.path.clone(),
            trace: self.trace(funnel.trace_id),
            walks: format!("{} of {} walks completed", funnel.completed, funnel.walks),
            visible: funnel.visible_after_ms.map_or_else(
                || "A8 never showed the money".into(),
                |ms| format!("A8 showed the money {} ms after the last hop", text::count(ms.unsigned_abs())),
            ),
            hops: hops.collect(),
            money: money.collect(),
            findings: findings.collect(),
        }
    }
}

fn more(entry: &Reconciliation) -> Vec<String> {
    let counts = entry.tile.as_ref().and_then(|tile| tile.counts.as_ref());
    let log = entry.log.as_ref();
    counts.map(CountComparison::in_words).into_iter().chain(log.map(LogComparison::in_words)).collect()
}

fn arrival(entry: &Reconciliation) -> [String; 4] {
    let of = entry.arrival.as_ref();
    [of.and_then(|a| a.p50_ms), of.and_then(|a| a.p95_ms), of.and_then(|a| a.p99_ms), of.and_then(|a| a.max_ms)]
        .map(text::delay)
}

/// One row a scenario: its routes share a generator.
pub(super) fn generators(view: &RunView) -> Vec<GeneratorRow> {
    let mut rows: Vec<GeneratorRow> = Vec::new();
    for figures in &view.figures {
        let scenario = format!("{} {}", figures.app, figures.scenario_title);
        if rows.iter().any(|row| row.scenario == scenario) {
            continue;
        }
        let own = &figures.generator;
        rows.push(GeneratorRow {
            badge: if own.fault.is_some() { badge("inconclusive", "LATE") } else { badge("pass", "ON TIME") },
            scenario,
            executor: figures.executor.clone(),
            cells: vec![
                text::ms(own.lag_p50_ms),
                text::ms(own.lag_p99_ms),
                text::ms(own.lag_max_ms),
                own.cpu_pct.map_or_else(|| "unknown".into(), |pct| format!("{} %", text::pct(pct))),
                text::count(own.iterations),
                text::count(own.dropped_iterations),
            ],
            fault: own.fault.clone(),
        });
    }
    rows
}

/// One row an app.
pub(super) fn inventory(view: &RunView) -> Vec<InventoryRow> {
    let rows = view.inventory.apps.iter().map(|entry| InventoryRow {
        app: format!("{} {}", entry.contract.app, entry.contract.app.title()),
        owner: entry.contract.owner.clone(),
        badge: if entry.reachable { badge("pass", "ANSWERS") } else { badge("fail", "SILENT") },
        release: entry.release.clone().unwrap_or_else(|| "unknown".into()),
        base_url: entry.base_url.clone(),
        counts: vec![entry.contract.routes.len(), entry.scenarios.len(), entry.checks.len(), entry.faults.len()],
        missing: entry.missing_routes.join(", "),
    });
    rows.collect()
}
