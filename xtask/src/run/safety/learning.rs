//! What A3 says of its learning, and hours of its life that are played on a clock of their own.

use a3_orchestration::simulation::{self, SimulationReport};
use common::ids::AppId;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};
use serde_json::Value;

use super::PHASE;
use crate::record::{Learning, Record};
use crate::run::{Run, RunError};

/// The story that every run plays, so that a difference between two runs is one of the code.
const SEED: u64 = 20;
/// More than the 200 minutes that are asked for.
const MINUTES: u32 = 205;

/// Writes down what A3 says, plays the simulation where A3 is this version's own, and rules on it.
pub(super) async fn rule(run: &mut Run) -> Result<(), RunError> {
    if !run.plan.apps().contains(&AppId::A3) || !run.context.has(AppId::A3) || run.is_dead(AppId::A3) {
        return Ok(());
    }
    let (bandit, breakers) = (said(run, "/bandit").await, said(run, "/breakers").await);
    let progress = said(run, "/orchestration/progress").await;
    let played = if run.embedded.is_some() {
        run.ui.note("  205 minutes of A3's life are simulated");
        play().await
    } else {
        Err("only the reference A3 can be played: a deployment is another program".to_owned())
    };
    let ruling = judge(&played);
    let simulation = played.ok();
    run.record(Record::Learning(Box::new(Learning { bandit, breakers, progress, simulation })))?;
    run.record(Record::Ruled(ruling))
}

async fn said(run: &Run, path: &str) -> Value {
    let reply = run.context.client.get(AppId::A3, path).send().await;
    reply.ok().and_then(|reply| reply.json().ok()).unwrap_or_default()
}

/// The simulation moves its own clock, so it gets a runtime for itself.
async fn play() -> Result<SimulationReport, String> {
    let played = tokio::task::spawn_blocking(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(simulation::run(SEED, MINUTES)).map_err(|error| error.to_string())
    });
    played.await.map_err(|error| format!("the simulation broke off: {error}"))?
}

fn judge(played: &Result<SimulationReport, String>) -> Ruling {
    let claim = Claim {
        id: "a3.autonomy.simulated".into(),
        app: AppId::A3,
        phase: PHASE,
        text: "SIMULATED: 205 minutes with faults and kills need no person and double nothing".into(),
        kind: "simulation".into(),
        gate: true,
        known_issue: None,
    };
    let report = match played {
        Ok(report) => report,
        Err(reason) => {
            let verdict = Verdict::Skipped { reason: reason.clone() };
            return Ruling::new(claim, verdict, format!("not tried: {reason}"), RERUN);
        }
    };
    let faults: u64 = report.faults.values().sum();
    let line = format!(
        "SIMULATED {} minutes, seed {}: {} of {} runs completed, {faults} faults, {} kills, {} effects twice, {} interventions \
         needed",
        report.virtual_minutes,
        report.seed,
        report.completed,
        report.runs,
        report.crashes,
        report.duplicates,
        report.interventions
    );
    let bad = (report.problems.len() as u64).min(report.runs);
    let Some(figures) = Figures::counted("simulated runs", report.runs, bad) else {
        return Ruling::new(claim, Verdict::nothing_seen("simulated runs", "at least 1"), line, &report.replay);
    };
    let verdict = if report.holds() {
        let why = "a simulation is its own only witness".to_owned();
        Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
    } else {
        Verdict::Fail { figures, traces: Vec::new() }
    };
    let first = report.problems.first().map(|first| format!("; first: {first}")).unwrap_or_default();
    Ruling::new(claim, verdict, format!("{line}{first}"), &report.replay)
}

const RERUN: &str = "cargo xtask suite learning";
