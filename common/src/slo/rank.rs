//! Which ranks of a sorted sample bound a quantile: exact order statistics, and wider ones for correlated samples.

use serde::{Deserialize, Serialize};

use super::interval::RankInterval;
use super::proportion::{at_least, at_most};
use super::quantile::{Quantile, at_rank};

/// A tail equal to its limit but for rounding counts as within it.
const TIE: f64 = 1.0 + 1e-12;

/// The interval without limits, which holds everything.
const UNBOUNDED: RankInterval = RankInterval { lower: None, upper: None, coverage: 1.0 };

/// A quantile of a sample with its distribution-free limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileEstimate {
    /// Which quantile.
    pub quantile: Quantile,
    /// The size of the sample.
    pub n: u64,
    /// The rank of the point, from 1; `None` without samples.
    pub rank: Option<u64>,
    /// The value at that rank, in the unit of the sample.
    pub value: Option<u64>,
    /// The value at the lower rank; `None` where no lower limit exists.
    pub lower: Option<u64>,
    /// The value at the upper rank; `None` where no upper limit exists.
    pub upper: Option<u64>,
    /// The ranks of the limits and their coverage.
    pub ranks: RankInterval,
}

/// The nearest-rank quantile of an ascending sample with limits widened by `tau`.
///
/// `conf` is two-sided, `tau >= 1`. Pass the `tau` the verdict used, so that text and verdict agree.
#[must_use]
pub fn estimate(sorted: &[u64], quantile: Quantile, conf: f64, tau: f64) -> QuantileEstimate {
    let n = sorted.len() as u64;
    let (rank, ranks) = (quantile.rank(n), ranks_with_tau(n, quantile, conf, tau));
    QuantileEstimate {
        quantile,
        n,
        rank,
        value: at_rank(sorted, rank),
        lower: at_rank(sorted, ranks.lower),
        upper: at_rank(sorted, ranks.upper),
        ranks,
    }
}

/// The exact order-statistic interval of a quantile in `n` independent samples, equal tails of `(1 - conf) / 2`.
///
/// The lower rank is the largest `l` with `P(B <= l-1)` within the tail, the upper the smallest `u` with `P(B >= u)`
/// within it, for `B ~ Bin(n, p)` (Le Boudec, Performance Evaluation). A bound beyond the sample does not exist.
#[must_use]
pub fn order_statistic_ranks(n: u64, quantile: Quantile, conf: f64) -> RankInterval {
    if !is_confidence(conf) {
        return UNBOUNDED;
    }
    let (p, size) = (quantile.as_f64(), n as f64);
    let tail = (1.0 - conf) / 2.0 * TIE;
    let below = |l: u64| if l == 0 { 0.0 } else { at_most((l - 1) as f64, size, p) };
    let above = |u: u64| at_least(u as f64, size, p);
    let lower = first_where(1, n + 1, |l| below(l) > tail) - 1;
    let upper = first_where(1, n + 1, |u| above(u) <= tail);
    RankInterval {
        lower: (lower >= 1).then_some(lower),
        upper: (upper <= n).then_some(upper),
        coverage: 1.0 - below(lower) - above(upper),
    }
}

/// The interval of a quantile in `n` samples worth `n / tau` independent ones.
///
/// With `F(x) = I_{1-p}(n/tau - x, x + 1)`, the binomial distribution function continued to fractions:
/// `l = floor((x_l + 1) tau)` where `F(x_l)` is the tail, `u = ceil((x_u + 1) tau)` where `1 - F(x_u)` is. At `tau <= 1`
/// these are the exact ranks. A `tau` that is not finite bounds nothing, nor does a
/// `conf` outside `0..1`.
#[must_use]
pub fn ranks_with_tau(n: u64, quantile: Quantile, conf: f64, tau: f64) -> RankInterval {
    if tau <= 1.0 {
        return order_statistic_ranks(n, quantile, conf);
    }
    let worth = n as f64 / tau;
    if worth.is_nan() || worth <= 0.0 || !is_confidence(conf) {
        return UNBOUNDED;
    }
    let (p, tail) = (quantile.as_f64(), (1.0 - conf) / 2.0);
    let below = |x: f64| at_most(x, worth, p);
    let above = |x: f64| at_least(x + 1.0, worth, p);
    let lower = (below(0.0) <= tail).then(|| root(0.0, worth, |x| below(x) > tail));
    let upper = (above(worth - 1.0) <= tail).then(|| root(-1.0, worth - 1.0, |x| above(x) <= tail));
    RankInterval {
        lower: lower.map(|x| (((x + 1.0) * tau).floor() as u64).clamp(1, n)),
        upper: upper.map(|x| (((x + 1.0) * tau).ceil() as u64).clamp(1, n)),
        coverage: 1.0 - lower.map_or(0.0, below) - upper.map_or(0.0, above),
    }
}

