//! Is one sample shifted against another? Evidence beside a verdict, never a verdict: it takes samples as independent.
//!
//! Mann and Whitney 1947 (U, with midranks for ties), Vargha and Delaney 2000 (A12), Hodges and Lehmann 1963 (shift).

use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;

/// The largest product of both sizes for which the exact distribution of U is enumerated.
const MAX_EXACT: usize = 400;

/// In which direction a shift is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShiftP {
    /// For a shift either way.
    pub two_sided: f64,
    /// For `after` tending to be greater.
    pub greater: f64,
    /// For `after` tending to be less.
    pub less: f64,
}

/// How one sample lies against another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MannWhitney {
    /// Pairs in which `after` is greater, ties counted half; a multiple of one half.
    pub u_after: f64,
    /// Pairs in which `before` is greater, ties counted half; both together are all pairs.
    pub u_before: f64,
    /// The share of pairs in which `after` is greater, ties counted half: 0.5 for no tendency.
    pub a12: f64,
    /// The median of all differences `after - before`, in the unit of the samples; `None` where infinities leave none.
    pub shift: Option<f64>,
    /// The p-values by the normal approximation with the corrections for ties and continuity; 1 where all values tie.
    pub asymptotic: ShiftP,
    /// The exact p-values, for samples without ties and with at most 400 pairs.
    pub exact: Option<ShiftP>,
}

/// Compares two samples in any order; `None` where one is empty or holds a value that is no number or minus infinity.
///
/// A latency that never came is written as infinity. Sorts both: `O(n log n)`, also for the shift.
#[must_use]
pub fn mann_whitney(after: &[f64], before: &[f64]) -> Option<MannWhitney> {
    let (after, before) = (ascending(after)?, ascending(before)?);
    let pairs = after.len() as f64 * before.len() as f64;
    // Sums of halves below 2^53: exact.
    let u_after: f64 = after.iter().map(|x| below(&before, *x)).sum();
    let u_before = pairs - u_after;
    let ties = tie_groups(&after, &before);
    Some(MannWhitney {
        u_after,
        u_before,
        a12: u_after / pairs,
        shift: median_difference(&after, &before),
        asymptotic: asymptotic(u_after, after.len() as f64, before.len() as f64, &ties),
        exact: (ties.is_empty() && after.len().saturating_mul(before.len()) <= MAX_EXACT)
            .then(|| exact(u_after as usize, after.len(), before.len())),
    })
}

fn ascending(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|value| value.is_nan() || *value == f64::NEG_INFINITY) || values.is_empty() {
        return None;
    }
    // Adding 0 turns -0 into 0, so that the total order is the usual one.
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

/// How many of an ascending sample lie below `x`, ties counted half.
fn below(sorted: &[f64], x: f64) -> f64 {
    let less = sorted.partition_point(|y| *y < x);
    let not_greater = sorted.partition_point(|y| *y <= x);
    (less + not_greater) as f64 / 2.0
}

/// The sizes of the groups of equal values, from two on.
fn tie_groups(after: &[f64], before: &[f64]) -> Vec<f64> {
    let mut all = [after, before].concat();
    all.sort_unstable_by(f64::total_cmp);
    all.chunk_by(|x, y| x == y).map(|group| group.len() as f64).filter(|size| *size > 1.0).collect()
}

/// `z = (U - mean - 1/2) / sd` with `sd² = n m / 12 (N + 1 - sum(t³ - t) / (N (N - 1)))`.
fn asymptotic(u_after: f64, n: f64, m: f64, ties: &[f64]) -> ShiftP {
    let (pairs, all) = (n * m, n + m);
    let tied: f64 = ties.iter().map(|t| t * t * t - t).sum();
    let variance = pairs / 12.0 * (all + 1.0 - tied / (all * (all - 1.0)));
    let upper_tail = |u: f64| {
        let above = u - pairs / 2.0 - 0.5;
        if variance > 0.0 { erfc(above / (2.0 * variance).sqrt()) / 2.0 } else { 1.0 }
    };
    let (greater, less) = (upper_tail(u_after), upper_tail(pairs - u_after));
    ShiftP { two_sided: (2.0 * greater.min(less)).min(1.0), greater, less }
}

/// The exact p-values: U is the sum of a random partition that fits into an `n` by `m` box.
fn exact(u_after: usize, n: usize, m: usize) -> ShiftP {
    let ways = partitions_in_box(n, m);
    let all: f64 = ways.iter().sum();
    let at_least = |u: usize| ways[u..].iter().sum::<f64>() / all;
    let (greater, less) = (at_least(u_after), at_least(n * m - u_after));
    ShiftP { two_sided: (2.0 * greater.min(less)).min(1.0), greater, less }
}

/// In how many of the orders of `n` and `m` distinct values U is 0, 1, ... `n m`.
///
/// The coefficients of the Gaussian binomial, the product of `(1 - q^(m+i)) / (1 - q^i)` for `i` up to the smaller
/// size. For at most 400 pairs every one is an integer below 2^53, so the sums are exact.
fn partitions_in_box(n: usize, m: usize) -> Vec<f64> {
    let (small, large) = (n.min(m), n.max(m));
    let mut ways = vec![0.0; n * m + 1];
    ways[0] = 1.0;
    for part in 1..=small {
        for sum in (large + part..ways.len()).rev() {
            ways[sum] -= ways[sum - large - part];
        }
        for sum in part..ways.len() {
            ways[sum] += ways[sum - part];
        }
    }
    ways
}

