//! One workload from start to verdicts: run it, ask the second source, judge each route, record all of it.

mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::contract::{Contract, Route, Slo};
use common::ids::AppId;
use common::load::{self, LiveWindow, LoadError, LoadOptions, LoadReport, StepReport};
use common::scenario::Scenario;
use common::units::Micros;
use common::verdict::{Claim, Figures, Ruling, SecondSource, SloEvidence, Verdict, Window, judge_errors, judge_p95};

use super::figures::{figures, latency_figures};
use super::gauge::Gauge;
use super::prior::Prior;
use super::{Run, RunError, confirm, second_source, stops, window};
use crate::history::EndpointKey;
use crate::record::{Record, RouteFigures};
use crate::suites;
use crate::ui::LoadPlan;

/// Nothing in this time counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// The limit of the 95th percentile where a contract states none.
const DEFAULT_P95_MS: u32 = 150;

/// Something by route.
pub(crate) type ByRoute<T> = BTreeMap<(AppId, String), T>;

/// One route under one load: what was seen, and what that says by itself.
pub(super) struct Gauged {
    pub(super) scenario: Scenario,
    pub(super) key: EndpointKey,
    pub(super) figures: RouteFigures,
    /// On errors and on latency.
    pub(super) rulings: [Ruling; 2],
    /// What the second source knows otherwise.
    pub(super) anomaly: Option<String>,
    /// Begin and end in microseconds since the epoch.
    pub(super) span_us: (u64, u64),
}

/// Runs workloads side by side, as many at a time as the environment allows users, then reconciles and rules on each.
/// What looks like a failure, or is told otherwise by the second source, is measured once more before it counts.
///
/// Side by side, each route is asked at a lower pace for longer: its samples depend less on each other, and are worth
/// more. Gives the figures of each route that had samples.
pub(crate) async fn run_all(run: &mut Run, phase: u8, scenarios: Vec<Scenario>) -> Result<Vec<RouteFigures>, RunError> {
    let first = measure(run, phase, scenarios, 1).await?;
    let first = pace::kept(run, phase, first).await?;
    confirm::settle(run, phase, &first).await?;
    Ok(first.into_iter().map(|gauged| gauged.figures).collect())
}

/// Measures workloads, for the first time or for the second. What the first says is recorded at once.
pub(super) async fn measure(
    run: &mut Run,
    phase: u8,
    scenarios: Vec<Scenario>,
    attempt: u8,
) -> Result<Vec<Gauged>, RunError> {
    let most = run.guard.environment().limits().vus_without_approval;
    let mut all = Vec::new();
    for group in groups(scenarios, most) {
        // A failure that a stop showed is confirmed by one more load, which stops by the same conditions.
        let group = if attempt == 1 { stops::spare(run, phase, group)? } else { group };
        if !group.is_empty() {
            all.extend(run_group(run, phase, &group, attempt).await?);
        }
    }
    Ok(all)
}

