//! Is there room for a fifth more? Of latency, of the rate of requests, and of what saturates.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Reason};
use super::judge::{Judgement, Terms, judge_latency};
use super::quantile::Quantile;

/// The share of a limit that may be used, in hundredths: a fifth stays free.
const USABLE_PERCENT: u64 = 80;
/// A rate counts as offered if at least this many of a hundred planned requests were sent.
const LEAST_SENT_PERCENT: u64 = 98;

/// The latency that leaves a fifth of the limit free, in microseconds, rounded down: 120 ms of 150 ms.
#[must_use]
pub fn headroom_limit_us(limit_us: u64) -> u64 {
    // Of at most the limit itself, so that it always fits.
    (u128::from(limit_us) * u128::from(USABLE_PERCENT) / 100) as u64
}

/// Judges "the quantile leaves a fifth of `limit_us` free" on samples in send order, as [`judge_latency`] does.
#[must_use]
pub fn latency_headroom(samples: &[u64], limit_us: u64, quantile: Quantile, terms: Terms) -> Judgement {
    judge_latency(samples, headroom_limit_us(limit_us), quantile, terms)
}

/// Judges "what saturates is used to at most 80 % in 95 % of the time", a proxy for capacity where load is capped.
///
/// `used_permille` is the use of a processor, a pool or a queue in thousandths, sampled at even intervals, in order.
/// Its P95 is judged as that of a latency, so a pass needs at least 72 samples. A service may give way before or after
/// what is watched is full: report it as a proxy.
#[must_use]
pub fn saturation_headroom(used_permille: &[u64], terms: Terms) -> Judgement {
    judge_latency(used_permille, USABLE_PERCENT * 10, Quantile::P95, terms)
}

/// One step of a load that rises in steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RateStep {
    /// The rate that was offered, in requests per second.
    pub rate_per_s: f64,
    /// Requests that were due.
    pub planned: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// What latency and errors say together at this rate.
    #[serde(flatten)]
    pub decision: Decision,
}

impl RateStep {
    fn passes(&self) -> bool {
        let (sent, planned) = (u128::from(self.sent), u128::from(self.planned));
        let offered = planned > 0 && 100 * sent >= u128::from(LEAST_SENT_PERCENT) * planned;
        offered && self.decision == Decision::Pass
    }
}

/// How a peak rate lies beside the rates that were tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CapacityHeadroom {
    /// The rate that has to be borne, in requests per second.
    pub peak_per_s: f64,
    /// The highest rate that passed, below any that failed; `None` if there is none.
    pub pass_per_s: Option<f64>,
    /// The lowest rate that failed; `None` if there is none.
    pub fail_per_s: Option<f64>,
    /// The share of the passed rate that the peak leaves free, at least: negative where the peak is above it.
    pub free: Option<f64>,
    /// What follows.
    #[serde(flatten)]
    pub decision: Decision,
}