/// The median of all differences, the mean of the two in the middle where their number is even.
fn median_difference(after: &[f64], before: &[f64]) -> Option<f64> {
    let pairs = after.len() as u64 * before.len() as u64;
    let low = difference_at(after, before, (pairs - 1) / 2);
    let high = difference_at(after, before, pairs / 2);
    Some(f64::midpoint(low, high)).filter(|shift| shift.is_finite())
}

/// The difference `after - before` that `rank` (from 0) differences precede, found among all doubles by bisection.
///
/// Rounded differences are still monotone in both values, so that one pass over both samples counts those up to a
/// bound: nothing of size `n m` is ever written down.
fn difference_at(after: &[f64], before: &[f64], rank: u64) -> f64 {
    let up_to = |bound: f64| {
        let mut seen = 0;
        let counts = before.iter().map(|y| {
            seen += after[seen..].iter().take_while(|x| **x - y <= bound).count();
            seen as u64
        });
        counts.sum::<u64>()
    };
    let (mut low, mut high) = (order(f64::NEG_INFINITY), order(f64::INFINITY));
    while low < high {
        let middle = low + (high - low) / 2;
        if up_to(value(middle)) > rank {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    // Minus zero is the first of the two zeros.
    value(low) + 0.0
}

/// The place of a double among all doubles, by its bits.
fn order(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The double at a place.
fn value(order: u64) -> f64 {
    f64::from_bits(if order >> 63 == 1 { order & !(1 << 63) } else { !order })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_usual_small_table_is_reproduced() {
        // Of the 20 orders of three against three, one has U = 9.
        let at = mann_whitney(&[4.0, 5.0, 6.0], &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((at.u_after, at.u_before, at.a12, at.shift), (9.0, 0.0, 1.0, Some(3.0)));
        let exact = at.exact.unwrap();
        assert_eq!((exact.two_sided, exact.greater, exact.less), (0.1, 0.05, 1.0));
        assert_eq!(partitions_in_box(2, 2), [1.0, 1.0, 2.0, 1.0, 1.0]);
        assert_eq!(partitions_in_box(1, 4), partitions_in_box(4, 1));
    }

    #[test]
    fn equal_values_are_no_evidence() {
        let at = mann_whitney(&[5.0; 4], &[5.0; 3]).unwrap();
        assert_eq!((at.a12, at.shift, at.exact), (0.5, Some(0.0), None));
        assert_eq!((at.asymptotic.two_sided, at.asymptotic.greater, at.asymptotic.less), (1.0, 1.0, 1.0));
        assert_eq!(mann_whitney(&[0.0], &[-0.0]).unwrap().a12, 0.5);
    }

    #[test]
    fn empty_samples_and_values_that_are_no_number_compare_with_nothing() {
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[]), None);
        assert_eq!(mann_whitney(&[1.0, f64::NAN], &[1.0]), None);
        assert_eq!(mann_whitney(&[1.0], &[f64::NEG_INFINITY]), None);
    }

    #[test]
    fn a_latency_that_never_came_is_the_greatest() {
        let at = mann_whitney(&[f64::INFINITY; 3], &[1.0, 2.0]).unwrap();
        assert_eq!((at.a12, at.shift), (1.0, None));
        let at = mann_whitney(&[1.0, 2.0, f64::INFINITY], &[1.0]).unwrap();
        assert_eq!(at.shift, Some(1.0));
        assert_eq!(mann_whitney(&[f64::INFINITY], &[f64::INFINITY]).unwrap().shift, None);
    }

    #[test]
    fn ten_thousand_latencies_a_side_need_no_hundred_million_differences() {
        let before: Vec<f64> = (0..10_000).map(f64::from).collect();
        let after: Vec<f64> = before.iter().map(|x| x + 250.5).collect();
        assert_eq!(mann_whitney(&after, &before).unwrap().shift, Some(250.5));
    }

    proptest! {
        #[test]
        fn the_shift_is_the_median_of_all_differences_and_u_counts_pairs(
            after in prop::collection::vec(-50.0..50.0_f64, 1..30),
            before in prop::collection::vec((-50..50_i32).prop_map(f64::from), 1..30),
        ) {
            let at = mann_whitney(&after, &before).unwrap();
            let mut all: Vec<f64> = after.iter().flat_map(|x| before.iter().map(move |y| x - y)).collect();
            all.sort_unstable_by(f64::total_cmp);
            prop_assert_eq!(at.shift, Some(f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])));
            let wins = |d: &f64| if *d > 0.0 { 1.0 } else if *d == 0.0 { 0.5 } else { 0.0 };
            prop_assert_eq!(at.u_after, all.iter().map(wins).sum::<f64>());
            let back = mann_whitney(&before, &after).unwrap();
            prop_assert_eq!(at.asymptotic.greater, back.asymptotic.less);
            prop_assert_eq!(at.u_before, back.u_after);
        }

        #[test]
        fn the_exact_distribution_holds_every_order_once(n in 1..20_usize, m in 1..20_usize) {
            let ways = partitions_in_box(n, m);
            let orders = (1..=n).fold(1.0, |product, i| product * (m + i) as f64 / i as f64);
            prop_assert!((ways.iter().sum::<f64>() / orders - 1.0).abs() < 1e-12);
            prop_assert!(ways.iter().eq(ways.iter().rev()));
        }
    }
}
