//! Ramp, spike, soak and burst of A2, once no baseline failed: how far it carries, and that it loses nothing on the way.

mod curve;
mod plan;
mod rule;

use std::sync::Arc;

use a2_ingest::proof;
use common::approval::{Action, Scope};
use common::guard::Refusal;
use common::ids::AppId;
use common::load::{self, LiveWindow, LoadError, LoadOptions, LoadReport, StepReport, TelemetryEar};
use common::scenario::Scenario;
use common::verdict::{Ruling, SecondSource, Verdict, Window};

use self::curve::Users;
pub(crate) use self::plan::{Shaped, ids};
use super::confirm::Spanned;
use super::figures::figures;
use super::gauge::Gauge;
use super::leave::Leave;
use super::{Run, RunError, confirm, probe, second_source, stops};
use crate::history::EndpointKey;
use crate::record::{Record, RouteFigures, ShapeRun};
use crate::suites;
use crate::ui::LoadPlan;

const PHASE: u8 = 2;

/// Runs the shapes that the plan has, one after the other; what is held, not in the profile or not to be tried says so.
pub(super) async fn run_all(run: &mut Run) -> Result<(), RunError> {
    run_some(run, |_| true).await
}

/// The same for those whose id is wanted.
pub(super) async fn run_some(run: &mut Run, wanted: impl Fn(&str) -> bool) -> Result<(), RunError> {
    let free = run.guard.environment().limits().vus_without_approval;
    let mut shapes = run.plan.shapes(free);
    shapes.retain(|shaped| wanted(&shaped.id));
    if shapes.is_empty() || !run.context.has(AppId::A2) {
        return Ok(());
    }
    let failed = failed_baseline(run);
    for shaped in shapes {
        run.go_on()?;
        if let Some(reason) = failed.clone().or_else(|| gone(run)) {
            skip(run, &shaped, &reason)?;
            continue;
        }
        let Some(scenario) = &shaped.scenario else {
            let reason = format!("not in profile {}: `--profile standard` has it", run.plan.profile.as_str());
            skip(run, &shaped, &reason)?;
            continue;
        };
        match permitted(run, scenario) {
            Ok(()) => one(run, &shaped, scenario).await?,
            Err(Refusal::NeedsApproval { asked, environment, .. }) => {
                under_approval(run, &shaped, scenario, Scope::new(&environment, [AppId::A2]).with_vus(asked)).await?;
            }
            Err(refusal) => skip(run, &shaped, &refusal.to_string())?,
        }
    }
    Ok(())
}

/// Asks a person, and runs the shape with her leave; that ends with the shape.
async fn under_approval(run: &mut Run, shaped: &Shaped, scenario: &Scenario, scope: Scope) -> Result<(), RunError> {
    match run.leave(Action::VusOver60, scope, PHASE).await? {
        Leave::Granted(grant) => run.approved = grant.vus(),
        Leave::Held { action, grant } => return record(run, shaped, rule::held(shaped, action, grant)),
    }
    let went = match permitted(run, scenario) {
        Ok(()) => one(run, shaped, scenario).await,
        Err(refusal) => skip(run, shaped, &refusal.to_string()),
    };
    run.approved = None;
    went
}

/// Why more load would reach nobody, or harm: an A2 that is gone, or that a stop condition spares.
fn gone(run: &Run) -> Option<String> {
    if run.is_dead(AppId::A2) {
        return Some("A2's process ended on its own".to_owned());
    }
    if let Some(why) = run.stopped.get(&AppId::A2) {
        return Some(format!("no further load after a stop: {why}"));
    }
    None
}

/// Why more load would say nothing: what the baseline asks for does not hold.
fn failed_baseline(run: &Run) -> Option<String> {
    let failed = run.view.rulings.iter().filter(|ruling| {
        ruling.claim.phase == PHASE && ruling.claim.kind == "slo" && ruling.claim.gate && ruling.verdict.is_fail()
    });
    let failed: Vec<_> = failed.map(|ruling| ruling.claim.id.as_str()).collect();
    let first = failed.first()?;
    Some(format!("{} of the baseline failed, the first {first}: mend that first", failed.len()))
}

/// What the guard says of a load of this size, under the approval that there is.
fn permitted(run: &Run, scenario: &Scenario) -> Result<(), Refusal> {
    let (vus, rate) = (scenario.executor.max_vus(), scenario.executor.rate_per_s().unwrap_or(1.0));
    match &run.approved {
        Some(approved) => run.guard.permit_approved_load(vus, rate, approved).map(drop),
        None => run.guard.permit_load(vus, rate).map(drop),
    }
}

fn skip(run: &mut Run, shaped: &Shaped, reason: &str) -> Result<(), RunError> {
    let verdict = Verdict::Skipped { reason: reason.to_owned() };
    record(run, shaped, (verdict, format!("not tried: {reason}")))
}

fn record(run: &mut Run, shaped: &Shaped, (verdict, line): (Verdict, String)) -> Result<(), RunError> {
    run.record(Record::Ruled(Ruling::new(rule::load_claim(shaped), verdict, line, rule::rerun(run, shaped))))
}

/// Runs a shape; what looks like a failure, once more.
async fn one(run: &mut Run, shaped: &Shaped, scenario: &Scenario) -> Result<(), RunError> {
    let Some(first) = carry(run, shaped, scenario, 1).await? else { return Ok(()) };
    run.record(Record::Ruled(confirm::provisional(first.ruling.clone())))?;
    if !confirm::is_provisional(&first.ruling) {
        return Ok(());
    }
    run.note(PHASE, Some(AppId::A2), format!("{} is measured again: it looks like a failure", shaped.id))?;
    // A failure that a stop showed is confirmed by one more load, which stops by the same conditions.
    let second = if run.is_dead(AppId::A2) { None } else { carry(run, shaped, scenario, 2).await? };
    let settled = confirm::settled(&run.view, &first, second.as_ref());
    run.record(Record::Ruled(settled))
}

