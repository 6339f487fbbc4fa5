//! A fault seeded into a whole run: its load, its funnel or its scan should turn a claim into a failure.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::clock;
use common::suite::FaultKind;
use tokio_util::sync::CancellationToken;

use super::catalogue::{By, Case};
use super::trial::outcome;
use super::{Outcome, Seen};
use crate::cli::{OutputArgs, Profile, TargetArgs};
use crate::commands;
use crate::run::{self, Desk, Plan, RunError, Setup};
use crate::ui::Ui;

/// Runs the command with the fault and reads what was ruled.
pub(super) async fn tried(case: &Case, folder: &Path, stop: &CancellationToken) -> Result<Outcome, RunError> {
    let By::Run { command } = case.by else {
        return Ok(outcome(case, Seen::NotTried { why: "it is no fault of a run".into() }, String::new(), None));
    };
    let place = folder.join(&case.fault.id);
    let setup = Setup {
        target: TargetArgs {
            target: "embedded".into(),
            targets_file: common::target::TARGETS_FILE.into(),
            base_port: 0,
        },
        output: OutputArgs { output: place.join("output"), runs: place.join("runs") },
        // Nobody is asked: what needs leave stays held.
        desk: Desk { runs: place.join("runs"), approvers: place.join("nobody.yaml"), wait: Duration::ZERO },
        require_ready: false,
        ui: Arc::new(Ui::silent()),
        stop: stop.clone(),
    };
    let selection = commands::selected(command).map_err(RunError::Configuration)?;
    let mut plan = Plan::new(command, "embedded", Profile::Quick, selection).as_trial();
    let FaultKind::Defect(defect) = &case.fault.kind else {
        let why = "a run is tried with defects of apps alone".to_owned();
        return Ok(outcome(case, Seen::NotTried { why }, String::new(), None));
    };
    plan.defects.push((case.fault.blames, *defect));
    let began = clock::monotonic();
    let settled = run::begin(setup, plan).await?;
    let took_s = began.elapsed().as_secs_f64();
    if stop.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    let failed: Vec<_> =
        settled.view.rulings.iter().filter(|ruling| ruling.claim.gate && ruling.verdict.is_fail()).collect();
    let Some(shown) = failed.iter().find(|ruling| ruling.claim.id == case.fault.caught_by) else {
        let others = failed.iter().map(|ruling| ruling.claim.id.as_str()).collect::<Vec<_>>().join(", ");
        return Ok(outcome(case, Seen::Missed, others, None));
    };
    let first = failed.first().map_or(shown.claim.app, |ruling| ruling.claim.app);
    let seen = if first == case.fault.blames { Seen::Caught } else { Seen::WronglyBlamed { app: first } };
    Ok(outcome(case, seen, shown.explanation.clone(), Some(took_s)))
}
