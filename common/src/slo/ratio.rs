//! The ratio of a quantile after a change to the one before, with limits that assume nothing about the distribution.
//!
//! MOVER on the log scale (Zou and Donner 2008; Price and Bonett 2002 for ratios of medians): with `t` the logarithm
//! of the quantile and `l`, `u` those of its order-statistic limits, `d = ta - tb` lies between
//! `d - sqrt((ta - la)² + (ub - tb)²)` and `d + sqrt((ua - ta)² + (tb - lb)²)`. No random number takes part.

use serde::{Deserialize, Serialize};

use super::autocorr::{NEVER_US, tau};
use super::quantile::{Quantile, nearest_rank};
use super::rank::{QuantileEstimate, estimate};
use super::student;

/// The latencies of one side of a comparison, what they are worth, and the quantile that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileSample {
    sorted: Vec<u64>,
    quantile: Quantile,
    tau: f64,
}

impl QuantileSample {
    /// Takes latencies in send order; they are worth what their own autocorrelation says and at most what `prior` says.
    ///
    /// The indicators are "above the quantile itself" and "above the median". Requests that never answered count as
    /// [`NEVER_US`].
    #[must_use]
    pub fn of(samples: &[u64], quantile: Quantile, prior: f64) -> Self {
        let mut side = Self::with_tau(samples, quantile, prior);
        if let Some(at) = nearest_rank(&side.sorted, quantile) {
            side.tau = tau(samples, at, prior).value;
        }
        side
    }

    /// Takes latencies in any order whose autocorrelation time is known; one below 1 or that is no number counts as 1.
    #[must_use]
    pub fn with_tau(samples: &[u64], quantile: Quantile, tau: f64) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_unstable();
        Self { sorted, quantile, tau: tau.max(1.0) }
    }

    /// Which quantile is compared.
    #[must_use]
    pub fn quantile(&self) -> Quantile {
        self.quantile
    }

    /// The autocorrelation time, at least 1.
    #[must_use]
    pub fn tau(&self) -> f64 {
        self.tau
    }

    /// The number of latencies.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.sorted.len() as u64
    }

    /// The quantile with its limits at a two-sided confidence.
    #[must_use]
    pub fn estimate(&self, conf: f64) -> QuantileEstimate {
        estimate(&self.sorted, self.quantile, conf, self.tau)
    }
}

/// How much a quantile differs from one stable run of the same version to the next.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BetweenRuns {
    /// The standard deviation of the logarithm of the quantile, at least 0.
    pub sd: f64,
    /// From how many runs, at least 2.
    pub runs: u32,
}

impl BetweenRuns {
    /// Takes one quantile per stable baseline run, in any unit.
    ///
    /// `None` for fewer than two runs and for a value that is not positive and finite.
    #[must_use]
    pub fn of(quantiles: &[f64]) -> Option<Self> {
        let runs = u32::try_from(quantiles.len()).ok().filter(|runs| *runs >= 2)?;
        if quantiles.iter().any(|value| !value.is_finite() || *value <= 0.0) {
            return None;
        }
        let logs = || quantiles.iter().map(|value| value.ln());
        let mean = logs().sum::<f64>() / f64::from(runs);
        let squares: f64 = logs().map(|log| (log - mean).powi(2)).sum();
        Some(Self { sd: (squares / f64::from(runs - 1)).sqrt(), runs })
    }

    /// What comparing one run with another adds under the root: `2 (t_{m-1} sd)²`; nothing bounds it below two runs.
    fn square(self, conf: f64) -> f64 {
        if self.runs < 2 || self.sd.is_nan() || self.sd < 0.0 {
            return f64::INFINITY;
        }
        2.0 * (student::critical(conf, f64::from(self.runs - 1)) * self.sd).powi(2)
    }
}

/// A quantile before and after a change, and their ratio with limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileRatio {
    /// The quantile before the change, in the unit of the samples.
    pub before: QuantileEstimate,
    /// The quantile after it.
    pub after: QuantileEstimate,
    /// The autocorrelation time before.
    pub tau_before: f64,
    /// The autocorrelation time after.
    pub tau_after: f64,
    /// After over before, 1.2 for "20 % slower"; `None` where a side has no finite quantile above 0.
    pub ratio: Option<f64>,
    /// The lower limit of the ratio; `None` where a limit that it is made of does not exist.
    pub lower: Option<f64>,
    /// The upper limit of the ratio, like `lower`.
    pub upper: Option<f64>,
    /// The two-sided confidence of the limits.
    pub conf: f64,
}

