//! Many verdicts at once: p-values adjusted for their number, and failures that hold for a whole release.
//!
//! Passing needs no correction: READY wants every gate to pass, each at its own level, and that is wrong at most as
//! often as its weakest gate (the intersection-union principle, Berger 1982). Failing does: among sixty gates that all
//! lie at their limits, some gate fails at 95 % in seven releases of ten. So a failure counts for a release only if it
//! survives Holm's procedure among all gates and shows again in a window of its own.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Reason};
use super::judge::Judgement;

/// The one-sided level of a release: how often at most a sound one may show any failure before confirmation.
pub const FAMILY_ALPHA: f64 = 0.025;

/// Holm's step-down adjustment (Holm 1979): a test is rejected at a family-wise level iff its adjusted value is at most
/// that.
///
/// In ascending order, `adjusted_i = max(adjusted_{i-1}, (m - i) p_i)` for `i` from 0 to `m - 1`, at most 1; given back
/// in the order of `p`. It holds for dependent tests too. What is no probability counts as 1: it belongs to the family
/// and rejects nothing.
#[must_use]
pub fn holm(p: &[f64]) -> Vec<f64> {
    let p: Vec<f64> = p.iter().copied().map(probability).collect();
    let (mut adjusted, mut reached) = (p.clone(), 0.0_f64);
    for (step, at) in ascending(&p).into_iter().enumerate() {
        reached = reached.max((p.len() - step) as f64 * p[at]).min(1.0);
        adjusted[at] = reached;
    }
    adjusted
}

/// Bonferroni's adjustment, `min(1, m p)`: simpler than Holm's and never smaller. What is no probability counts as 1.
#[must_use]
pub fn bonferroni(p: &[f64]) -> Vec<f64> {
    let family = p.len() as f64;
    p.iter().map(|p| (family * probability(*p)).min(1.0)).collect()
}

/// The step-up adjustment of Benjamini and Hochberg (JRSS B 57, 1995): bounds the share of false ones among those
/// rejected. For dashboards; nothing is decided on it.
///
/// In ascending order, `adjusted_i = min(adjusted_{i+1}, m p_i / (i + 1))`; given back in the order of `p`. What is no
/// probability counts as 1.
#[must_use]
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let p: Vec<f64> = p.iter().copied().map(probability).collect();
    let (mut adjusted, mut reached) = (p.clone(), 1.0_f64);
    for (step, at) in ascending(&p).into_iter().enumerate().rev() {
        reached = reached.min(p[at] / ((step + 1) as f64 / p.len() as f64));
        adjusted[at] = reached;
    }
    adjusted
}

fn probability(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) { p } else { 1.0 }
}

/// The positions of the values, smallest first; equal ones stay in their order.
fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    order
}

/// What one window of measurement says about a gate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// When the window began, in microseconds since a moment that both windows of a gate share.
    pub from_us: u64,
    /// When it ended, likewise.
    pub until_us: u64,
    /// What its samples say for themselves, at 95 %.
    pub decision: Decision,
    /// The probability at the limit of a result at least this bad, on effective counts; `None` if there is none.
    pub p_fail: Option<f64>,
}

impl Measured {
    /// What a judgement says of the window that its samples are from.
    #[must_use]
    pub fn of(judgement: &Judgement, from_us: u64, until_us: u64) -> Self {
        Self { from_us, until_us, decision: judgement.decision, p_fail: judgement.p_fail_effective }
    }

    /// True for a failure that is one at the level of a release's test, too.
    fn fails(&self) -> bool {
        self.decision == Decision::Fail && self.p_fail.is_some_and(|p| p <= FAMILY_ALPHA)
    }
}

/// A gate of a release, measured once or twice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GateEvidence {
    /// The measurement that all gates have.
    pub first: Measured,
    /// The one that confirms a failure: fresh samples, from a window that began after the first had ended.
    pub again: Option<Measured>,
}

/// What holds for a gate in the family of all gates of its release.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FamilyDecision {
    /// What follows. A failure that the family does not carry or that did not show again is
    /// [`Reason::Unconfirmed`].
    pub decision: Decision,
    /// Holm's adjusted p-value of the first measurement among all gates.
    pub p_adjusted: f64,
    /// A provisional failure that waits for its second measurement.
    pub measure_again: bool,
}

/// Decides all gates of a release together, in the order given.
///
/// A pass, and what is undecided, stays what it is. A failure survives if Holm's procedure over the first measurements
/// of *all* gates rejects at [`FAMILY_ALPHA`]; it is then provisional and is measured again, alone, at the same level.
/// Failing both times is a failure; anything else is [`Reason::Unconfirmed`], also a second window that overlaps the
/// first. A gate without a p-value counts in the family as one with 1.
#[must_use]
pub fn decide_family(gates: &[GateEvidence]) -> Vec<FamilyDecision> {
    let p: Vec<f64> = gates.iter().map(|gate| gate.first.p_fail.unwrap_or(1.0)).collect();
    let decided = gates.iter().zip(holm(&p)).map(|(gate, p_adjusted)| {
        let provisional = gate.first.fails() && p_adjusted <= FAMILY_ALPHA;
        let fresh = gate.again.filter(|again| again.from_us >= gate.first.until_us);
        let decision = match gate.first.decision {
            Decision::Fail if provisional && fresh.is_some_and(|again| again.fails()) => Decision::Fail,
            Decision::Fail => Decision::Undecided(Reason::Unconfirmed),
            kept => kept,
        };
        FamilyDecision { decision, p_adjusted, measure_again: provisional && fresh.is_none() }
    });
    decided.collect()
}

#[cfg(test)]
mod tests;
