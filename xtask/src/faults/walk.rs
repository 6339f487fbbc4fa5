//! A fault seeded into a whole run: its load, its funnel or its scan should turn a claim into a failure.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use common::clock;
use common::fault::Edge;
use common::history::Fault as Disturbance;
use common::ids::AppId;
use common::service::Defect;
use common::suite::{Fault, FaultKind};
use common::verdict::Ruling;
use tokio_util::sync::CancellationToken;

use super::Outcome;
use super::catalogue::{By, Case};
use super::trial::{disturbed_nothing, outcome, place, rules_of, seed};
use crate::cli::{OutputArgs, Profile, TargetArgs};
use crate::commands;
use crate::effects::{self, EffectsPlan, REST_WITHIN};
use crate::resilience::{self, ResiliencePlan};
use crate::run::{self, Desk, Plan, RunError, Setup, Wire};
use crate::ui::Ui;

/// What a trial of outages waits for; healthy apps need a second or two.
const WITHIN: Duration = Duration::from_secs(6);

/// What a run, outages or a history came to.
pub(super) struct Seen {
    pub(super) rulings: Vec<Ruling>,
    /// Requests that rules on the wire met; `None` without rules.
    disturbed: Option<u64>,
    /// Why it broke off, if it did.
    pub(super) broke_off: Option<String>,
}

/// Tries the fault in what can see it, and reads what was ruled.
pub(super) async fn tried(case: &Case, folder: &Path, stop: &CancellationToken) -> Result<Outcome, RunError> {
    let began = clock::monotonic();
    let seen = gone_through(case, Some(&case.fault), folder, stop).await?;
    if stop.is_cancelled() {
        return Err(RunError::Interrupted);
    }
    let read = read(case, &seen.rulings, began.elapsed().as_secs_f64());
    // What broke off, or disturbed nothing, has not missed the fault.
    let why = match seen.disturbed {
        Some(0) => Some(disturbed_nothing(case)),
        _ => seen.broke_off.filter(|_| read.seen == super::Seen::Missed),
    };
    Ok(match why {
        Some(why) => outcome(case, super::Seen::NotTried { why }, String::new(), None),
        None => read,
    })
}

/// Goes through what can see a case, with the fault or, for a control, without.
pub(super) async fn gone_through(
    case: &Case,
    fault: Option<&Fault>,
    folder: &Path,
    stop: &CancellationToken,
) -> Result<Seen, RunError> {
    let mut defects = Vec::new();
    let mut edges = Vec::new();
    if let Some(fault) = fault {
        seed(&mut defects, &mut edges, fault);
    }
    let wire = fault.map(wire).transpose()?.flatten();
    let name = if fault.is_some() { case.fault.id.clone() } else { format!("healthy {}", case.seen_in()) };
    let place = place(folder, &name)?;
    match &case.by {
        By::Run { command } | By::AnyClaim { command } => of_run(command, defects, wire, &place, stop).await,
        By::Outages | By::Effects { .. } if wire.is_some() => {
            Err(RunError::Configuration(format!("{}: outages and histories take defects alone", case.fault.id)))
        }
        By::Outages => of_outages(defects, place).await,
        By::Effects { under } => of_effects(case.fault.blames, *under, defects, place).await,
        By::Check | By::AnyCheck => Ok(Seen { rulings: Vec::new(), disturbed: None, broke_off: None }),
    }
}

/// The rules of a fault on the wire.
fn wire(fault: &Fault) -> Result<Option<Wire>, RunError> {
    let FaultKind::Wire { at, from, rules } = &fault.kind else { return Ok(None) };
    let rules = rules_of(fault, rules)?;
    Ok(Some(Wire { edge: Edge { at: *at, from: *from }, rules }))
}

async fn of_outages(defects: Vec<(AppId, Defect)>, data: PathBuf) -> Result<Seen, RunError> {
    let plan = ResiliencePlan { cycles: 2, after: 40, defects, within: WITHIN, data };
    let seen = resilience::drive(&plan, &|_| ()).await.map_err(RunError::Configuration)?;
    Ok(Seen { rulings: resilience::rulings(&seen), disturbed: None, broke_off: seen.broke_off })
}

async fn of_effects(
    app: AppId,
    under: Disturbance,
    defects: Vec<(AppId, Defect)>,
    data: PathBuf,
) -> Result<Seen, RunError> {
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
    Ok(Seen { rulings: effects::rulings(&report), disturbed: None, broke_off })
}

async fn of_run(
    command: &str,
    defects: Vec<(AppId, Defect)>,
    wire: Option<Wire>,
    place: &Path,
    stop: &CancellationToken,
) -> Result<Seen, RunError> {
    let is_disturbed = wire.is_some();
    let setup = Setup {
        target: TargetArgs {
            target: "embedded".into(),
            targets_file: common::target::TARGETS_FILE.into(),
            base_port: 0,
        },
        output: OutputArgs { output: place.join("output"), runs: place.join("runs") },
        // Nobody is asked: what needs leave stays held.
        desk: Desk { runs: place.join("runs"), approvers: place.join("nobody.yaml"), wait: Some(Duration::ZERO) },
        require_ready: false,
        ui: Arc::new(Ui::silent()),
        stop: stop.clone(),
    };
    let selection = commands::selected(command).map_err(RunError::Configuration)?;
    let plan = Plan::new(command, "embedded", Profile::Quick, selection).with(defects);
    let settled = run::begin(setup, plan.through(wire).into_trial()).await?;
    Ok(Seen { rulings: settled.view.rulings, disturbed: is_disturbed.then_some(settled.disturbed), broke_off: None })
}

/// Whether the claim that is named for the fault failed, and whose claim failed first.
fn read(case: &Case, rulings: &[Ruling], took_s: f64) -> Outcome {
    use super::Seen;
    let failed: Vec<_> = rulings.iter().filter(|ruling| ruling.claim.gate && ruling.verdict.is_fail()).collect();
    let any = matches!(case.by, By::AnyClaim { .. });
    let Some(shown) = failed.iter().find(|ruling| any || ruling.claim.id == case.fault.caught_by) else {
        let others = failed.iter().map(|ruling| ruling.claim.id.as_str()).collect::<Vec<_>>().join(", ");
        return outcome(case, Seen::Missed, others, None);
    };
    let first = failed.first().map_or(shown.claim.app, |ruling| ruling.claim.app);
    let seen = if first == case.fault.blames { Seen::Caught } else { Seen::WronglyBlamed { app: first } };
    let shown = if any { format!("{}: {}", shown.claim.id, shown.explanation) } else { shown.explanation.clone() };
    Outcome { alone: case.looks_at_one(), ..outcome(case, seen, shown, Some(took_s)) }
}