/// Judges "the peak uses at most 80 % of the capacity" on a load that rises in steps, in any order.
///
/// Passes iff the peak is at most 0.8 of the highest rate that passed with 98 % of its plan sent; fails iff it is above
/// 0.8 of the lowest rate that failed. A rate that passed above one that failed does not count. No steps are
/// [`Reason::TooFew`], rates that are not positive and finite [`Reason::Config`].
#[must_use]
pub fn capacity_headroom(peak_per_s: f64, steps: &[RateStep]) -> CapacityHeadroom {
    let usable = USABLE_PERCENT as f64 / 100.0;
    let sound = |rate: f64| rate.is_finite() && rate > 0.0;
    let failed = steps.iter().filter(|step| step.decision == Decision::Fail).map(|step| step.rate_per_s);
    let fail_per_s = failed.reduce(f64::min);
    let passed = steps.iter().filter(|step| step.passes()).map(|step| step.rate_per_s);
    let pass_per_s = passed.filter(|rate| fail_per_s.is_none_or(|fail| *rate < fail)).reduce(f64::max);
    let decision = if !sound(peak_per_s) || !steps.iter().all(|step| sound(step.rate_per_s)) {
        Decision::Undecided(Reason::Config)
    } else if pass_per_s.is_some_and(|pass| peak_per_s <= usable * pass) {
        Decision::Pass
    } else if fail_per_s.is_some_and(|fail| peak_per_s > usable * fail) {
        Decision::Fail
    } else {
        let decided = pass_per_s.is_some() || fail_per_s.is_some();
        Decision::Undecided(if decided { Reason::Straddles } else { Reason::TooFew })
    };
    CapacityHeadroom {
        peak_per_s,
        pass_per_s,
        fail_per_s,
        free: pass_per_s.map(|pass| 1.0 - peak_per_s / pass),
        decision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(rate_per_s: f64, decision: Decision) -> RateStep {
        RateStep { rate_per_s, planned: 1_000, sent: 1_000, decision }
    }

    const MAYBE: Decision = Decision::Undecided(Reason::Straddles);

    #[test]
    fn the_goal_of_120_ms_is_the_headroom_of_150() {
        assert_eq!(headroom_limit_us(150_000), 120_000);
        assert_eq!(headroom_limit_us(u64::MAX), 14_757_395_258_967_641_292);
        let samples: Vec<u64> = (0..1_800).map(|i| 30_000 + i * 7_919 % 1_800 * 50).collect();
        let of = |limit_us| latency_headroom(&samples, limit_us, Quantile::P95, Terms::default()).decision;
        assert_eq!((of(160_000), of(130_000)), (Decision::Pass, Decision::Fail));
    }

    #[test]
    fn what_saturates_may_be_used_to_four_fifths() {
        let of = |used: &[u64]| saturation_headroom(used, Terms::default()).decision;
        assert_eq!((of(&[800; 90]), of(&[801; 90])), (Decision::Pass, Decision::Fail));
        assert_eq!(of(&[300; 71]), Decision::Undecided(Reason::TooFew));
        assert_eq!(of(&[]), Decision::Undecided(Reason::TooFew));
    }

    #[test]
    fn a_peak_needs_a_fifth_of_what_passed_to_stay_free() {
        let steps =
            [step(50.0, Decision::Pass), step(100.0, Decision::Pass), step(150.0, MAYBE), step(200.0, Decision::Fail)];
        let of = |peak| capacity_headroom(peak, &steps).decision;
        assert_eq!((of(80.0), of(81.0), of(160.0), of(160.1)), (Decision::Pass, MAYBE, MAYBE, Decision::Fail));
        let at = capacity_headroom(80.0, &steps);
        assert_eq!((at.pass_per_s, at.fail_per_s), (Some(100.0), Some(200.0)));
        assert!((at.free.unwrap() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_rate_that_was_not_offered_in_full_or_passed_above_a_failure_does_not_count() {
        let short = RateStep { sent: 979, ..step(100.0, Decision::Pass) };
        assert_eq!(capacity_headroom(50.0, &[short]).pass_per_s, None);
        assert_eq!(capacity_headroom(50.0, &[RateStep { sent: 980, ..short }]).pass_per_s, Some(100.0));
        let odd = [step(40.0, Decision::Fail), step(50.0, Decision::Pass)];
        assert_eq!(capacity_headroom(35.0, &odd).decision, Decision::Fail);
        assert_eq!(capacity_headroom(30.0, &odd).decision, MAYBE);
    }

    #[test]
    fn nothing_tried_and_senseless_rates_decide_nothing() {
        assert_eq!(capacity_headroom(10.0, &[]).decision, Decision::Undecided(Reason::TooFew));
        assert_eq!(capacity_headroom(10.0, &[step(50.0, MAYBE)]).decision, Decision::Undecided(Reason::TooFew));
        let idle = RateStep { planned: 0, sent: 0, ..step(100.0, Decision::Pass) };
        assert_eq!(capacity_headroom(10.0, &[idle]).decision, Decision::Undecided(Reason::TooFew));
        for (peak, rate) in [(f64::NAN, 50.0), (0.0, 50.0), (10.0, f64::INFINITY), (10.0, -1.0)] {
            let at = capacity_headroom(peak, &[step(rate, Decision::Pass)]);
            assert_eq!(at.decision, Decision::Undecided(Reason::Config));
        }
    }
}
