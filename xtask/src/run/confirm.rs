//! What looks like a failure is measured once more, and counts only if it shows again.
//!
//! Among many claims some look bad by chance. So a failure is provisional until it survives Holm's procedure over all
//! claims that decide and were judged so far, and shows again in a fresh window. What the second source tells otherwise is
//! set aside and measured again as well. The record keeps both measurements.

use std::collections::{BTreeMap, BTreeSet};

use common::scenario::Scenario;
use common::slo::{Decision, FamilyDecision, GateEvidence, Measured, Reason, decide_family};
use common::verdict::{Family, Ruling, Verdict};

use super::probe::{self, Gauged};
use super::{Run, RunError};
use crate::record::{Record, RunView};

/// A ruling as it stands before it is confirmed: a failure that decides readiness is none yet.
pub(super) fn provisional(ruling: Ruling) -> Ruling {
    if !is_provisional(&ruling) {
        return ruling;
    }
    let explanation = format!("{}; a failure counts once a fresh window shows it again", ruling.explanation);
    unconfirmed(ruling, explanation, "one window of measurement", "a second, fresh window that shows it")
}

/// True for a failure that rests on a judgement and decides readiness.
pub(super) fn is_provisional(ruling: &Ruling) -> bool {
    ruling.verdict.is_fail() && ruling.gate_p().is_some()
}

/// Weighs what looks like a failure, measures again what may be one and what the second source tells otherwise, and
/// writes down what holds.
pub(super) async fn settle(run: &mut Run, phase: u8, first: &[Gauged]) -> Result<(), RunError> {
    let mut suspects: BTreeMap<String, Suspect> = BTreeMap::new();
    for gauged in first {
        for ruling in gauged.rulings.iter().filter(|ruling| is_provisional(ruling)) {
            suspects.insert(ruling.claim.id.clone(), Suspect::of(ruling, gauged));
        }
    }
    for (suspect, decided) in weighed(&run.view, &suspects, &BTreeMap::new()) {
        if !decided.measure_again {
            let chance = suspect.by_chance(decided, family_size(&run.view));
            run.record(Record::Ruled(chance))?;
            suspects.remove(&suspect.ruling.claim.id);
        }
    }
    let scenarios = again(run, first, &suspects);
    if scenarios.is_empty() {
        return Ok(());
    }
    tell(run, phase, first, &suspects, &scenarios)?;
    let second = probe::measure(run, phase, scenarios, 2).await?;
    cleared(run, first, &second)?;
    let fresh: BTreeMap<_, _> = second.iter().flat_map(|gauged| by_claim(gauged).into_iter()).collect();
    for (suspect, decided) in weighed(&run.view, &suspects, &fresh) {
        let seen = fresh.get(&suspect.ruling.claim.id).map(|(_, ruling)| ruling.explanation.clone());
        let ruling = suspect.settled(decided, family_size(&run.view), seen);
        run.record(Record::Ruled(ruling))?;
    }
    Ok(())
}

/// A ruling with the begin and the end of its measurement, in microseconds since the epoch.
pub(super) struct Spanned {
    pub(super) ruling: Ruling,
    pub(super) span_us: (u64, u64),
}

impl Spanned {
    fn measured(&self) -> Measured {
        let (from_us, until_us) = self.span_us;
        let failed = self.ruling.verdict.is_fail();
        let decision = if failed { Decision::Fail } else { Decision::Undecided(Reason::Straddles) };
        Measured { from_us, until_us, decision, p_fail: self.ruling.gate_p() }
    }
}

/// What holds of one failure after a second measurement, or without one.
pub(super) fn settled(view: &RunView, first: &Spanned, second: Option<&Spanned>) -> Ruling {
    let id = first.ruling.claim.id.clone();
    let suspect = Suspect { ruling: first.ruling.clone(), scenario: String::new(), first: first.measured() };
    let suspects = BTreeMap::from([(id.clone(), suspect)]);
    let fresh = second.map(|second| (id, (second.measured(), second.ruling.clone())));
    let seen = second.map(|second| second.ruling.explanation.clone());
    let decided = weighed(view, &suspects, &fresh.into_iter().collect());
    let settled =
        decided.into_iter().next().map(|(suspect, decided)| suspect.settled(decided, family_size(view), seen));
    settled.unwrap_or_else(|| provisional(first.ruling.clone()))
}

