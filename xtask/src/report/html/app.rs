//! The section of one app: its rulings beside their limits, its routes under load, and requests worth a look.

use std::collections::BTreeSet;

use common::ids::AppId;
use common::verdict::{Confirmation, Figures, Ruling, Verdict};

use super::plot::{Bar, distribution, interval_bar, series};
use super::{Site, TraceLink, grade_badge, state_badge};
use crate::record::{Exemplar, RouteFigures};
use crate::report::head::Counts;
use crate::report::select::{apps, traces};
use crate::report::state::State;
use crate::report::{matrix, text};

/// One app.
pub(super) struct Section {
    pub(super) app: AppId,
    pub(super) title: &'static str,
    pub(super) badge: String,
    pub(super) counts: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) rulings: Vec<Row>,
    pub(super) broken: Vec<BrokenCheck>,
    pub(super) routes: Vec<Route>,
}

/// One ruling.
pub(super) struct Row {
    pub(super) anchor: String,
    pub(super) badge: String,
    pub(super) phase: u8,
    pub(super) text: String,
    pub(super) explanation: String,
    /// Why there is only one source.
    pub(super) single: Option<String>,
    pub(super) issue: Option<String>,
    pub(super) bar: String,
    pub(super) seen: String,
    pub(super) interval: String,
    pub(super) n: String,
    pub(super) traces: Vec<TraceLink>,
}

/// A check with what it found, expected beside seen.
pub(super) struct BrokenCheck {
    pub(super) id: String,
    pub(super) claim: String,
    pub(super) findings: Vec<Found>,
}

/// One assertion.
pub(super) struct Found {
    pub(super) badge: String,
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) seen: String,
    pub(super) trace: Option<TraceLink>,
    pub(super) curl: Option<String>,
}

/// One route under one load.
pub(super) struct Route {
    pub(super) name: String,
    pub(super) scenario: String,
    pub(super) executor: String,
    pub(super) open: bool,
    pub(super) line: String,
    pub(super) figures: Vec<(&'static str, String)>,
    pub(super) distribution: String,
    pub(super) series: String,
    pub(super) exemplars: Vec<Request>,
}

/// One request worth a look.
pub(super) struct Request {
    /// Absent if the trace is already shown further up.
    pub(super) anchor: Option<String>,
    pub(super) failed: bool,
    pub(super) trace: TraceLink,
    pub(super) status: u16,
    pub(super) response: String,
    pub(super) service: String,
    pub(super) error: Option<String>,
    pub(super) curl: String,
    pub(super) answer: String,
}

impl Site<'_> {
    /// All apps. A trace that shows several times has its anchor where it shows first.
    pub(super) fn sections(&self) -> Vec<Section> {
        let mut sections: Vec<_> = apps(self.view).into_iter().map(|app| self.section(app)).collect();
        let mut given = BTreeSet::new();
        let routes = sections.iter_mut().flat_map(|section| &mut section.routes);
        for request in routes.flat_map(|route| &mut route.exemplars) {
            request.anchor = request.anchor.take().filter(|anchor| given.insert(anchor.clone()));
        }
        sections
    }

    fn section(&self, app: AppId) -> Section {
        let mut own: Vec<_> = self.view.rulings.iter().filter(|ruling| ruling.claim.app == app).collect();
        own.sort_by_key(|ruling| std::cmp::Reverse(State::of(ruling)));
        let checks = self.view.checks.iter().map(|(_, report)| report).filter(|report| report.app == app);
        let broken = checks.filter(|report| !report.holds() && report.skipped.is_none());
        let mut routes: Vec<_> = self.view.figures.iter().filter(|figures| figures.app == app).collect();
        routes.sort_by_key(|figures| std::cmp::Reverse(figures.phase));
        Section {
            app,
            title: app.title(),
            badge: grade_badge(self.view, app),
            counts: Counts::of(self.view, Some(app)).line(),
            facts: self.facts(app),
            rulings: own.into_iter().map(|ruling| self.row(ruling)).collect(),
            broken: broken.map(|report| self.broken(report)).collect(),
            routes: routes.into_iter().map(|figures| self.route(figures)).collect(),
        }
    }

    fn facts(&self, app: AppId) -> Vec<(&'static str, String)> {
        let Some(entry) = self.view.inventory.apps.iter().find(|entry| entry.contract.app == app) else {
            return Vec::new();
        };
        vec![
            ("owner", entry.contract.owner.clone()),
            ("release", entry.release.clone().unwrap_or_else(|| "unknown: it does not answer".into())),
            ("at", entry.base_url.clone()),
        ]
    }

