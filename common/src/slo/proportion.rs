//! Intervals and tail probabilities of a share: `k` events among `n`.
//!
//! `k` and `n` may be fractions, because a correlated sample is divided by its autocorrelation time. `conf` is
//! two-sided: each tail holds `(1 - conf) / 2`. Arguments outside `0 <= k <= n`, `0 < conf < 1` and `n = 0` give the
//! interval that says nothing.

use statrs::function::erf::erfc_inv;

use super::beta::{self, Tail};
use super::interval::Interval;

/// The normal quantile `z` with `P(|Z| <= z) = conf`, 1.96 for 0.95.
#[must_use]
pub fn normal_quantile_two_sided(conf: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(1.0 - conf)
}

/// The Wilson score interval (Wilson 1927).
///
/// The lower end is computed from the product of both roots, so that it does not cancel at one event in 1e12.
#[must_use]
pub fn wilson(k: f64, n: f64, conf: f64) -> Interval {
    if !is_proportion(k, n, conf) {
        return Interval::VACUOUS;
    }
    let z = normal_quantile_two_sided(conf);
    let z2 = z * z;
    if k == 0.0 {
        return Interval { lower: 0.0, upper: z2 / (n + z2) };
    }
    if k == n {
        return Interval { lower: n / (n + z2), upper: 1.0 };
    }
    let spread = z * (z2 + 4.0 * k * ((n - k) / n)).sqrt();
    let upper = ((2.0 * k + z2 + spread) / (2.0 * (n + z2))).min(1.0);
    Interval { lower: k / n * k / ((n + z2) * upper), upper }
}

/// The Wilson interval with continuity correction (Newcombe 1998). Reported on request, never decided on.
#[must_use]
pub fn wilson_cc(k: f64, n: f64, conf: f64) -> Interval {
    if !is_proportion(k, n, conf) {
        return Interval::VACUOUS;
    }
    let z = normal_quantile_two_sided(conf);
    let z2 = z * z;
    let share = k / n;
    let misses = n - k;
    let spread = |inner: f64| z * inner.max(0.0).sqrt();
    let down = spread(z2 - 2.0 - n.recip() + 4.0 * share * (misses + 1.0));
    let up = spread(z2 + 2.0 - n.recip() + 4.0 * share * (misses - 1.0));
    let lower = if k == 0.0 { 0.0 } else { ((2.0 * k + z2 - 1.0 - down) / (2.0 * (n + z2))).max(0.0) };
    let upper = if k == n { 1.0 } else { ((2.0 * k + z2 + 1.0 + up) / (2.0 * (n + z2))).min(1.0) };
    Interval { lower, upper }
}

/// The exact interval (Clopper and Pearson 1934), by quantiles of the beta distribution.
#[must_use]
pub fn clopper_pearson(k: f64, n: f64, conf: f64) -> Interval {
    if !is_proportion(k, n, conf) {
        return Interval::VACUOUS;
    }
    let tail = (1.0 - conf) / 2.0;
    let lower = if k == 0.0 { 0.0 } else { beta::quantile(k, n - k + 1.0, Tail::Lower(tail)) };
    let upper = if k == n { 1.0 } else { beta::quantile(k + 1.0, n - k, Tail::Upper(tail)) };
    Interval { lower, upper }
}

/// The hull of the Wilson and the exact interval: what error rates are decided on.
///
/// Wilson alone declares a service at its limit broken in up to 15.7 % of cases; the hull in at most 2.5 %.
#[must_use]
pub fn hull(k: f64, n: f64, conf: f64) -> Interval {
    wilson(k, n, conf).hull(clopper_pearson(k, n, conf))
}

/// `P(Bin(n, p) >= k)`, for `p` in `0..=1`.
#[must_use]
pub fn binomial_tail_at_least(k: u64, n: u64, p: f64) -> f64 {
    at_least(k as f64, n as f64, p)
}

/// `P(Bin(n, p) <= k)`, for `p` in `0..=1`.
#[must_use]
pub fn binomial_tail_at_most(k: u64, n: u64, p: f64) -> f64 {
    at_most(k as f64, n as f64, p)
}

/// [`binomial_tail_at_least`] continued to fractional counts by the incomplete beta function.
pub(super) fn at_least(k: f64, n: f64, p: f64) -> f64 {
    if k <= 0.0 {
        1.0
    } else if k > n {
        0.0
    } else {
        beta::tails(k, n - k + 1.0, p).lower
    }
}