/// Carries a shape through; what was stored is ruled on, how the load was carried is given back.
async fn carry(run: &mut Run, shaped: &Shaped, scenario: &Scenario, attempt: u8) -> Result<Option<Spanned>, RunError> {
    let seconds = scenario.executor.duration().as_secs_f64();
    run.ui.load_started(&shaped.id, &shaped.title, seconds);
    let (gauge, users) = (Arc::new(Gauge::default()), Arc::new(Users::default()));
    let heard = stops::listen(run, std::slice::from_ref(scenario), scenario.executor.duration());
    let ear = heard.as_ref().map(|(ear, _)| ear);
    let options = options(run, shaped, scenario, (&gauge, &users), ear)?;
    let result = load::run(scenario, &run.guard, options).await;
    drop(heard);
    run.ui.load_finished(&shaped.id, gauge.whole());
    run.mourn(PHASE)?;
    run.go_on()?;
    let report = match result {
        Ok(report) => report,
        Err(error) => return failed(run, scenario, &error).map(|()| None),
    };
    stops::record(run, PHASE, scenario, &report)?;
    probe::thresholds(run, PHASE, scenario, &report)?;
    let Some(step) = report.steps.first() else { return Ok(None) };
    settle(run, shaped, scenario, (&report, step), (&users, attempt)).await.map(Some)
}

fn failed(run: &mut Run, scenario: &Scenario, error: &LoadError) -> Result<(), RunError> {
    probe::record_failure(run, PHASE, scenario, error)
}

/// As for a baseline, but without a warm-up (the baseline was that), and with each request told apart for the proof.
fn options(
    run: &Run,
    shaped: &Shaped,
    scenario: &Scenario,
    seen: (&Arc<Gauge>, &Arc<Users>),
    ear: Option<&TelemetryEar>,
) -> Result<LoadOptions, RunError> {
    let (ui, gauge, users) = (Arc::clone(&run.ui), Arc::clone(seen.0), Arc::clone(seen.1));
    let plan = LoadPlan { scenario: shaped.id.clone(), seconds: scenario.executor.duration().as_secs_f64() };
    Ok(LoadOptions {
        warm_up: std::time::Duration::ZERO,
        keep_acknowledged: shaped.proves_nothing_lost,
        approved: run.approved.clone(),
        stops: Some(stops::options(run.plan.profile, std::slice::from_ref(scenario), ear)),
        on_window: Some(Arc::new(move |window: &LiveWindow| {
            users.take(window);
            ui.load_window(&plan, window);
            ui.load_tick(gauge.take(&plan.scenario, window));
        })),
        ..probe::options(run, scenario, seen.0)?
    })
}

/// Looks for what was stored, asks the second source, writes all of it down and rules.
async fn settle(
    run: &mut Run,
    shaped: &Shaped,
    scenario: &Scenario,
    (report, step): (&LoadReport, &StepReport),
    (users, attempt): (&Users, u8),
) -> Result<Spanned, RunError> {
    let stored = if shaped.proves_nothing_lost {
        Some(proof::nothing_lost(&run.context, step, report.started_at_unix_ms).await)
    } else {
        None
    };
    let compared = second_source::compare(run, PHASE, (scenario, report), attempt).await?;
    let (slo, route) = probe::slo_of(&suites::suite(step.app).contract, &step.route);
    let tags = route.map(|route| route.tags).unwrap_or_default();
    let figures = RouteFigures { attempt, ..figures(PHASE, scenario, report, step, &slo, &tags) };
    let second = compared.get(&(step.app, step.route.clone())).cloned();
    let second = second.unwrap_or_else(|| SecondSource::Absent { why: second_source::why_absent(run) });
    let (prior, went_at) = (run.prior(&EndpointKey::of(&figures)), figures.started_at.clone());
    let evidence = probe::evidence(report, step, &figures, prior, &slo, second);
    let points = curve::points(&scenario.executor, &figures.series, users);
    let went = ShapeRun {
        phase: PHASE,
        app: step.app,
        id: shaped.id.clone(),
        title: if attempt == 1 { shaped.title.clone() } else { format!("{}, measured again", shaped.title) },
        full_s: shaped.full.as_secs_f64(),
        stages: curve::stages(&scenario.executor, &points),
        knee: curve::knee(&points, f64::from(slo.p95_ms), slo.error_rate_pct),
        points,
        figures,
        stored,
    };
    let load = rule::load(shaped, &went, &evidence, &slo);
    let nothing_lost = went.stored.as_ref().map(proof::Proof::judge);
    run.record(Record::Shaped(Box::new(went)))?;
    let window = Window {
        started_at: went_at,
        duration_s: report.measured_s,
        stability: None,
        earlier_runs: prior.runs,
        attempt,
    };
    let ruling = Ruling::new(rule::load_claim(shaped), load.0, load.1, rule::rerun(run, shaped)).measured_in(window);
    // What was lost the first time is not found by looking at other events.
    if let Some((verdict, line)) = nothing_lost.filter(|(verdict, _)| attempt == 1 || verdict.is_fail()) {
        let rerun = rule::rerun(run, shaped);
        run.record(Record::Ruled(Ruling::new(rule::loss_claim(shaped), verdict, line, rerun)))?;
    }
    Ok(Spanned { ruling, span_us: probe::span_us(report) })
}