    fn row(&self, ruling: &Ruling) -> Row {
        let state = State::of(ruling);
        let title = format!("{}: {}", state.word(), ruling.explanation);
        let bar = ruling.verdict.figures().and_then(bar);
        Row {
            anchor: self.anchor(ruling),
            badge: state_badge(state),
            phase: ruling.claim.phase,
            text: ruling.claim.text.clone(),
            explanation: ruling.explanation.clone(),
            single: single_source(&ruling.verdict),
            issue: ruling.claim.known_issue.clone(),
            bar: bar.map(|bar| interval_bar(bar, state.class(), &title)).unwrap_or_default(),
            seen: matrix::seen(ruling),
            interval: matrix::interval(ruling),
            n: ruling.verdict.figures().map_or_else(|| "0".into(), |figures| text::count(figures.n.get())),
            traces: traces(ruling).iter().take(3).map(|id| self.trace(*id)).collect(),
        }
    }

    fn broken(&self, report: &common::check::CheckReport) -> BrokenCheck {
        let found = |finding: &common::check::Finding| Found {
            badge: state_badge(if finding.holds { State::Pass } else { State::Fail }),
            what: finding.what.clone(),
            expected: finding.expected.clone(),
            seen: finding.seen.clone(),
            trace: finding.trace_id.map(|id| self.trace(id)),
            curl: finding.capsule.clone(),
        };
        BrokenCheck {
            id: report.id.clone(),
            claim: report.claim.clone(),
            findings: report.findings.iter().map(found).collect(),
        }
    }

    fn route(&self, of: &RouteFigures) -> Route {
        let response = &of.response;
        let load = format!("{} {} under {}", of.app, of.route, of.scenario_title);
        let points = format!(
            "{load}: response time by percentile. P50 {} ms, P95 {} ms, P99 {} ms, limit {} ms.",
            text::ms(response.p50_ms),
            text::ms(response.p95_ms),
            text::ms(response.p99_ms),
            text::ms(response.limit_ms)
        );
        let over_time = format!("{load}: P50, P95 and P99 of each second, {} errors.", of.errors);
        let exemplars = of.failed.iter().map(|e| (true, e)).chain(of.slowest.iter().map(|e| (false, e)));
        Route {
            name: of.route.clone(),
            scenario: of.scenario_title.clone(),
            executor: of.executor.clone(),
            open: of.errors > 0 || response.p95_ms > response.limit_ms,
            line: format!(
                "P95 {} ms, {} requests, {} errors",
                text::ms(response.p95_ms),
                text::count(of.requests),
                of.errors
            ),
            figures: figures(of),
            distribution: distribution(&of.distribution, response.limit_ms, &points),
            series: series(&of.series, response.limit_ms, &over_time),
            exemplars: exemplars.map(|(failed, exemplar)| self.request(failed, exemplar)).collect(),
        }
    }

    fn request(&self, failed: bool, exemplar: &Exemplar) -> Request {
        Request {
            anchor: Some(format!("trace-{}", exemplar.trace_id)),
            failed,
            trace: self.trace(exemplar.trace_id),
            status: exemplar.status,
            response: text::ms(exemplar.response_ms),
            service: text::ms(exemplar.service_ms),
            error: exemplar.error.clone(),
            curl: exemplar.curl.clone(),
            answer: exemplar.answer.clone(),
        }
    }
}

fn single_source(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Pass { second: Confirmation::SingleSource { why }, .. } => Some(why.clone()),
        _ => None,
    }
}

/// Latency beside its limit, or the counted share beside its own.
fn bar(figures: &Figures) -> Option<Bar> {
    if let Some(latency) = &figures.latency {
        return Some(Bar {
            point: Some(latency.p95_ms),
            lower: latency.p95_lower_ms,
            upper: latency.p95_upper_ms,
            limit: latency.limit_ms,
        });
    }
    let judged = figures.judgement?;
    let interval = judged.interval;
    Some(Bar { point: judged.point, lower: Some(interval.lower), upper: Some(interval.upper), limit: judged.limit })
}

fn figures(of: &RouteFigures) -> Vec<(&'static str, String)> {
    let (response, service) = (&of.response, &of.service);
    let (low, high) = of.error_interval_pct;
    let kinds: Vec<_> = of.errors_by_kind.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
    let over: Vec<_> = of.over_ms.iter().map(|(limit, n)| format!("{} over {limit} ms", text::count(*n))).collect();
    let three = |l: &common::verdict::LatencyFigures| {
        format!("{} / {} / {} ms", text::ms(l.p50_ms), text::ms(l.p95_ms), text::ms(l.p99_ms))
    };
    vec![
        ("P50 / P95 / P99, as a user waits", three(response)),
        ("95 % interval of the P95", text::p95_interval(response)),
        ("P50 / P95 / P99 of the app itself", three(service)),
        ("slowest", format!("{} ms", text::ms(response.max_ms))),
        ("exact counts", over.join(", ")),
        (
            "errors",
            format!(
                "{} of {}{kinds}: {} %, {} to {} %",
                text::count(of.errors),
                text::count(of.requests),
                text::pct(of.error_rate_pct),
                text::pct(low),
                text::pct(high)
            ),
        ),
        ("rate", format!("{} requests/s for {}", text::pct(of.requests_per_s), text::duration(of.duration_s))),
        ("samples depend on each other", format!("tau {}", text::pct(of.tau))),
    ]
}
