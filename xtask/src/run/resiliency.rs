//! Phase 7: what outages do to A3 and to those it calls, and what crashes do to effects. It needs a person's leave.

use common::approval::{Action, Scope};
use common::clock;
use common::history::Fault;
use common::slo::Reason;
use common::verdict::{Confirmation, Figures, Ruling, Verdict};

use super::leave::Leave;
use super::{Run, RunError};
use crate::cli::Profile;
use crate::effects::{self, EffectsPlan};
use crate::record::{EFFECT_APPS, Record};
use crate::resilience::{self, ResiliencePlan};

const PHASE: u8 = 7;
const RERUN: &str = "cargo xtask suite resiliency";
/// The claim that stands for all about outages where none of them was made.
const WHOLE: (&str, &str) = ("a3.resilience", "comes back after outages, without a second effect");
/// Intents in each cell of a run, two for each of the most clients; `cargo xtask effects` takes more.
const INTENTS: u32 = 40;
/// Runs after the outages: 381 without an error are the fewest that show less than 1 %.
const AFTER: [u32; 2] = [420, 800];

/// Asks for leave, then disturbs apps of their own beside those of the run: nothing that the run measured is touched.
pub(super) async fn phase(run: &mut Run) -> Result<(), RunError> {
    if run.embedded.is_none() {
        let reason =
            "outages are made in the embedded ecosystem; before a deployment, put `cargo xtask proxy` between A3 and \
                      those it calls"
                .to_owned();
        return hold(run, &Verdict::Skipped { reason: reason.clone() }, &format!("not tried: {reason}"));
    }
    let scope = Scope::new("embedded", EFFECT_APPS.into_iter().chain(resilience::DISTURBED));
    match run.leave(Action::Inject503, scope, PHASE).await? {
        Leave::Held { action, grant } => {
            let line = format!("held: {action}");
            hold(run, &Verdict::Held { action, grant }, &line)
        }
        Leave::Granted(_) => {
            outages(run).await?;
            run.go_on()?;
            histories(run).await?;
            passed(run)
        }
    }
}

/// Rules the same on everything that the phase is about.
fn hold(run: &mut Run, verdict: &Verdict, line: &str) -> Result<(), RunError> {
    let outages = resilience::claim(WHOLE.0, WHOLE.1);
    run.record(Record::Ruled(Ruling::new(outages, verdict.clone(), line, RERUN)))?;
    rule_effects(run, verdict, line)
}

fn rule_effects(run: &mut Run, verdict: &Verdict, line: &str) -> Result<(), RunError> {
    for app in EFFECT_APPS {
        run.record(Record::Ruled(Ruling::new(effects::claim(app), verdict.clone(), line, RERUN)))?;
    }
    Ok(())
}

/// What the harness could not do says nothing of any app.
fn not_made(why: &str) -> Verdict {
    Verdict::Inconclusive {
        reason: Reason::HarnessFault,
        figures: None,
        observed: why.to_owned(),
        required: "an ecosystem of its own, on free ports".to_owned(),
    }
}

async fn outages(run: &mut Run) -> Result<(), RunError> {
    let (cycles, after) = if run.plan.profile == Profile::Quick { (6, AFTER[0]) } else { (12, AFTER[1]) };
    let plan = ResiliencePlan {
        cycles,
        after,
        defects: run.plan.defects.clone(),
        within: resilience::WITHIN,
        data: run.folder().join("disturbed").join("outages"),
    };
    let ui = std::sync::Arc::clone(&run.ui);
    let say = move |line: &str| ui.note(&format!("  {line}"));
    let seen = match resilience::drive(&plan, &say).await {
        Ok(seen) => seen,
        Err(why) => {
            let claim = resilience::claim(WHOLE.0, WHOLE.1);
            let line = format!("no outage could be made: {why}");
            return run.record(Record::Ruled(Ruling::new(claim, not_made(&why), line, RERUN)));
        }
    };
    if let Some(why) = &seen.broke_off {
        run.note(PHASE, None, format!("the outages broke off: {why}"))?;
    }
    for ruling in resilience::rulings(&seen) {
        run.record(Record::Ruled(ruling))?;
    }
    run.record(Record::Resilience(Box::new(seen)))
}