/// The ratio of a quantile, `after / before`, at a two-sided confidence in `0..1`.
///
/// Without `between`, the limits speak of these samples alone: right where old and new took turns in one session. With
/// it they also allow for what differs from run to run. A limit at 0 or at [`NEVER_US`] is none, as it has no
/// logarithm; so is every limit at a confidence outside its range.
#[must_use]
pub fn quantile_ratio(
    before: &QuantileSample,
    after: &QuantileSample,
    conf: f64,
    between: Option<BetweenRuns>,
) -> QuantileRatio {
    let (old, new) = (before.estimate(conf), after.estimate(conf));
    let distance = |from: Option<u64>, to: Option<u64>| Some((log(from)? - log(to)?).powi(2));
    let extra = between.map_or(0.0, |between| between.square(conf));
    let difference = log(new.value).zip(log(old.value)).map(|(new, old)| new - old);
    let spread = |of_new: Option<u64>, of_old: Option<u64>| {
        let sum = distance(new.value, of_new)? + distance(old.value, of_old)? + extra;
        sum.is_finite().then(|| sum.sqrt())
    };
    let limit = |of_new, of_old, sign: f64| Some((difference? + sign * spread(of_new, of_old)?).exp());
    QuantileRatio {
        before: old,
        after: new,
        tau_before: before.tau,
        tau_after: after.tau,
        ratio: difference.map(f64::exp),
        lower: limit(new.lower, old.upper, -1.0),
        upper: limit(new.upper, old.lower, 1.0),
        conf,
    }
}

/// The logarithm of a latency that has one.
fn log(value: Option<u64>) -> Option<f64> {
    value.filter(|value| (1..NEVER_US).contains(value)).map(|value| (value as f64).ln())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(values: &[u64], tau: f64) -> QuantileSample {
        QuantileSample::with_tau(values, Quantile::P50, tau)
    }

    #[test]
    fn equal_constant_sides_have_a_ratio_of_one_without_width() {
        let side = QuantileSample::of(&[1_000; 400], Quantile::P95, 1.0);
        let at = quantile_ratio(&side, &side, 0.95, None);
        assert_eq!((at.ratio, at.lower, at.upper), (Some(1.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_side_without_an_upper_limit_bounds_the_ratio_on_one_side_only() {
        let (few, many): (Vec<u64>, Vec<u64>) = ((1..=60).collect(), (1..=600).collect());
        let [few, many] = [few, many].map(|values| QuantileSample::with_tau(&values, Quantile::P95, 1.0));
        let slower = quantile_ratio(&few, &many, 0.95, None);
        assert!(slower.lower.is_none() && slower.upper.is_some());
        let faster = quantile_ratio(&many, &few, 0.95, None);
        assert!(faster.lower.is_some() && faster.upper.is_none());
    }

    #[test]
    fn latencies_without_a_logarithm_have_no_ratio() {
        let fine = sample(&[100; 50], 1.0);
        for odd in [vec![], vec![0; 50], vec![NEVER_US; 50]] {
            let at = quantile_ratio(&fine, &sample(&odd, 1.0), 0.95, None);
            assert_eq!((at.ratio, at.lower, at.upper), (None, None, None));
        }
        let at = quantile_ratio(&fine, &fine, f64::NAN, None);
        assert_eq!((at.lower, at.upper), (None, None));
    }

    #[test]
    fn the_spread_between_runs_is_a_sample_deviation_of_logarithms() {
        let spread = BetweenRuns::of(&[100.0, 110.0, 121.0]).unwrap();
        assert!((spread.sd - 1.1_f64.ln()).abs() < 1e-12);
        assert_eq!(spread.runs, 3);
        for bad in [&[1.0][..], &[1.0, 0.0], &[1.0, f64::NAN], &[]] {
            assert_eq!(BetweenRuns::of(bad), None);
        }
    }

    #[test]
    fn comparing_two_runs_adds_what_differs_between_runs() {
        let side = sample(&[1_000; 400], 1.0);
        let between = BetweenRuns { sd: 0.05, runs: 6 };
        let at = quantile_ratio(&side, &side, 0.95, Some(between));
        let width = 2.0_f64.sqrt() * 2.570_581_835_6 * 0.05;
        assert!((at.upper.unwrap() / width.exp() - 1.0).abs() < 1e-9);
        assert!((at.lower.unwrap() * width.exp() - 1.0).abs() < 1e-9);
        let unknown = quantile_ratio(&side, &side, 0.95, Some(BetweenRuns { sd: 0.05, runs: 1 }));
        assert_eq!((unknown.lower, unknown.upper), (None, None));
    }

    proptest! {
        #[test]
        fn swapping_the_sides_inverts_the_ratio_and_its_limits(
            a in prop::collection::vec(1..1_000_000_u64, 30..200),
            b in prop::collection::vec(1..1_000_000_u64, 30..200),
            tau in 1.0..3.0_f64,
        ) {
            let (a, b) = (sample(&a, tau), sample(&b, 1.0));
            let (there, back) = (quantile_ratio(&a, &b, 0.95, None), quantile_ratio(&b, &a, 0.95, None));
            for (x, y) in [(there.ratio, back.ratio), (there.lower, back.upper), (there.upper, back.lower)] {
                prop_assert_eq!(x.is_some(), y.is_some());
                prop_assert!(x.zip(y).is_none_or(|(x, y)| (x * y - 1.0).abs() < 1e-9));
            }
            prop_assert!(there.lower <= there.ratio || there.lower.is_none());
            prop_assert!(there.upper.is_none() || there.ratio <= there.upper);
        }
    }
}
