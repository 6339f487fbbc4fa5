//! Did a change make a quantile slower than allowed? A pass means shown to be no slower, not "no difference found".

use serde::{Deserialize, Serialize};

use super::autocorr::n_eff;
use super::decision::{Decision, Reason};
use super::judge::MIN_N_EFF;
use super::ratio::{BetweenRuns, QuantileRatio, QuantileSample, quantile_ratio};

/// Below this many stable baseline runs, what differs between runs is not known well enough to judge by.
pub const MIN_BASELINE_RUNS: u32 = 5;

/// No difference below this is one, in microseconds.
const LEAST_DIFFERENCE_US: u64 = 1_000;

/// The smallest tail that is told apart in [`Regression::p_fail`].
const LEAST_TAIL: f64 = 1e-12;

/// When the two sides were measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "design", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Design {
    /// Old and new took turns in one session, in blocks of 30 s (the duet of Bulej et al. 2020): what disturbs one side
    /// disturbs the other.
    Interleaved,
    /// One run after the other. With 10 % noise from run to run, the samples alone would call an unchanged service
    /// 20 % slower in 4.5 % of comparisons.
    Sequential {
        /// What stable baseline runs say about that noise. Without it, the limits that are shown speak of the samples
        /// alone and nothing is decided.
        between: Option<BetweenRuns>,
    },
}

/// How much slower a quantile may become.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RegressionRule {
    /// The largest allowed ratio, at least 1: 1.2 for "at most 20 % slower".
    pub limit: f64,
    /// Two-sided confidence, in `0..1`.
    pub conf: f64,
    /// The P99 of the harness's own send and timer jitter, in microseconds.
    pub jitter_p99_us: u64,
}

impl Default for RegressionRule {
    fn default() -> Self {
        Self { limit: 1.2, conf: 0.95, jitter_p99_us: 0 }
    }
}

impl RegressionRule {
    /// A difference below this is not a regression whatever its ratio: the larger of 1 ms and twice the jitter.
    #[must_use]
    pub fn resolution_us(self) -> u64 {
        LEAST_DIFFERENCE_US.max(self.jitter_p99_us.saturating_mul(2))
    }

    fn is_sound(self) -> bool {
        self.limit >= 1.0 && self.limit.is_finite() && self.conf > 0.0 && self.conf < 1.0
    }
}

/// A comparison and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// Both quantiles and their ratio.
    pub ratio: QuantileRatio,
    /// When the sides were measured.
    #[serde(flatten)]
    pub design: Design,
    /// The largest allowed ratio.
    pub limit: f64,
    /// What follows.
    #[serde(flatten)]
    pub decision: Decision,
    /// True for a pass that is nevertheless shown to be slower than before.
    pub warn: bool,
    /// The one-sided probability of a lower limit this high at the limit: the tail at which they meet, 1 where none up
    /// to one half does. At most `(1 - conf) / 2` exactly where the lower limit lies above the allowed ratio. `None`
    /// where nothing can be said.
    pub p_fail: Option<f64>,
}

/// Judges "the quantile after is at most `limit` times the one before", latencies in microseconds.
///
/// A pass needs the whole interval within the limit, a failure all of it beyond. Where that is so but the difference is
/// below [`RegressionRule::resolution_us`], the reason is [`Reason::Resolution`]; runs made one after the other
/// need [`MIN_BASELINE_RUNS`] for any decision ([`Reason::NoBaseline`]), and what they show to be too slow is
/// [`Reason::Unconfirmed`] until an interleaved comparison shows it too.
#[must_use]
pub fn judge_regression(
    before: &QuantileSample,
    after: &QuantileSample,
    design: Design,
    rule: RegressionRule,
) -> Regression {
    let between = match design {
        Design::Interleaved => None,
        Design::Sequential { between } => between,
    };
    let ratio = quantile_ratio(before, after, rule.conf, between);
    let obstacle = obstacle(before, after, design, rule);
    let decision = match obstacle {
        Some(reason) => Decision::Undecided(reason),
        None => decide(&ratio, design, rule),
    };
    let warn = decision == Decision::Pass && ratio.lower.is_some_and(|lower| lower > 1.0);
    let p_fail = obstacle.is_none().then(|| tail_at(before, after, between, rule.limit));
    Regression { ratio, design, limit: rule.limit, decision, warn, p_fail }
}

/// Why no data like these can decide.
fn obstacle(before: &QuantileSample, after: &QuantileSample, design: Design, rule: RegressionRule) -> Option<Reason> {
    if !rule.is_sound() || before.quantile() != after.quantile() {
        return Some(Reason::Config);
    }
    if before.n() == 0 {
        return Some(Reason::NoBaseline);
    }
    if after.n() == 0 {
        return Some(Reason::TooFew);
    }
    if [before, after].iter().any(|side| side.tau() > 1.0 && n_eff(side.n(), side.tau()) < MIN_N_EFF) {
        return Some(Reason::Autocorrelated);
    }
    match design {
        Design::Sequential { between } if between.is_none_or(|between| between.runs < MIN_BASELINE_RUNS) => {
            Some(Reason::NoBaseline)
        }
        _ => None,
    }
}

fn decide(ratio: &QuantileRatio, design: Design, rule: RegressionRule) -> Decision {
    if ratio.upper.is_some_and(|upper| upper <= rule.limit) {
        return Decision::Pass;
    }
    if ratio.lower.is_none_or(|lower| lower <= rule.limit) {
        let bounded = ratio.lower.is_some() && ratio.upper.is_some();
        return Decision::Undecided(if bounded { Reason::Straddles } else { Reason::TooFew });
    }
    let difference = ratio.after.value.zip(ratio.before.value).map_or(0, |(after, before)| after.abs_diff(before));
    match design {
        _ if difference < rule.resolution_us() => Decision::Undecided(Reason::Resolution),
        Design::Sequential { .. } => Decision::Undecided(Reason::Unconfirmed),
        Design::Interleaved => Decision::Fail,
    }
}

/// The tail at which the lower limit of the ratio reaches `limit`, by bisection of its logarithm.
fn tail_at(before: &QuantileSample, after: &QuantileSample, between: Option<BetweenRuns>, limit: f64) -> f64 {
    let beyond = |tail: f64| {
        let ratio = quantile_ratio(before, after, 1.0 - 2.0 * tail, between);
        ratio.lower.is_some_and(|lower| lower > limit)
    };
    let (mut low, mut high) = (LEAST_TAIL, 0.5 - 1e-9);
    if !beyond(high) {
        return 1.0;
    }
    for _ in 0..40 {
        let middle = (low * high).sqrt();
        if beyond(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests;