/// A provisional failure.
#[derive(Clone)]
struct Suspect {
    ruling: Ruling,
    scenario: String,
    first: Measured,
}

impl Suspect {
    fn of(ruling: &Ruling, gauged: &Gauged) -> Self {
        let first = Spanned { ruling: ruling.clone(), span_us: gauged.span_us }.measured();
        Self { ruling: ruling.clone(), scenario: gauged.scenario.id.clone(), first }
    }

    /// What is left of a failure that many claims together explain.
    fn by_chance(&self, decided: FamilyDecision, size: u64) -> Ruling {
        let p = decided.p_adjusted;
        let explanation = format!(
            "{}; among {size} claims judged together one looks this bad by chance with probability {p:.3} (Holm), which \
             is no failure yet",
            self.ruling.explanation
        );
        let ruling = self.among(size, p);
        unconfirmed(ruling, explanation, "a difference that chance may explain", "a longer load")
    }

    /// What holds after the second measurement.
    fn settled(&self, decided: FamilyDecision, size: u64, fresh: Option<String>) -> Ruling {
        let ruling = self.among(size, decided.p_adjusted);
        let p = decided.p_adjusted;
        let (first, fresh) = (&self.ruling.explanation, fresh.as_deref());
        match (decided.decision, fresh) {
            (Decision::Fail, Some(fresh)) => {
                let line =
                    format!("{first}; Holm's p among {size} claims is {p:.1e}; confirmed on a fresh window: {fresh}");
                Ruling { explanation: line, ..ruling }
            }
            (_, Some(fresh)) => {
                let line = format!("{first}; a fresh window does not confirm it: {fresh}");
                unconfirmed(ruling, line, "two windows that differ", "two windows that both show it, or neither")
            }
            (_, None) => {
                let line = format!("{first}; it could not be measured again");
                unconfirmed(ruling, line, "one window of measurement", "a second, fresh window that shows it")
            }
        }
    }

    fn among(&self, size: u64, p_adjusted: f64) -> Ruling {
        Ruling { family: Some(Family { size, p_adjusted }), ..self.ruling.clone() }
    }
}

/// All claims that decide and have a p-value.
fn family_size(view: &RunView) -> u64 {
    view.rulings.iter().filter(|ruling| ruling.gate_p().is_some()).count() as u64
}

/// Decides the suspects in the family of all claims of the run that decide and have a p-value.
fn weighed(
    view: &RunView,
    suspects: &BTreeMap<String, Suspect>,
    fresh: &BTreeMap<String, (Measured, Ruling)>,
) -> Vec<(Suspect, FamilyDecision)> {
    let members: Vec<_> = view.rulings.iter().filter_map(|ruling| Some((ruling, ruling.gate_p()?))).collect();
    let gate = |(ruling, p): &(&Ruling, f64)| match suspects.get(&ruling.claim.id) {
        Some(suspect) => {
            GateEvidence { first: suspect.first, again: fresh.get(&ruling.claim.id).map(|(measured, _)| *measured) }
        }
        None => {
            // A figure that the harness itself spoiled says nothing of the app: it counts as one more claim, no more.
            let spoiled = matches!(ruling.verdict, Verdict::Inconclusive { reason: Reason::HarnessFault, .. });
            let p_fail = Some(if spoiled { 1.0 } else { *p });
            let decision = Decision::Undecided(Reason::Straddles);
            GateEvidence { first: Measured { from_us: 0, until_us: 0, decision, p_fail }, again: None }
        }
    };
    let gates: Vec<_> = members.iter().map(gate).collect();
    let decided = members.iter().zip(decide_family(&gates));
    decided.filter_map(|((ruling, _), decided)| Some((suspects.get(&ruling.claim.id)?.clone(), decided))).collect()
}