/// [`binomial_tail_at_most`] continued to fractional counts by the incomplete beta function.
pub(super) fn at_most(k: f64, n: f64, p: f64) -> f64 {
    if k >= n {
        1.0
    } else if k < 0.0 {
        0.0
    } else {
        beta::tails(k + 1.0, n - k, p).upper
    }
}

fn is_proportion(k: f64, n: f64, conf: f64) -> bool {
    n > 0.0 && n.is_finite() && k >= 0.0 && k <= n && conf > 0.0 && conf < 1.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_normal_quantile_of_95_percent_is_1_96() {
        assert!((normal_quantile_two_sided(0.95) - 1.959_963_984_540_054).abs() < 1e-14);
    }

    #[test]
    fn the_smallest_error_free_sample_below_a_limit_is_as_published() {
        let first_below = |limit: f64, upper: fn(f64, f64, f64) -> Interval| {
            (1..6000_u32).find(|n| upper(0.0, f64::from(*n), 0.95).upper < limit)
        };
        for (limit, by_wilson, by_exact, by_wilson_cc) in
            [(0.01, 381, 368, 476), (0.005, 765, 736, 954), (0.001, 3838, 3688, 4786)]
        {
            assert_eq!(first_below(limit, wilson), Some(by_wilson));
            assert_eq!(first_below(limit, clopper_pearson), Some(by_exact));
            assert_eq!(first_below(limit, wilson_cc), Some(by_wilson_cc));
        }
    }

    #[test]
    fn the_lower_wilson_end_survives_one_event_in_a_trillion() {
        let at = wilson(1.0, 1e12, 0.95);
        assert!((at.lower / 1.765_245_549_351_747_3e-13 - 1.0).abs() < 1e-12, "{:e}", at.lower);
    }

    #[test]
    fn impossible_counts_give_the_interval_that_says_nothing() {
        for (k, n) in [(0.0, 0.0), (2.0, 1.0), (-1.0, 5.0), (f64::NAN, 5.0), (1.0, f64::INFINITY)] {
            assert_eq!(hull(k, n, 0.95), Interval::VACUOUS);
        }
    }

    proptest! {
        #[test]
        fn every_interval_contains_the_observed_share(n in 1..5000_u32, part in 0.0..=1.0_f64, conf in 0.5..0.9999_f64) {
            let k = (f64::from(n) * part).round();
            let n = f64::from(n);
            for of in [wilson, wilson_cc, clopper_pearson, hull] {
                let at = of(k, n, conf);
                prop_assert!((0.0..=1.0).contains(&at.lower) && (0.0..=1.0).contains(&at.upper));
                prop_assert!(at.lower <= k / n + 1e-12 && k / n <= at.upper + 1e-12, "{at:?}");
            }
        }

        #[test]
        fn the_hull_holds_both_intervals_for_fractional_counts(n in 0.5..2000.0_f64, part in 0.0..=1.0_f64) {
            let (outer, w, cp) = (hull(n * part, n, 0.95), wilson(n * part, n, 0.95), clopper_pearson(n * part, n, 0.95));
            prop_assert!(outer.lower <= w.lower && outer.lower <= cp.lower);
            prop_assert!(outer.upper >= w.upper && outer.upper >= cp.upper);
        }

        #[test]
        fn one_more_event_never_moves_an_interval_down(n in 2..3000_u32, part in 0.0..1.0_f64) {
            let k = (f64::from(n - 1) * part).floor();
            let n = f64::from(n);
            for of in [wilson, wilson_cc, clopper_pearson, hull] {
                let (few, more) = (of(k, n, 0.95), of(k + 1.0, n, 0.95));
                prop_assert!(few.lower <= more.lower && few.upper <= more.upper);
            }
        }

        #[test]
        fn the_two_tails_of_a_binomial_make_one(n in 1..100_000_u64, part in 0.0..1.0_f64, p in 0.0001..0.9999_f64) {
            let k = 1 + (part * n as f64) as u64;
            let sum = binomial_tail_at_least(k, n, p) + binomial_tail_at_most(k - 1, n, p);
            prop_assert!((sum - 1.0).abs() < 1e-10, "{sum}");
        }
    }
}
