//! Whether the samples of a load stand for more than themselves.
//!
//! Requests that come in bursts depend on each other, and one window may show too little of that: at 200 samples with
//! bursts of 20, a P95 beyond its limit would pass in two cases of five. With a bound from at least three earlier stable
//! runs, or with 1,800 samples of an even load, it is one of two hundred and one of twenty. An uneven load is judged by
//! its thirds: where each of them says the same for itself, the unevenness does not matter.

use super::{Part, SloEvidence, Steadiness};
use crate::slo::{Claim, Decision, Judgement, Reason, Stability, Terms};

/// A P95 that no earlier run supports needs this many samples.
const SAMPLES_WITHOUT_HISTORY: u64 = 1_800;

/// Why samples do not stand for more than themselves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unsteady {
    pub(super) reason: Reason,
    pub(super) observed: String,
    pub(super) required: String,
}

impl Unsteady {
    fn new(reason: Reason, observed: impl Into<String>, required: impl Into<String>) -> Option<Self> {
        Some(Self { reason, observed: observed.into(), required: required.into() })
    }

    fn unknown() -> Option<Self> {
        Self::new(Reason::UndecidedStability, "nothing is known of the load's evenness", "a load that is watched")
    }
}

/// What keeps a decision on errors from being a verdict.
///
/// Without earlier runs, a pass needs two windows that each show it: that squares the chance of a false one.
pub(super) fn of_errors(evidence: &SloEvidence, judgement: &Judgement, terms: Terms) -> Option<Unsteady> {
    if judgement.decision != Decision::Pass {
        return None;
    }
    let Some(steady) = &evidence.steady else { return Unsteady::unknown() };
    let halves = &steady.error_halves;
    if steady.established || halves.len() == 2 && agree(halves, judgement.claim, terms, Decision::Pass) {
        return None;
    }
    let counts: Vec<_> = halves.iter().map(|half| format!("{} of {}", half.bad, half.n)).collect();
    let observed = format!("the halves of the load do not each show it ({} failed)", counts.join(" and "));
    Unsteady::new(Reason::TooFew, observed, "requests enough for each half, or three earlier stable runs")
}

/// What keeps a decision on a P95 from being a verdict.
pub(super) fn of_p95(evidence: &SloEvidence, judgement: &Judgement, terms: Terms) -> Option<Unsteady> {
    let decision = judgement.decision;
    if !matches!(decision, Decision::Pass | Decision::Fail) {
        return None;
    }
    let Some(steady) = &evidence.steady else {
        return if decision == Decision::Pass { Unsteady::unknown() } else { None };
    };
    let window = steady.window?;
    if decision == Decision::Pass && !steady.established && evidence.timed < SAMPLES_WITHOUT_HISTORY {
        let observed = format!("{} of {SAMPLES_WITHOUT_HISTORY} samples that a P95 needs on its own", evidence.timed);
        return Unsteady::new(Reason::TooFew, observed, "a longer load, or three earlier stable runs");
    }
    let fine = match window {
        Stability::Stable => true,
        Stability::Undecided => decision == Decision::Fail || steady.established,
        Stability::Unstable => false,
    };
    let thirds = &steady.slow_thirds;
    if fine || thirds.len() == 3 && agree(thirds, judgement.claim, terms, decision) {
        return None;
    }
    uneven(steady, window)
}

fn uneven(steady: &Steadiness, window: Stability) -> Option<Unsteady> {
    let required = "an even load, or one whose thirds each show the same";
    match window {
        Stability::Unstable => {
            Unsteady::new(Reason::Unstable, format!("the load was not even: {}", steady.flaws), required)
        }
        _ => Unsteady::new(Reason::UndecidedStability, "it was not shown that the load was even", required),
    }
}

/// True if each part by itself decides the same.
fn agree(parts: &[Part], claim: Claim, terms: Terms, decision: Decision) -> bool {
    parts.iter().all(|part| claim.decide(part.bad, part.n, terms) == decision)
}
