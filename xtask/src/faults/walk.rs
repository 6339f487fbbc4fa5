//! A fault seeded into a whole run: its load, its funnel or its scan should turn a claim into a failure.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::clock;
use common::history::Fault as Disturbance;
use common::ids::AppId;
use common::service::Defect;
use common::suite::FaultKind;
use common::verdict::Ruling;
use tokio_util::sync::CancellationToken;

use super::catalogue::{By, Case};
use super::trial::outcome;
use super::{Outcome, Seen};
use crate::cli::{OutputArgs, Profile, TargetArgs};
use crate::commands;
use crate::effects::{self, EffectsPlan, REST_WITHIN};
use crate::resilience::{self, ResiliencePlan};
use crate::run::{self, Desk, Plan, RunError, Setup};
use crate::ui::Ui;

/// What a trial of outages waits for; healthy apps need a second or two.
const WITHIN: Duration = Duration::from_secs(6);

/// Tries the fault in what can see it, and reads what was ruled.
pub(super) async fn tried(case: &Case, folder: &Path, stop: &CancellationToken) -> Result<Outcome, RunError> {
    let FaultKind::Defect(defect) = &case.fault.kind else {
        let why = "a run is tried with defects of apps alone".to_owned();
        return Ok(outcome(case, Seen::NotTried { why }, String::new(), None));
    };
    let defects = vec![(case.fault.blames, *defect)];
    let place = folder.join(&case.fault.id);
    let began = clock::monotonic();
    let (rulings, broke_off) = match &case.by {
        By::Run { command } => (of_run(command, defects, &place, stop).await?, None),
        By::Outages => of_outages(defects, place).await?,
        By::Effects { under } => of_effects(case.fault.blames, *under, defects, place).await?,
        By::Check | By::AnyCheck => (Vec::new(), None),
    };
    if stop.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    let outcome = read(case, &rulings, began.elapsed().as_secs_f64());
    // What broke off before the fault could show has not missed it.
    Ok(match broke_off {
        Some(why) if outcome.seen == Seen::Missed => Outcome { seen: Seen::NotTried { why }, ..outcome },
        _ => outcome,
    })
}

/// What was ruled, and why the trial broke off if it did.
type Ruled = (Vec<Ruling>, Option<String>);

async fn of_outages(defects: Vec<(AppId, Defect)>, data: PathBuf) -> Result<Ruled, RunError> {
    let plan = ResiliencePlan { cycles: 2, after: 40, defects, within: WITHIN, data };
    let seen = resilience::drive(&plan, &|_| ()).await.map_err(RunError::Configuration)?;
    Ok((resilience::rulings(&seen), seen.broke_off))
}

async fn of_effects(
    app: AppId,
    under: Disturbance,
    defects: Vec<(AppId, Defect)>,
    data: PathBuf,
) -> Result<Ruled, RunError> {
    let plan = EffectsPlan {
        seed: 1,
        intents: 60,
        apps: vec![app],
        faults: vec![under],
        defects,
        data,
        histories: None,
        rest_within: REST_WITHIN,
    };
    let report = effects::drive(&plan, &|_| ()).await.map_err(RunError::Configuration)?;
    let broke_off = report.cells.iter().find_map(|cell| cell.broke_off.clone());
    Ok((effects::rulings(&report), broke_off))
}

async fn of_run(
    command: &str,
    defects: Vec<(AppId, Defect)>,
    place: &Path,
    stop: &CancellationToken,
) -> Result<Vec<Ruling>, RunError> {
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
    let plan = Plan::new(command, "embedded", Profile::Quick, selection).with(defects).into_trial();
    Ok(run::begin(setup, plan).await?.view.rulings)
}

/// Whether the claim that is named for the fault failed, and whose claim failed first.
fn read(case: &Case, rulings: &[Ruling], took_s: f64) -> Outcome {
    let failed: Vec<_> = rulings.iter().filter(|ruling| ruling.claim.gate && ruling.verdict.is_fail()).collect();
    let Some(shown) = failed.iter().find(|ruling| ruling.claim.id == case.fault.caught_by) else {
        let others = failed.iter().map(|ruling| ruling.claim.id.as_str()).collect::<Vec<_>>().join(", ");
        return outcome(case, Seen::Missed, others, None);
    };
    let first = failed.first().map_or(shown.claim.app, |ruling| ruling.claim.app);
    let seen = if first == case.fault.blames { Seen::Caught } else { Seen::WronglyBlamed { app: first } };
    outcome(case, seen, shown.explanation.clone(), Some(took_s))
}