/// Packs workloads into groups of at most so many users, keeping their order.
pub(crate) fn groups(scenarios: Vec<Scenario>, most: u32) -> Vec<Vec<Scenario>> {
    let mut groups: Vec<(u32, Vec<Scenario>)> = Vec::new();
    for scenario in scenarios {
        let vus = scenario.executor.max_vus();
        match groups.iter_mut().find(|(taken, _)| *taken + vus <= most) {
            Some((taken, group)) => {
                *taken += vus;
                group.push(scenario);
            }
            None => groups.push((vus, vec![scenario])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

async fn run_group(run: &mut Run, phase: u8, group: &[Scenario], attempt: u8) -> Result<Vec<Gauged>, RunError> {
    run.go_on()?;
    let names = group.iter().map(|scenario| scenario.id.as_str()).collect::<Vec<_>>().join(", ");
    let longest = group.iter().map(|scenario| scenario.executor.duration()).max().unwrap_or_default();
    let title = if let [only] = group { only.title.clone() } else { format!("{} workloads side by side", group.len()) };
    run.ui.load_started(&names, &title, (longest + WARM_UP).as_secs_f64());
    let gauge = Arc::new(Gauge::default());
    let heard = stops::listen(run, group, longest);
    let stops = stops::options(run.plan.profile, group, heard.as_ref().map(|(ear, _)| ear));
    let options = group.iter().map(|scenario| {
        let own = options(run, scenario, &gauge)?;
        Ok(LoadOptions { stops: Some(stops.clone()), ..own })
    });
    let options = options.collect::<Result<Vec<_>, RunError>>()?;
    let loads = group.iter().zip(options).map(|(scenario, options)| load::run(scenario, &run.guard, options));
    let results = futures_util::future::join_all(loads).await;
    drop(heard);
    run.ui.load_finished(&names, gauge.whole());
    run.mourn(phase)?;
    run.go_on()?;
    let mut all = Vec::new();
    for (scenario, result) in group.iter().zip(results) {
        match result {
            Ok(report) => all.extend(settle(run, phase, scenario, &report, attempt).await?),
            Err(error) => record_failure(run, phase, scenario, &error)?,
        }
    }
    Ok(all)
}

/// Asks the second source and rules on each route of a load.
async fn settle(
    run: &mut Run,
    phase: u8,
    scenario: &Scenario,
    report: &LoadReport,
    attempt: u8,
) -> Result<Vec<Gauged>, RunError> {
    stops::record(run, phase, scenario, report)?;
    thresholds(run, phase, scenario, report)?;
    if report.end == load::End::OutOfData {
        let source = scenario.feeder.as_ref().map_or("the feeder", |feeder| feeder.source.as_str());
        let text = format!(
            "{}: {source} ran out of records after {} iterations, each of which needs its own: add records",
            scenario.id, report.iterations.started
        );
        run.note(phase, Some(scenario.app), text)?;
    }
    let compared = second_source::compare(run, phase, (scenario, report), attempt).await?;
    let mut all = Vec::new();
    let mut taken: Vec<EndpointKey> = Vec::new();
    for step in &report.steps {
        let gauged = gauge(run, phase, scenario, (report, step), (&compared, &taken), attempt);
        taken.push(gauged.key.clone());
        run.record(Record::Probed(Box::new(gauged.figures.clone())))?;
        if attempt == 1 {
            for ruling in &gauged.rulings {
                run.record(Record::Ruled(confirm::provisional(ruling.clone())))?;
            }
        }
        all.push(gauged);
    }
    Ok(all)
}

/// What one route showed, and what that says by itself.
fn gauge(
    run: &Run,
    phase: u8,
    scenario: &Scenario,
    (report, step): (&LoadReport, &StepReport),
    (compared, taken): (&ByRoute<SecondSource>, &[EndpointKey]),
    attempt: u8,
) -> Gauged {
    let (slo, route) = slo_of(&suites::suite(step.app).contract, &step.route);
    let tags = route.map(|route| route.tags).unwrap_or_default();
    let mut figures = figures(phase, scenario, report, step, &slo, &tags);
    figures.attempt = attempt;
    if attempt > 1 {
        figures.scenario_title.push_str(", measured again");
    }
    let second = compared.get(&(step.app, step.route.clone())).cloned();
    let second = second.unwrap_or_else(|| SecondSource::Absent { why: second_source::why_absent(run) });
    let anomaly = match &second {
        SecondSource::Disagrees { what } | SecondSource::Gap { what } => Some(what.clone()),
        SecondSource::Agrees(_) | SecondSource::Absent { .. } => None,
    };
    let key = EndpointKey::of(&figures).apart_from(taken.iter());
    let prior = run.prior(&key);
    let evidence = evidence(report, step, &figures, prior, &slo, second);
    let window = Window {
        started_at: figures.started_at.clone(),
        duration_s: figures.duration_s,
        stability: figures.window.as_ref().map(|window| window.stability),
        earlier_runs: prior.runs,
        attempt,
    };
    let rulings = rule(phase, scenario, &key, &evidence, &slo, &tags).map(|ruling| ruling.measured_in(window.clone()));
    Gauged { scenario: scenario.clone(), key, figures, rulings, anomaly, span_us: span_us(report) }
}

/// Begin and end of a load in microseconds since the epoch.
pub(super) fn span_us(report: &LoadReport) -> (u64, u64) {
    let from_us = u64::try_from(report.started_at_unix_ms).unwrap_or(0).saturating_mul(1_000);
    let lasted = Micros::from(Duration::try_from_secs_f64(report.measured_s).unwrap_or_default()).0;
    (from_us, from_us.saturating_add(lasted))
}

/// Tells which of the workload's own thresholds were crossed. The claims rule on service levels; a threshold is what
/// the workload's author wants to be told of.
pub(super) fn thresholds(run: &mut Run, phase: u8, scenario: &Scenario, report: &LoadReport) -> Result<(), RunError> {
    for result in report.thresholds.iter().filter(|result| result.crossed == Some(true) && !result.aborted) {
        run.note(phase, Some(scenario.app), format!("{}: {}", scenario.id, result.sentence()))?;
    }
    Ok(())
}

pub(super) fn options(run: &Run, scenario: &Scenario, gauge: &Arc<Gauge>) -> Result<LoadOptions, RunError> {
    let step_limits = scenario.steps.iter().map(|step| {
        let limit = slo_of(&suites::suite(scenario.app_of(step)).contract, &step.route_name()).0.p95_ms;
        (step.name.clone(), vec![Micros::from_ms(u64::from(limit))])
    });
    let (ui, gauge) = (Arc::clone(&run.ui), Arc::clone(gauge));
    let plan =
        LoadPlan { scenario: scenario.id.clone(), seconds: (scenario.executor.duration() + WARM_UP).as_secs_f64() };
    Ok(LoadOptions {
        warm_up: WARM_UP,
        // Others are asked for what this load sent: each of its requests must be known.
        keep_acknowledged: true,
        records: run.records(scenario)?,
        step_limits: step_limits.collect(),
        stop: run.stop.child_token(),
        on_window: Some(Arc::new(move |window: &LiveWindow| {
            ui.load_window(&plan, window);
            ui.load_tick(gauge.take(&plan.scenario, window));
        })),
        ..LoadOptions::default()
    })
}

/// The service level of a route, and the route itself if the contract has it.
pub(crate) fn slo_of(contract: &Contract, name: &str) -> (Slo, Option<Route>) {
    let route = contract.routes.iter().find(|route| route.name() == name).cloned();
    let slo = route.as_ref().and_then(|route| route.slo.clone());
    (slo.unwrap_or_else(|| Slo::p95(DEFAULT_P95_MS)), route)
}

/// A load that gave nothing to judge: the app cannot be reached, or the workload does not fit.
pub(super) fn record_failure(run: &mut Run, phase: u8, scenario: &Scenario, error: &LoadError) -> Result<(), RunError> {
    let (app, blamed) = match error {
        LoadError::Unreachable { app, .. } => (*app, Figures::counted("attempts to connect", 1, 1)),
        _ => (scenario.app, None),
    };
    let what = format!("reachable.{}", scenario.id);
    let claim = claim(phase, app, &what, format!("can be loaded by {}", scenario.id), &[]);
    let verdict = match blamed {
        Some(figures) => Verdict::Fail { figures, traces: Vec::new() },
        None => Verdict::nothing_seen("requests", "a load that gives samples"),
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, error.to_string(), rerun(scenario))))
}

fn claim(phase: u8, app: AppId, what: &str, text: String, tags: &[String]) -> Claim {
    let known_issue = tags.iter().find_map(|tag| tag.strip_prefix("known_issue:")).map(str::to_owned);
    Claim {
        id: format!("{}.{what}", app.lower()),
        app,
        phase,
        text,
        kind: "slo".into(),
        gate: known_issue.is_none(),
        known_issue,
    }
}

fn rerun(scenario: &Scenario) -> String {
    let app = scenario.app.lower();
    if scenario.id.ends_with("_smoke") {
        format!("cargo xtask suite {app}")
    } else {
        format!("cargo xtask suite {app} --scenario {}", scenario.id)
    }
}

/// The two rulings of a route: errors and latency.
fn rule(
    phase: u8,
    scenario: &Scenario,
    key: &EndpointKey,
    evidence: &SloEvidence,
    slo: &Slo,
    tags: &[String],
) -> [Ruling; 2] {
    let (place, route) = (format!("{}.{}", scenario.id, key.route), &key.route);
    let text = format!("fewer than {} % of {route} fail", slo.error_rate_pct);
    let errors = claim(phase, key.app, &format!("errors.{place}"), text, tags);
    let text = format!("95 % of {route} within {} ms", slo.p95_ms);
    let latency = claim(phase, key.app, &format!("p95.{place}"), text, tags);
    let (error_verdict, error_line) = judge_errors(evidence, slo.error_rate_pct);
    let (latency_verdict, latency_line) = judge_p95(evidence);
    [
        Ruling::new(errors, error_verdict, error_line, rerun(scenario)),
        Ruling::new(latency, latency_verdict, latency_line, rerun(scenario)),
    ]
}

pub(super) fn evidence(
    report: &LoadReport,
    step: &StepReport,
    figures: &RouteFigures,
    prior: Prior,
    slo: &Slo,
    second: SecondSource,
) -> SloEvidence {
    let limit = Micros::from_ms(u64::from(slo.p95_ms));
    let tau = figures.tau.max(prior.tau_latency);
    SloEvidence {
        seconds: report.measured_s,
        requests: step.count,
        errors: step.error_count(),
        timeouts: step.errors.get(&load::ErrorKind::Timeout).copied().unwrap_or(0),
        timed: step.response.count(),
        // A limit that was not counted exactly would count every request as over it: never a pass by omission.
        over_limit: step.over(limit).unwrap_or_else(|| step.response.count()),
        latency: latency_figures(&step.response, slo.p95_ms, tau),
        tau_latency: tau,
        tau_errors: figures.tau_errors.max(prior.tau_errors),
        open_model: report.open_model,
        generator_late: report.health.blames_itself(limit),
        underloaded: report.health.dropped_too_many(),
        stopped: report.end != load::End::Completed,
        cause: stops::cause(report, step),
        steady: Some(window::steadiness(step, slo, figures.window.as_ref(), prior)),
        second,
        failed_traces: step.failed.iter().map(|exemplar| exemplar.trace_id).collect(),
        slow_traces: step.slowest.iter().map(|exemplar| exemplar.trace_id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use common::scenario::Step;

    use super::*;

    fn scenario(id: &str, vus: u32) -> Scenario {
        Scenario::new(id, AppId::A6, id).constant_vus(vus, Duration::from_secs(1), None).step(Step::get("one", "/"))
    }

    #[test]
    fn no_group_has_more_users_than_the_environment_allows_without_approval() {
        let packed = groups(vec![scenario("a", 20), scenario("b", 30), scenario("c", 20), scenario("d", 10)], 60);
        let ids: Vec<Vec<_>> = packed.iter().map(|group| group.iter().map(|s| s.id.as_str()).collect()).collect();
        assert_eq!(ids, [vec!["a", "b", "d"], vec!["c"]]);
    }

    #[test]
    fn a_workload_with_too_many_users_stays_alone_for_the_guard_to_refuse() {
        assert_eq!(groups(vec![scenario("a", 100), scenario("b", 1)], 60).len(), 2);
    }
}
