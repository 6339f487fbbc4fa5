//! B2C: a visitor of A7 becomes a student at A1 and A5, is served by A3 and A2, pays, and is seen in A8; one trace id.

mod activation;
mod checkout;
mod diagnose;
mod events;
mod hops;
mod look;
mod signup;
#[cfg(test)]
mod tests;

use std::time::Duration;

use common::clock;
use common::ids::{AppId, TraceId};
use common::load::{Journey, LoadReport};
use common::scenario::Scenario;
use common::verdict::{Claim, Ruling, Verdict};

use super::journeys;
use crate::record::{Record, StudentWalk, StudentWalks};
use crate::run::{Run, RunError};

pub(super) use activation::rule as activation;
pub(super) use checkout::rule as checkout;

const SCENARIO: &str = "a5_student_funnel";
const RERUN: &str = "cargo xtask suite b2c";
/// The path, as reports show it.
pub(super) const PATH: &str = "A7 → A1 → A5 → A3 → A2 → A8";
/// The apps on it.
const APPS: [AppId; 6] = [AppId::A7, AppId::A1, AppId::A5, AppId::A3, AppId::A2, AppId::A8];
/// A student starts out every so often; a password takes its time.
const PACE: Duration = Duration::from_millis(300);
/// The share of walks that must get through each part of the funnel.
const TARGET: f64 = 0.9;
/// The last step of the sign-up.
const SIGNED_UP: &str = "dashboard";
/// The last step of the first use of the assistant.
const ACTIVATED: &str = "first_action";
/// The last step of the checkout.
const PAID: &str = "credits";

/// Walks the funnel as often as the profile asks, looks for each walk in the other apps, and rules on the sign-up.
pub(super) async fn walk(run: &mut Run) -> Result<(), RunError> {
    if let Some(missing) = APPS.into_iter().find(|app| !run.context.has(*app)) {
        let reason = format!("the target has no {missing}: add it to targets.yaml");
        let claim = claim(AppId::A5, 3, "signup", signup::TEXT);
        let line = format!("not tried: {reason}");
        return run.record(Record::Ruled(Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)));
    }
    let times = run.plan.walks();
    let since_ms = clock::unix_ms();
    let (scenario, result) = journeys::walk(run, AppId::A5, SCENARIO, times, PACE).await?;
    run.mourn(3)?;
    run.go_on()?;
    let mut walks = match &result {
        Ok(report) => walked(report, &scenario),
        Err(error) => unreached(&scenario, since_ms, error.to_string()),
    };
    look::at_all(run, &mut walks, since_ms).await?;
    run.record(Record::Students(Box::new(walks.clone())))?;
    run.record(Record::Funnel(events::shown(&walks)))?;
    signup::rule(run, &walks).await?;
    hops::rule(run, &walks)?;
    events::rule(run, &walks)
}

fn walked(report: &LoadReport, scenario: &Scenario) -> StudentWalks {
    let steps: Vec<&str> = scenario.steps.iter().map(|step| step.name.as_str()).collect();
    StudentWalks {
        scenario: report.scenario.clone(),
        scenario_digest: report.scenario_digest.clone(),
        started_at: clock::rfc3339(report.started_at_unix_ms),
        walks: report.journeys.iter().map(|journey| one(journey, &steps)).collect(),
        unreached: None,
        growth: serde_json::Value::Null,
    }
}

fn unreached(scenario: &Scenario, since_ms: i64, why: String) -> StudentWalks {
    StudentWalks {
        scenario: scenario.id.clone(),
        scenario_digest: scenario.digest(),
        started_at: clock::rfc3339(since_ms),
        walks: Vec::new(),
        unreached: Some(why),
        growth: serde_json::Value::Null,
    }
}

/// A walk passed the steps before the first that has a broken request.
fn one(journey: &Journey, steps: &[&str]) -> StudentWalk {
    let went = |step: &&&str| {
        let mut own = journey.hops.iter().filter(|hop| hop.step == **step).peekable();
        own.peek().is_some() && own.all(|hop| hop.error.is_none())
    };
    StudentWalk {
        trace_id: journey.trace_id,
        passed: steps.iter().take_while(went).map(|step| (*step).to_owned()).collect(),
        hops: journeys::hops(journey),
        seen: None,
    }
}

/// A claim about what A5 keeps, where A5 is dead and cannot be asked: that it died is a failure of its own.
fn unasked(run: &mut Run, phase: u8, what: &str, text: &str) -> Result<bool, RunError> {
    if !run.is_dead(AppId::A5) {
        return Ok(false);
    }
    let reason = "A5 is dead, so its transaction log cannot be read".to_owned();
    let line = format!("not tried: {reason}");
    let claim = claim(AppId::A5, phase, what, text);
    run.record(Record::Ruled(Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)))?;
    Ok(true)
}

fn claim(app: AppId, phase: u8, what: &str, text: &str) -> Claim {
    Claim {
        id: format!("{}.b2c.{what}", app.lower()),
        app,
        phase,
        text: text.to_owned(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    }
}

/// How many walks passed a step.
fn count(walks: &StudentWalks, step: &str) -> u64 {
    walks.walks.iter().filter(|walk| walk.passed(step)).count() as u64
}

/// Traces of walks that passed one step and not the other; `None` begins at the beginning.
fn stuck(walks: &StudentWalks, after: Option<&str>, before: &str) -> Vec<TraceId> {
    let came = |walk: &&StudentWalk| after.is_none_or(|step| walk.passed(step)) && !walk.passed(before);
    walks.walks.iter().filter(came).map(|walk| walk.trace_id).collect()
}

/// The first request at which a walk broke between two steps, in words, with its app.
fn first_break(walks: &StudentWalks, after: Option<&str>, before: &str) -> Option<(AppId, String)> {
    let came = |walk: &&StudentWalk| after.is_none_or(|step| walk.passed(step)) && !walk.passed(before);
    let hop = walks.walks.iter().filter(came).find_map(StudentWalk::broke)?;
    let why = hop.error.as_deref().unwrap_or("no reason");
    Some((hop.app, format!("{} {}, {} ({why})", hop.app, hop.name, hop.request)))
}