/// The workloads that are measured again: those of suspects, and those that the second source tells otherwise.
fn again(run: &Run, first: &[Gauged], suspects: &BTreeMap<String, Suspect>) -> Vec<Scenario> {
    let suspected: BTreeSet<_> = suspects.values().map(|suspect| suspect.scenario.as_str()).collect();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for gauged in first {
        let scenario = &gauged.scenario;
        let wanted = suspected.contains(scenario.id.as_str()) || gauged.anomaly.is_some();
        let alive = scenario.steps.iter().all(|step| !run.is_dead(scenario.app_of(step)));
        if wanted && alive && !scenarios.iter().any(|known| known.id == scenario.id) {
            scenarios.push(scenario.clone());
        }
    }
    scenarios
}

/// Says what is measured again, and why.
fn tell(
    run: &mut Run,
    phase: u8,
    first: &[Gauged],
    suspects: &BTreeMap<String, Suspect>,
    scenarios: &[Scenario],
) -> Result<(), RunError> {
    for scenario in scenarios {
        let failed = suspects.values().filter(|suspect| suspect.scenario == scenario.id);
        let failed = failed.map(|suspect| format!("{} looks like a failure", suspect.ruling.claim.id));
        let told = first.iter().filter(|gauged| gauged.scenario.id == scenario.id);
        let told = told.filter_map(|gauged| gauged.anomaly.clone());
        let why: Vec<_> = failed.chain(told).collect();
        run.note(phase, Some(scenario.app), format!("{} is measured again: {}", scenario.id, why.join("; ")))?;
    }
    Ok(())
}

/// What the fresh windows say on claims that the second source told otherwise the first time. A failure that shows only
/// now has shown once.
fn cleared(run: &mut Run, first: &[Gauged], second: &[Gauged]) -> Result<(), RunError> {
    for gauged in first.iter().filter(|gauged| gauged.anomaly.is_some()) {
        let Some(fresh) = second.iter().find(|fresh| fresh.key == gauged.key) else { continue };
        for (early, late) in gauged.rulings.iter().zip(&fresh.rulings) {
            if !is_provisional(early) {
                run.record(Record::Ruled(provisional(late.clone())))?;
            }
        }
    }
    Ok(())
}

fn by_claim(gauged: &Gauged) -> Vec<(String, (Measured, Ruling))> {
    let spanned = gauged.rulings.iter().map(|ruling| Spanned { ruling: ruling.clone(), span_us: gauged.span_us });
    spanned.map(|one| (one.ruling.claim.id.clone(), (one.measured(), one.ruling))).collect()
}

fn unconfirmed(ruling: Ruling, explanation: String, observed: &str, required: &str) -> Ruling {
    let verdict = Verdict::Inconclusive {
        reason: Reason::Unconfirmed,
        figures: ruling.verdict.figures().cloned(),
        observed: observed.to_owned(),
        required: required.to_owned(),
    };
    Ruling { verdict, explanation, ..ruling }
}

#[cfg(test)]
mod tests {
    use common::ids::AppId;
    use common::slo::{Claim as Judged, Quantile, Terms};
    use common::verdict::{Claim, Figures};

    use super::*;

    const FIRST: (u64, u64) = (0, 20);
    const FRESH: (u64, u64) = (30, 50);

    /// A claim on a P95 of which `over` of 1,900 requests were too slow, with the verdict that says by itself.
    fn ruling(id: &str, over: u64) -> Ruling {
        let claim = Claim {
            id: id.to_owned(),
            app: AppId::A2,
            phase: 2,
            text: "95 % within 150 ms".into(),
            kind: "slo".into(),
            gate: true,
            known_issue: None,
        };
        let judgement = Judged::QuantileWithin { quantile: Quantile::P95 }.judge(over, 1_900, Terms::default());
        let figures = Figures { judgement: Some(judgement), ..Figures::counted("requests", 1_900, over).unwrap() };
        let verdict = match judgement.decision {
            Decision::Fail => Verdict::Fail { figures, traces: Vec::new() },
            _ => Verdict::Inconclusive {
                reason: Reason::Straddles,
                figures: Some(figures),
                observed: String::new(),
                required: String::new(),
            },
        };
        Ruling::new(claim, verdict, format!("{over} over 150 ms"), "")
    }

