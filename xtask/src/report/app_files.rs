//! What each app's owner gets: `aN_slo_verdict.md`, `aN_latency.csv` and `aN_health.json`.

use std::fmt::Write as _;

use common::check::CheckReport;
use common::ids::AppId;
use common::reconcile::Reconciliation;
use common::verdict::{Grade, Ruling, Statement};
use serde::Serialize;

use super::head::{Counts, graded};
use super::markdown::{cell, code};
use super::select::apps;
use super::state::State;
use super::{Artifact, Head, funnel, json, matrix, perf_summary, second, statement};
use crate::record::{RouteFigures, RunView};

/// Claims by their kind.
const KINDS: [(&str, &str); 6] = [
    ("Service levels", "slo"),
    ("Checks", "check"),
    ("Telemetry", "telemetry"),
    ("Resiliency", "resilience"),
    ("Safety", "safety"),
    ("Simulation", "simulation"),
];

/// Three files for each app that took part.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let files = apps(view).into_iter().flat_map(|app| {
        let name = app.lower();
        [
            Artifact::report(&format!("{name}_slo_verdict.md"), verdict(view, app)),
            Artifact::report(&format!("{name}_latency.csv"), latency(view, app)),
            Artifact::evidence(&format!("{name}_health.json"), json(&health(view, app))),
        ]
    });
    files.collect()
}

fn verdict(view: &RunView, app: AppId) -> String {
    let mut out = Head::of(view).markdown(&format!("{app} {}: verdict", app.title()));
    let own: Vec<_> = view.rulings.iter().filter(|ruling| ruling.claim.app == app).collect();
    match graded(view, app) {
        Some(grade) if !own.is_empty() => {
            let counts = Counts::of(view, Some(app)).line();
            let _ = writeln!(out, "**{app} is {}**: {counts}.\n", grade.as_str());
        }
        _ => out.push_str("Nothing was tried on this app, or the run did not end, so nothing is shown.\n\n"),
    }
    for state in State::ALL.into_iter().filter(|state| *state != State::Pass) {
        let of: Vec<_> = own.iter().filter(|ruling| State::of(ruling) == state).collect();
        for ruling in of {
            out.push_str(&statement::markdown(state, &Statement::from(*ruling)));
        }
    }
    for (title, kind) in KINDS {
        let mut of = own.iter().copied().filter(|ruling| ruling.claim.kind == kind).peekable();
        if of.peek().is_some() {
            let _ = writeln!(out, "## {title}\n");
            out.push_str(&matrix::rulings(of));
        }
    }
    let shapes: Vec<_> = view.shapes.iter().filter(|shape| shape.app == app).collect();
    if !shapes.is_empty() {
        out.push_str("## Load beyond the baseline\n\n");
        out.push_str(&perf_summary::shapes(shapes));
    }
    out.push_str(&second::markdown(view, app));
    broken_checks(&mut out, view, app);
    out
}

fn broken_checks(out: &mut String, view: &RunView, app: AppId) {
    let own = view.checks.iter().map(|(_, report)| report).filter(|report| report.app == app && !report.holds());
    for report in own.filter(|report| report.skipped.is_none()) {
        let _ = writeln!(out, "## {}: {}\n", code(&report.id), cell(&report.claim));
        out.push_str(&funnel::findings(&report.findings));
        for capsule in report.findings.iter().filter_map(|finding| finding.capsule.as_ref()) {
            let _ = writeln!(out, "```sh\n{capsule}\n```\n");
        }
    }
}

/// A row of the CSV; the field names are its head.
#[derive(Serialize)]
struct Row<'a> {
    run_id: &'a str,
    phase: u8,
    scenario: &'a str,
    route: &'a str,
    requests: u64,
    requests_per_s: String,
    errors: u64,
    error_rate_pct: String,
    error_lower_pct: String,
    error_upper_pct: String,
    timed: u64,
    limit_ms: String,
    p50_ms: String,
    p95_ms: String,
    p95_lower_ms: String,
    p95_upper_ms: String,
    p99_ms: String,
    max_ms: String,
    service_p50_ms: String,
    service_p95_ms: String,
    service_p99_ms: String,
    over_limit: String,
    tau: String,
    duration_s: String,
    started_at: &'a str,
}

fn latency(view: &RunView, app: AppId) -> Vec<u8> {
    let run_id = Head::of(view).run_id;
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(CSV_HEAD).expect("memory takes every record");
    for figures in view.figures.iter().filter(|figures| figures.app == app) {
        writer.serialize(row(&run_id, figures)).expect("memory takes every record");
    }
    writer.into_inner().expect("memory takes every byte")
}

