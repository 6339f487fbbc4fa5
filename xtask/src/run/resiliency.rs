//! Phase 7: what outages do to A3 and to those it calls, and what crashes do to effects. It needs a person's leave.

use common::approval::{Action, Scope};
use common::clock;
use common::history::Fault;
use common::ids::AppId;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::leave::Leave;
use super::{Run, RunError};
use crate::cli::Profile;
use crate::effects::{self, EffectsPlan};
use crate::record::{EFFECT_APPS, Record};
use crate::resilience::{self, ResiliencePlan};

const PHASE: u8 = 7;
const RERUN: &str = "cargo xtask suite resiliency";
/// Intents of a client in each cell of a run; `cargo xtask effects` takes more.
const INTENTS: u32 = 24;

/// Asks for leave, then disturbs apps of their own beside those of the run: nothing that the run measured is touched.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    if run.embedded.is_none() {
        let reason =
            "outages are made in the embedded ecosystem; before a deployment, put `cargo xtask proxy` between A3 and \
                      those it calls"
                .to_owned();
        return hold(run, &Verdict::Skipped { reason: reason.clone() }, &format!("not tried: {reason}"));
    }
    let scope = Scope::new("embedded", EFFECT_APPS.into_iter().chain([AppId::A7]));
    match run.leave(Action::Inject503, scope, PHASE).await? {
        Leave::Held { action, grant } => {
            let line = format!("held: {action}");
            hold(run, &Verdict::Held { action, grant }, &line)
        }
        Leave::Granted(_) => disturb(run).await,
    }
}

/// Rules the same on everything that the phase is about.
fn hold(run: &mut Run, verdict: &Verdict, line: &str) -> Result<(), RunError> {
    let outages = claim("a3.resilience".to_owned(), AppId::A3, "comes back after outages, without a second effect");
    run.record(Record::Ruled(Ruling::new(outages, verdict.clone(), line, RERUN)))?;
    for app in EFFECT_APPS {
        run.record(Record::Ruled(Ruling::new(effects::claim(app), verdict.clone(), line, RERUN)))?;
    }
    Ok(())
}

async fn disturb(run: &mut Run) -> Result<(), RunError> {
    let data = run.folder().join("disturbed");
    let cycles = if run.plan.profile == Profile::Quick { 6 } else { 12 };
    let plan = ResiliencePlan {
        cycles,
        after: 800,
        defects: run.plan.defects.clone(),
        within: resilience::WITHIN,
        data: data.join("outages"),
    };
    let ui = std::sync::Arc::clone(&run.ui);
    let say = move |line: &str| ui.note(&format!("  {line}"));
    let seen = resilience::drive(&plan, &say).await.map_err(RunError::Configuration)?;
    for ruling in resilience::rulings(&seen) {
        run.record(Record::Ruled(ruling))?;
    }
    run.record(Record::Resilience(Box::new(seen)))?;
    run.go_on()?;
    let plan = EffectsPlan {
        seed: clock::unix_ms().unsigned_abs() % 1_000_000,
        intents: INTENTS,
        apps: EFFECT_APPS.to_vec(),
        faults: Fault::ALL.to_vec(),
        defects: run.plan.defects.clone(),
        data: data.join("effects"),
        histories: Some(run.folder().join("effects")),
        rest_within: effects::REST_WITHIN,
    };
    let report = effects::drive(&plan, &say).await.map_err(RunError::Configuration)?;
    for ruling in effects::rulings(&report) {
        run.record(Record::Ruled(ruling))?;
    }
    run.record(Record::Effects(Box::new(report)))?;
    passed(run)
}

/// Where the phase was held before, its one claim becomes what all of its parts say.
fn passed(run: &mut Run) -> Result<(), RunError> {
    let was_held = run.view.rulings.iter().any(|ruling| ruling.claim.id == "a3.resilience");
    if !was_held {
        return Ok(());
    }
    let own: Vec<_> = run.view.rulings.iter().filter(|r| r.claim.id.starts_with("a3.resilience.")).collect();
    let failed = own.iter().filter(|ruling| ruling.verdict.is_fail()).count();
    let line = format!("{failed} of {} claims about outages failed", own.len());
    let Some(figures) = Figures::counted("claims", own.len() as u64, failed as u64) else { return Ok(()) };
    let verdict = if failed > 0 {
        Verdict::Fail { figures, traces: Vec::new() }
    } else {
        Verdict::Pass {
            figures,
            second: Confirmation::SingleSource { why: "it sums up what is ruled on apart".into() },
        }
    };
    let claim = claim("a3.resilience".to_owned(), AppId::A3, "comes back after outages, without a second effect");
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}

fn claim(id: String, app: AppId, text: &str) -> Claim {
    Claim { id, app, phase: PHASE, text: text.to_owned(), kind: "resilience".into(), gate: true, known_issue: None }
}