    /// A run that recorded this failure as provisional, beside so many claims that are fine.
    fn run(failure: &Ruling, others: usize) -> RunView {
        let fine = (0..others).map(|at| ruling(&format!("a1.{at}"), 10));
        let records = std::iter::once(provisional(failure.clone())).chain(fine).map(Record::Ruled);
        RunView::of(records)
    }

    fn spanned(over: u64, span_us: (u64, u64)) -> Spanned {
        Spanned { ruling: ruling("a2.p95", over), span_us }
    }

    fn reason(ruling: &Ruling) -> Reason {
        match &ruling.verdict {
            Verdict::Inconclusive { reason, .. } => *reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_failure_is_recorded_as_none_until_it_is_confirmed() {
        let failure = ruling("a2.p95", 250);
        assert!(failure.verdict.is_fail());
        assert_eq!(reason(&provisional(failure.clone())), Reason::Unconfirmed);
        let known = Ruling { claim: Claim { gate: false, ..failure.claim.clone() }, ..failure };
        assert!(provisional(known).verdict.is_fail(), "what does not decide is shown as it is");
    }

    #[test]
    fn a_failure_that_a_fresh_window_shows_again_holds_and_says_among_how_many() {
        let first = spanned(250, FIRST);
        let settled = settled(&run(&first.ruling, 99), &first, Some(&spanned(240, FRESH)));
        assert!(settled.verdict.is_fail());
        assert_eq!(settled.family.map(|family| family.size), Some(100));
        assert!(
            settled.explanation.contains("confirmed on a fresh window: 240 over 150 ms"),
            "{}",
            settled.explanation
        );
    }

    #[test]
    fn a_failure_that_does_not_show_again_or_was_not_measured_again_is_unconfirmed() {
        let first = spanned(250, FIRST);
        let view = run(&first.ruling, 99);
        for second in [Some(spanned(90, FRESH)), Some(spanned(10, FRESH)), None] {
            assert_eq!(reason(&settled(&view, &first, second.as_ref())), Reason::Unconfirmed);
        }
    }

    #[test]
    fn the_same_window_does_not_confirm_itself() {
        let first = spanned(250, FIRST);
        let settled = settled(&run(&first.ruling, 99), &first, Some(&spanned(250, (10, 30))));
        assert_eq!(reason(&settled), Reason::Unconfirmed);
    }

    #[test]
    fn what_one_claim_alone_would_fail_at_is_chance_among_a_hundred() {
        let first = spanned(118, FIRST);
        assert!(first.ruling.verdict.is_fail(), "118 of 1,900 fail by themselves");
        let suspects = |first: &Spanned| {
            let suspect = Suspect { ruling: first.ruling.clone(), scenario: String::new(), first: first.measured() };
            BTreeMap::from([(first.ruling.claim.id.clone(), suspect)])
        };
        let again = |others: usize| {
            let decided = weighed(&run(&first.ruling, others), &suspects(&first), &BTreeMap::new());
            decided.into_iter().next().unwrap().1.measure_again
        };
        assert!(again(0) && !again(99));
        let (suspect, decided) =
            weighed(&run(&first.ruling, 99), &suspects(&first), &BTreeMap::new()).into_iter().next().unwrap();
        let by_chance = suspect.by_chance(decided, 100);
        assert_eq!(reason(&by_chance), Reason::Unconfirmed);
        assert!(by_chance.explanation.contains("among 100 claims judged together"), "{}", by_chance.explanation);
    }
}
