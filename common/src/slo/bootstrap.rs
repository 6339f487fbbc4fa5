//! A second opinion on the ratio of a quantile: the circular block bootstrap (Politis and Romano 1992).
//!
//! Evidence beside a verdict, never a verdict. Whole blocks are drawn, so that samples that hang together stay
//! together; the series is taken as a ring, so that every sample is drawn equally often. The seed is an argument and a
//! part of the result: the same seed gives the same figures on every machine.

use serde::{Deserialize, Serialize};

use super::autocorr::NEVER_US;
use super::quantile::Quantile;

/// The fewest resamples that a percentile interval is made of.
pub const MIN_RESAMPLES: u32 = 2_000;

/// Blocks are no shorter than this.
const LEAST_BLOCK: f64 = 10.0;

/// The ratio of a quantile by resampling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BootstrapRatio {
    /// The lower percentile of the resampled ratios; `None` where it is not finite.
    pub lower: Option<f64>,
    /// The upper percentile, like `lower`.
    pub upper: Option<f64>,
    /// The two-sided confidence.
    pub conf: f64,
    /// How many ratios were drawn.
    pub resamples: u32,
    /// The length of a block before.
    pub block_before: u64,
    /// The length of a block after.
    pub block_after: u64,
    /// What the draws began with.
    pub seed: u64,
}

/// The latencies of one side in send order, and their autocorrelation time.
#[derive(Debug, Clone, Copy)]
pub struct Series<'a> {
    /// In send order, in any unit; [`NEVER_US`] for a request that never answered.
    pub samples: &'a [u64],
    /// At least 1.
    pub tau: f64,
}

impl Series<'_> {
    /// The length of a block: three autocorrelation times, at least ten and at most the whole series.
    fn block(&self) -> usize {
        ((LEAST_BLOCK.max(3.0 * self.tau)).ceil() as usize).min(self.samples.len())
    }
}

/// The percentile interval of `after / before` of a quantile, from at least [`MIN_RESAMPLES`] resamples.
///
/// `None` for an empty series and a `conf` outside `0..1`. Takes `resamples` times both lengths.
#[must_use]
pub fn bootstrap_ratio(
    before: Series<'_>,
    after: Series<'_>,
    quantile: Quantile,
    conf: f64,
    resamples: u32,
    seed: u64,
) -> Option<BootstrapRatio> {
    let resamples = resamples.max(MIN_RESAMPLES);
    if !(conf > 0.0 && conf < 1.0) {
        return None;
    }
    let mut draws = Draws(seed);
    let mut scratch = Vec::new();
    let mut ratios = Vec::new();
    for _ in 0..resamples {
        let new = resampled_quantile(after, quantile, &mut draws, &mut scratch)?;
        let old = resampled_quantile(before, quantile, &mut draws, &mut scratch)?;
        ratios.push(new / old);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - conf) / 2.0;
    let beyond = ((tail * f64::from(resamples)).floor() as usize).min(ratios.len() / 2);
    let at = |index: usize| ratios.get(index).copied().filter(|ratio| ratio.is_finite());
    Some(BootstrapRatio {
        lower: at(beyond),
        upper: at(ratios.len() - 1 - beyond),
        conf,
        resamples,
        block_before: before.block() as u64,
        block_after: after.block() as u64,
        seed,
    })
}

/// The quantile of one resample of the same length; `None` for an empty series.
fn resampled_quantile(
    series: Series<'_>,
    quantile: Quantile,
    draws: &mut Draws,
    scratch: &mut Vec<u64>,
) -> Option<f64> {
    let (n, block) = (series.samples.len(), series.block());
    let rank = usize::try_from(quantile.rank(n as u64)?).ok()?;
    scratch.clear();
    while scratch.len() < n {
        let take = block.min(n - scratch.len());
        let start = draws.below(n as u64) as usize;
        let head = take.min(n - start);
        scratch.extend_from_slice(&series.samples[start..start + head]);
        scratch.extend_from_slice(&series.samples[..take - head]);
    }
    let value = *scratch.select_nth_unstable(rank.checked_sub(1)?).1;
    Some(if value == NEVER_US { f64::INFINITY } else { value as f64 })
}

/// A splitmix64 stream (Steele, Lea, Flood 2014).
struct Draws(u64);

impl Draws {
    /// A number below `bound`, evenly up to one part in `2^64 / bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::{QuantileSample, quantile_ratio};

    fn latencies(seed: u64, n: usize) -> Vec<u64> {
        let mut draws = Draws(seed);
        (0..n).map(|_| 20_000 + draws.below(80_000)).collect()
    }

    fn of(before: &[u64], after: &[u64], seed: u64) -> Option<BootstrapRatio> {
        let series = |samples| Series { samples, tau: 1.0 };
        bootstrap_ratio(series(before), series(after), Quantile::P95, 0.95, 0, seed)
    }

    #[test]
    fn the_same_seed_gives_the_same_limits_and_another_seed_others() {
        let (before, after) = (latencies(1, 600), latencies(2, 600));
        let at = of(&before, &after, 7).unwrap();
        assert_eq!(Some(at), of(&before, &after, 7));
        assert_ne!(Some(at), of(&before, &after, 8));
        assert_eq!((at.resamples, at.seed, at.block_before), (MIN_RESAMPLES, 7, 10));
    }

    #[test]
    fn resampling_agrees_with_the_order_statistics_on_independent_latencies() {
        let (before, after) = (latencies(1, 1_800), latencies(2, 1_800));
        let after: Vec<u64> = after.iter().map(|us| us * 3 / 2).collect();
        let by_blocks = of(&before, &after, 7).unwrap();
        let [old, new] = [&before, &after].map(|samples| QuantileSample::with_tau(samples, Quantile::P95, 1.0));
        let by_ranks = quantile_ratio(&old, &new, 0.95, None);
        for (one, other) in [(by_blocks.lower, by_ranks.lower), (by_blocks.upper, by_ranks.upper)] {
            assert!((one.unwrap() / other.unwrap() - 1.0).abs() < 0.01, "{by_blocks:?} {by_ranks:?}");
        }
    }

    #[test]
    fn longer_memory_takes_longer_blocks_and_gives_wider_limits() {
        let slow_minutes: Vec<u64> = (0..1_800).map(|i| if i / 60 % 10 == 0 { 200_000 } else { 40_000 + i }).collect();
        let width = |tau: f64| {
            let series = Series { samples: &slow_minutes, tau };
            let at = bootstrap_ratio(series, series, Quantile::P50, 0.95, 0, 3).unwrap();
            at.upper.unwrap() / at.lower.unwrap()
        };
        assert!(width(60.0) > width(1.0));
        let short = Series { samples: &[1, 2, 3], tau: 50.0 };
        assert_eq!(short.block(), 3);
    }

    #[test]
    fn nothing_is_drawn_from_nothing_and_never_is_never() {
        let fine = latencies(1, 50);
        assert_eq!(of(&[], &fine, 1), None);
        assert_eq!(of(&fine, &[], 1), None);
        let never = of(&fine, &[NEVER_US; 50], 1).unwrap();
        assert_eq!((never.lower, never.upper), (None, None));
        let series = Series { samples: &fine, tau: 1.0 };
        assert_eq!(bootstrap_ratio(series, series, Quantile::P95, f64::NAN, 0, 1), None);
    }
}
