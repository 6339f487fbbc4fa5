//! Conditions that end a workload at once, and what follows for its app.

use std::collections::BTreeSet;
use std::time::Duration;

use common::client::Client;
use common::clock;
use common::ids::AppId;
use common::load::{LoadReport, StepReport, StopOptions, StopReason, TelemetryEar};
use common::reconcile::SeenEvent;
use common::scenario::Scenario;
use common::slo::StopRules;
use common::verdict::{Claim, Ruling, StopCause, Verdict};
use serde::Deserialize;

use super::{Run, RunError};
use crate::cli::Profile;
use crate::record::Record;

/// The conditions are written for a baseline of this length; shorter profiles divide their windows.
const FULL_BASELINE_S: f64 = 900.0;
/// How often A8 is asked whether it hears the apps that are loaded.
const LISTEN_EVERY: Duration = Duration::from_secs(10);
/// Events that are this old still show that telemetry flows.
const FRESH_MS: i64 = 20_000;

/// Listens to A8 as long as it is kept.
pub(super) struct Listening(tokio::task::JoinHandle<()>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The stop conditions of workloads that run side by side.
pub(super) fn options(profile: Profile, group: &[Scenario], ear: Option<&TelemetryEar>) -> StopOptions {
    let endpoints = group.iter().map(|scenario| scenario.steps.len() as u64).sum();
    let rules = StopRules::scaled(FULL_BASELINE_S / profile.baseline().as_secs_f64());
    StopOptions { rules, endpoints, telemetry: ear.cloned(), ..StopOptions::default() }
}

/// Listens for telemetry of the loaded apps, where there is an A8 and the load is long enough for a silence to matter.
pub(super) fn listen(run: &Run, group: &[Scenario], longest: Duration) -> Option<(TelemetryEar, Listening)> {
    let silence = StopRules::default().silence;
    if longest <= silence || !run.context.has(AppId::A8) {
        return None;
    }
    let apps = group.iter().flat_map(|scenario| scenario.steps.iter().map(|step| scenario.app_of(step))).collect();
    let ear = TelemetryEar::default();
    let task = tokio::spawn(hear(run.context.client.clone(), apps, ear.clone()));
    Some((ear, Listening(task)))
}

#[derive(Deserialize)]
struct Page {
    events: Vec<SeenEvent>,
}

/// Asks A8 again and again. What it cannot tell counts as silence.
async fn hear(client: Client, apps: BTreeSet<AppId>, ear: TelemetryEar) {
    let mut tick = tokio::time::interval(LISTEN_EVERY);
    loop {
        tick.tick().await;
        let since = clock::unix_ms() - FRESH_MS;
        let path = format!("/api/events?event=request_completed&since_ms={since}&limit=200");
        let Ok(reply) = client.get(AppId::A8, &path).send().await else { continue };
        let Ok(page) = serde_json::from_slice::<Page>(&reply.body) else { continue };
        if page.events.iter().any(|event| apps.contains(&event.event.app_id)) {
            ear.heard();
        }
    }
}

/// What a stop means for the verdicts on a step.
pub(super) fn cause(report: &LoadReport, step: &StepReport) -> Option<StopCause> {
    let reason = report.stopped_by.as_ref()?;
    let mut cause = StopCause { sentence: reason.sentence(), proves_errors: false, p: None, proves_p95_above_ms: None };
    if let StopReason::Condition(stop) = reason
        && stop.step.as_deref() == Some(step.name.as_str())
    {
        let slow = StopOptions::default().slow.get(&step.app).map(|limit| limit.as_ms());
        cause.proves_errors = stop.condition.proves_errors();
        let looks = stop.figures.evaluations.unwrap_or(1);
        cause.p = stop.figures.p_value.map(|p| (p * looks as f64).min(1.0));
        cause.proves_p95_above_ms = slow.filter(|_| stop.condition.proves_slowness());
    }
    Some(cause)
}

/// Writes a stop down and keeps further load from the app.
pub(super) fn record(run: &mut Run, phase: u8, scenario: &Scenario, report: &LoadReport) -> Result<(), RunError> {
    let Some(reason) = &report.stopped_by else { return Ok(()) };
    let sentence = format!("{} was stopped: {}", scenario.id, reason.sentence());
    // A threshold is the workload's own; only a stop condition is about the app.
    let StopReason::Condition(stop) = reason else { return run.note(phase, Some(scenario.app), sentence) };
    let app = stop.app.unwrap_or(scenario.app);
    run.note(phase, Some(app), &sentence)?;
    run.stopped.entry(app).or_insert(sentence);
    Ok(())
}

/// Takes out the workloads of apps that a stop condition has spared further load, and says so.
pub(super) fn spare(run: &mut Run, phase: u8, scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, RunError> {
    let mut left = Vec::new();
    for scenario in scenarios {
        let apps = scenario.steps.iter().map(|step| scenario.app_of(step));
        let Some(why) = apps.into_iter().find_map(|app| run.stopped.get(&app)).cloned() else {
            left.push(scenario);
            continue;
        };
        let app = scenario.app;
        let claim = Claim {
            id: format!("{}.spared.{}", app.lower(), scenario.id),
            app,
            phase,
            text: format!("goes through {}", scenario.id),
            kind: "slo".into(),
            gate: true,
            known_issue: None,
        };
        let reason = format!("no further load after a stop: {why}");
        let rerun = format!("cargo xtask suite {} --scenario {}", app.lower(), scenario.id);
        let verdict = Verdict::Skipped { reason: reason.clone() };
        run.record(Record::Ruled(Ruling::new(claim, verdict, reason, rerun)))?;
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use common::scenario::Step;

    use super::*;

    #[test]
    fn a_shorter_profile_has_shorter_windows_and_all_endpoints_side_by_side_share_the_chance() {
        let scenario = |id: &str| {
            Scenario::new(id, AppId::A1, id).step(Step::get("one", "/1")).step(Step::get("two", "/2")).constant_vus(
                1,
                Duration::from_secs(18),
                None,
            )
        };
        let quick = options(Profile::Quick, &[scenario("a"), scenario("b")], None);
        assert_eq!((quick.rules.proven_window_s, quick.endpoints), (6, 4));
        let full = options(Profile::Full, &[scenario("a")], None);
        assert_eq!((full.rules, full.endpoints), (StopRules::default(), 2));
    }
}
