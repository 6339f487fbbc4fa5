//! The OIDC code flow: ten of ten sign-ins, each request of each written down.

use std::time::Duration;

use common::clock;
use common::ids::AppId;
use common::load::{Journey, LoadReport, StepReport};
use common::units::Micros;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::journeys;
use crate::record::{AuthHop, AuthTrace, Record};
use crate::run::{Run, RunError};

const PHASE: u8 = 3;
const SCENARIO: &str = "a1_oidc_code_flow";
/// Sign-ins that must come through, one after the other.
const IN_A_ROW: u64 = 10;
/// A person signs in every so often; the provider takes its time with a password.
const PACE: Duration = Duration::from_millis(250);
/// The limit of each request's 95th percentile, in milliseconds.
const LIMIT_MS: u64 = 150;
const RERUN: &str = "cargo xtask suite a1 --scenario a1_oidc_code_flow";

/// Signs in as often as the profile asks, and rules on it.
pub(super) async fn run(run: &mut Run) -> Result<(), RunError> {
    let claim = Claim {
        id: "a1.oidc.flow".into(),
        app: AppId::A1,
        phase: PHASE,
        text: format!("{IN_A_ROW} of {IN_A_ROW} sign-ins over the OIDC code flow come through"),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    if !run.context.has(AppId::A1) {
        let reason = "the target has no A1: add it to targets.yaml".to_owned();
        let line = format!("not tried: {reason}");
        return run.record(Record::Ruled(Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)));
    }
    let times = run.plan.profile.sign_ins();
    let (_, result) = journeys::walk(run, AppId::A1, SCENARIO, times, PACE).await?;
    run.mourn(PHASE)?;
    run.go_on()?;
    let (verdict, line) = match &result {
        Ok(report) => {
            run.record(Record::AuthTrace(Box::new(trace_of(report))))?;
            ruled(report)
        }
        Err(error) => match Figures::counted("sign-ins", 1, 1) {
            Some(figures) => (Verdict::Fail { figures, traces: Vec::new() }, error.to_string()),
            None => (Verdict::nothing_seen("sign-ins", "at least 10"), error.to_string()),
        },
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}

/// All must come through, and there must be enough of them: an iteration that was cut off is none.
fn ruled(report: &LoadReport) -> (Verdict, String) {
    let (tried, good) = (report.iterations.completed + report.iterations.cut_short, report.iterations.succeeded);
    let Some(figures) = Figures::counted("sign-ins", tried, tried - good) else {
        return (Verdict::nothing_seen("sign-ins", "at least 10"), "no sign-in came to an end".to_owned());
    };
    let broken = report.journeys.iter().find_map(|journey| Some((journey, journeys::broken(journey)?)));
    if let Some((_, hop)) = broken {
        let why = hop.error.as_deref().unwrap_or("no reason");
        let line = format!("{good} of {tried} sign-ins came through; first broken hop: {} ({why})", hop.step);
        let failed = report.journeys.iter().filter(|journey| !journey.ok);
        return (Verdict::Fail { figures, traces: failed.map(|journey| journey.trace_id).collect() }, line);
    }
    if good < IN_A_ROW || good < tried {
        return (
            Verdict::nothing_seen("sign-ins", "10 in a row"),
            format!("only {good} of {tried} sign-ins came through"),
        );
    }
    let why = "A1's own report of each sign-in is checked apart (check in_a8)".to_owned();
    let second = Confirmation::SingleSource { why };
    (Verdict::Pass { figures, second }, format!("{good} of {tried} sign-ins came through"))
}

fn trace_of(report: &LoadReport) -> AuthTrace {
    AuthTrace {
        scenario: report.scenario.clone(),
        scenario_digest: report.scenario_digest.clone(),
        started_at: clock::rfc3339(report.started_at_unix_ms),
        tried: report.iterations.completed + report.iterations.cut_short,
        succeeded: report.iterations.succeeded,
        hops: report.steps.iter().map(hop_of).collect(),
        journeys: report.journeys.iter().map(Journey::clone).collect(),
    }
}

fn hop_of(step: &StepReport) -> AuthHop {
    let latency = step.service.summary();
    let ms = |us: Option<u64>| us.map(|us| Micros(us).as_ms());
    AuthHop {
        step: step.name.clone(),
        app: step.app,
        route: step.route.clone(),
        requests: step.count,
        errors: step.error_count(),
        p50_ms: ms(latency.p50_us),
        p95_ms: ms(latency.p95_us),
        max_ms: ms(latency.max_us),
        limit_ms: LIMIT_MS,
    }
}