async fn histories(run: &mut Run) -> Result<(), RunError> {
    let plan = EffectsPlan {
        seed: clock::unix_ms().unsigned_abs() % 1_000_000,
        intents: INTENTS,
        apps: EFFECT_APPS.to_vec(),
        faults: Fault::ALL.to_vec(),
        defects: run.plan.defects.clone(),
        data: run.folder().join("disturbed").join("effects"),
        histories: Some(run.folder().join(effects::FOLDER)),
        rest_within: effects::REST_WITHIN,
    };
    let ui = std::sync::Arc::clone(&run.ui);
    let report = match effects::drive(&plan, &|line| ui.note(&format!("  {line}"))).await {
        Ok(report) => report,
        Err(why) => return rule_effects(run, &not_made(&why), &format!("no effect could be driven: {why}")),
    };
    for ruling in effects::rulings(&report) {
        run.record(Record::Ruled(ruling))?;
    }
    run.record(Record::Effects(Box::new(report)))
}

/// Where the phase was held before, its one claim becomes what all of its parts say.
fn passed(run: &mut Run) -> Result<(), RunError> {
    let was_held = run.view.rulings.iter().any(|ruling| ruling.claim.id == "a3.resilience");
    if !was_held {
        return Ok(());
    }
    let own: Vec<&Ruling> =
        run.view.rulings.iter().filter(|ruling| ruling.claim.id.starts_with("a3.resilience.")).collect();
    let Some((verdict, line)) = whole(&own) else { return Ok(()) };
    run.record(Record::Ruled(Ruling::new(resilience::claim(WHOLE.0, WHOLE.1), verdict, line, RERUN)))
}

/// What all claims about outages say together; nothing without any.
fn whole(own: &[&Ruling]) -> Option<(Verdict, String)> {
    let count = |is: fn(&Verdict) -> bool| own.iter().filter(|ruling| is(&ruling.verdict)).count() as u64;
    let (failed, passed, all) = (count(Verdict::is_fail), count(Verdict::is_pass), own.len() as u64);
    let line = format!("of {all} claims about outages {passed} passed and {failed} failed");
    let figures = Figures::counted("claims", all, failed)?;
    let verdict = if failed > 0 {
        Verdict::Fail { figures, traces: Vec::new() }
    } else if passed < all {
        Verdict::Inconclusive {
            reason: Reason::TooFew,
            figures: Some(figures),
            observed: format!("{passed} of {all} claims passed"),
            required: "all of them".to_owned(),
        }
    } else {
        let why = "it sums up what is ruled on apart".to_owned();
        Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
    };
    Some((verdict, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn all_claims_together_pass_only_if_each_does() {
        let seen = fixture::view().resilience.unwrap();
        let rulings = resilience::rulings(&seen);
        let of = |verdict: &str| -> Vec<&Ruling> {
            rulings.iter().filter(|ruling| ruling.verdict.as_str() == verdict).collect()
        };
        let (passed, failed) = (of("PASS"), of("FAIL"));
        let open = Ruling { verdict: not_made("no port"), ..passed[0].clone() };
        let said = |own: &[&Ruling]| whole(own).map(|(verdict, _)| verdict.as_str());
        assert_eq!(said(&passed), Some("PASS"));
        assert_eq!(said(&[passed[0], failed[0]]), Some("FAIL"));
        assert_eq!(said(&[passed[0], &open]), Some("INCONCLUSIVE"));
        assert_eq!(said(&[&open]), Some("INCONCLUSIVE"));
        assert_eq!(said(&[]), None);
    }
}