/// Written even if no route was loaded, so that a reader knows what the file would hold.
const CSV_HEAD: [&str; 25] = [
    "run_id",
    "phase",
    "scenario",
    "route",
    "requests",
    "requests_per_s",
    "errors",
    "error_rate_pct",
    "error_lower_pct",
    "error_upper_pct",
    "timed",
    "limit_ms",
    "p50_ms",
    "p95_ms",
    "p95_lower_ms",
    "p95_upper_ms",
    "p99_ms",
    "max_ms",
    "service_p50_ms",
    "service_p95_ms",
    "service_p99_ms",
    "over_limit",
    "tau",
    "duration_s",
    "started_at",
];

fn row<'a>(run_id: &'a str, of: &'a RouteFigures) -> Row<'a> {
    let three = |value: f64| if value.is_finite() { format!("{value:.3}") } else { "inf".into() };
    let optional = |value: Option<f64>| value.map(three).unwrap_or_default();
    let (response, service) = (&of.response, &of.service);
    Row {
        run_id,
        phase: of.phase,
        scenario: &of.scenario,
        route: &of.route,
        requests: of.requests,
        requests_per_s: three(of.requests_per_s),
        errors: of.errors,
        error_rate_pct: three(of.error_rate_pct),
        error_lower_pct: three(of.error_interval_pct.0),
        error_upper_pct: three(of.error_interval_pct.1),
        timed: of.timed,
        limit_ms: three(response.limit_ms),
        p50_ms: three(response.p50_ms),
        p95_ms: three(response.p95_ms),
        p95_lower_ms: optional(response.p95_lower_ms),
        p95_upper_ms: optional(response.p95_upper_ms),
        p99_ms: three(response.p99_ms),
        max_ms: three(response.max_ms),
        service_p50_ms: three(service.p50_ms),
        service_p95_ms: three(service.p95_ms),
        service_p99_ms: three(service.p99_ms),
        over_limit: over_limit(of),
        tau: three(of.tau),
        duration_s: three(of.duration_s),
        started_at: &of.started_at,
    }
}

/// The exact count over the route's limit, where it was counted.
fn over_limit(of: &RouteFigures) -> String {
    let found = of.over_ms.iter().find(|(limit, _)| (f64::from(**limit) - of.response.limit_ms).abs() < 0.5);
    found.map(|(_, over)| over.to_string()).unwrap_or_default()
}

#[derive(Serialize)]
struct Health<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    app: AppId,
    app_grade: Option<&'static str>,
    base_url: Option<&'a str>,
    reachable: Option<bool>,
    release: Option<&'a str>,
    routes: Vec<HealthRoute<'a>>,
    reconciliations: Vec<&'a Reconciliation>,
    rulings: Vec<&'a Ruling>,
    checks: Vec<&'a CheckReport>,
}

#[derive(Serialize)]
struct HealthRoute<'a> {
    route: &'a str,
    scenario: &'a str,
    requests: u64,
    errors: u64,
    error_rate_pct: f64,
    error_interval_pct: (f64, f64),
    response: &'a common::verdict::LatencyFigures,
    statuses: &'a std::collections::BTreeMap<u16, u64>,
}

fn health(view: &RunView, app: AppId) -> Health<'_> {
    let inventory = view.inventory.apps.iter().find(|entry| entry.contract.app == app);
    let routes = view.figures.iter().filter(|of| of.app == app && of.phase == 1).map(|of| HealthRoute {
        route: &of.route,
        scenario: &of.scenario,
        requests: of.requests,
        errors: of.errors,
        error_rate_pct: of.error_rate_pct,
        error_interval_pct: of.error_interval_pct,
        response: &of.response,
        statuses: &of.statuses,
    });
    let reconciled = view.reconciliations.iter().filter(|(phase, entry)| *phase == 1 && entry.app == app);
    Health {
        schema: "handshake-health/1",
        head: Head::of(view),
        app,
        app_grade: graded(view, app).map(Grade::as_str),
        base_url: inventory.map(|entry| entry.base_url.as_str()),
        reachable: inventory.map(|entry| entry.reachable),
        release: inventory.and_then(|entry| entry.release.as_deref()),
        routes: routes.collect(),
        reconciliations: reconciled.map(|(_, entry)| entry).collect(),
        rulings: view.rulings.iter().filter(|r| r.claim.app == app && r.claim.phase == 1).collect(),
        checks: view.checks.iter().filter(|(phase, r)| *phase == 1 && r.app == app).map(|(_, r)| r).collect(),
    }
}