fn is_confidence(conf: f64) -> bool {
    conf > 0.0 && conf < 1.0
}

/// The first integer of `low..high` for which `reached` holds, else `high`; `reached` is monotone.
pub(super) fn first_where(low: u64, high: u64, reached: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// Where `beyond` turns from false to true between `low` and `high`.
fn root(low: f64, high: f64, beyond: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if beyond(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranks(n: u64, quantile: Quantile) -> (Option<u64>, Option<u64>) {
        let at = order_statistic_ranks(n, quantile, 0.95);
        (at.lower, at.upper)
    }

    #[test]
    fn the_published_ranks_of_p50_p95_and_p99_are_reproduced() {
        for (n, p50, p95, p99) in [
            (200, (86, 115), (184, 197), (195, None)),
            (600, (276, 325), (559, 581), (589, Some(599))),
            (1000, (469, 532), (936, 964), (983, Some(997))),
            (1800, (858, 943), (1691, 1729), (1773, Some(1791))),
            (3600, (1741, 1860), (3394, 3446), (3552, Some(3576))),
            (10000, (4902, 5099), (9457, 9543), (9880, Some(9920))),
        ] {
            assert_eq!(ranks(n, Quantile::P50), (Some(p50.0), Some(p50.1)));
            assert_eq!(ranks(n, Quantile::P95), (Some(p95.0), Some(p95.1)));
            assert_eq!(ranks(n, Quantile::P99), (Some(p99.0), p99.1));
        }
    }

    #[test]
    fn the_smallest_samples_with_a_limit_are_as_published() {
        for (p, for_upper, for_lower) in
            [("0.5", 6, 6), ("0.9", 36, 2), ("0.95", 72, 2), ("0.99", 368, 1), ("0.999", 3688, 1)]
        {
            let quantile: Quantile = p.parse().unwrap();
            assert_eq!((1..5000).find(|n| ranks(*n, quantile).1.is_some()), Some(for_upper), "upper of {p}");
            assert_eq!((1..5000).find(|n| ranks(*n, quantile).0.is_some()), Some(for_lower), "lower of {p}");
        }
    }

    #[test]
    fn a_tail_that_equals_its_limit_counts_as_within_it() {
        let at = order_statistic_ranks(5, Quantile::P50, 1.0 - 2.0 / 32.0);
        assert_eq!((at.lower, at.upper), (Some(1), Some(5)));
    }

    #[test]
    fn no_samples_and_no_worth_bound_nothing() {
        for tau in [1.0, 2.0, f64::INFINITY, f64::NAN] {
            let at = ranks_with_tau(0, Quantile::P95, 0.95, tau);
            assert_eq!((at.lower, at.upper), (None, None));
        }
        for (conf, tau) in [(0.95, f64::NAN), (f64::NAN, 1.0), (1.0, 1.0), (0.0, 3.0), (f64::NAN, 3.0)] {
            assert_eq!(ranks_with_tau(500, Quantile::P95, conf, tau), UNBOUNDED);
        }
    }

    proptest! {
        #[test]
        fn the_limits_enclose_the_rank_and_widen_with_tau(n in 1..5000_u64, p in 1..1000_u32, tau in 1.0..30.0_f64) {
            let quantile: Quantile = (f64::from(p) / 1000.0).to_string().parse().unwrap();
            let rank = quantile.rank(n).unwrap();
            let (narrow, wide) = (order_statistic_ranks(n, quantile, 0.95), ranks_with_tau(n, quantile, 0.95, tau));
            prop_assert!(narrow.coverage >= 0.95 - 1e-9);
            prop_assert!(narrow.lower.is_none_or(|l| 1 <= l && l <= rank));
            prop_assert!(narrow.upper.is_none_or(|u| rank <= u && u <= n));
            if wide.is_two_sided() && n as f64 / tau > 5.0 {
                prop_assert!(wide.lower.is_some_and(|w| narrow.lower.is_some_and(|l| w <= l)), "{narrow:?} {wide:?}");
                prop_assert!(wide.upper.is_some_and(|w| narrow.upper.is_some_and(|u| w >= u)), "{narrow:?} {wide:?}");
            }
        }
    }
}
