//! Quantiles of an HDR histogram: buckets found by integer ranks, intervals that reach to the outer bucket edges.
//!
//! The histogram's own percentile functions are not used: `value_at_percentile(99.9)` of 1000 values returns the
//! 1000th instead of the 999th. Never average percentiles of several histograms; add the histograms.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::interval::RankInterval;
use super::quantile::Quantile;
use super::rank::ranks_with_tau;

/// The values a histogram cannot tell apart, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// The lowest value of the bucket.
    pub low: u64,
    /// The highest value of the bucket: what is reported.
    pub high: u64,
}

/// A quantile of a histogram with limits at the outer bucket edges, in the histogram's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BucketInterval {
    /// Which quantile.
    pub quantile: Quantile,
    /// Recorded values and those beyond the range together.
    pub n: u64,
    /// The rank of the point, from 1; `None` without values.
    pub rank: Option<u64>,
    /// The highest value of the bucket of that rank; `None` without values or beyond the range.
    pub value: Option<u64>,
    /// The lowest value of the lower limit's bucket; `None` where no limit exists or it lies beyond the range.
    pub lower: Option<u64>,
    /// The highest value of the upper limit's bucket; `None` where no limit exists or it lies beyond the range.
    pub upper: Option<u64>,
    /// The ranks of the limits and their coverage.
    pub ranks: RankInterval,
}

/// The bucket of the value at `rank` (from 1); `None` for rank 0 and ranks above the count.
#[must_use]
pub fn rank_bucket(histogram: &Histogram<u64>, rank: u64) -> Option<Bucket> {
    let mut seen = 0_u64;
    let step = histogram.iter_recorded().find(|step| {
        seen = seen.saturating_add(step.count_since_last_iteration());
        seen >= rank
    });
    let value = step.filter(|_| rank > 0)?.value_iterated_to();
    Some(Bucket { low: histogram.lowest_equivalent(value), high: histogram.highest_equivalent(value) })
}

/// The quantile of a histogram and of `overflow` values above its range, with limits widened by `tau`.
///
/// The limits are the outer edges of their buckets, so the true sample limits lie inside. `conf` is two-sided.
#[must_use]
pub fn bucket_interval(
    histogram: &Histogram<u64>,
    overflow: u64,
    quantile: Quantile,
    conf: f64,
    tau: f64,
) -> BucketInterval {
    let n = histogram.len().saturating_add(overflow);
    let (rank, ranks) = (quantile.rank(n), ranks_with_tau(n, quantile, conf, tau));
    let bucket = |rank: Option<u64>| rank.and_then(|rank| rank_bucket(histogram, rank));
    BucketInterval {
        quantile,
        n,
        rank,
        value: bucket(rank).map(|b| b.high),
        lower: bucket(ranks.lower).map(|b| b.low),
        upper: bucket(ranks.upper).map(|b| b.high),
        ranks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_999th_of_a_thousand_values_is_the_999th() {
        let mut histogram = Histogram::<u64>::new_with_max(60_000_000, 3).unwrap();
        for value in 1..=1000 {
            histogram.record(value).unwrap();
        }
        assert_eq!(bucket_interval(&histogram, 0, Quantile::P999, 0.95, 1.0).value, Some(999));
        assert_eq!(rank_bucket(&histogram, 0), None);
        assert_eq!(rank_bucket(&histogram, 1001), None);
    }

    #[test]
    fn values_beyond_the_range_push_the_upper_limit_out_of_sight() {
        let mut histogram = Histogram::<u64>::new_with_max(60_000_000, 3).unwrap();
        histogram.record_n(10, 190).unwrap();
        let at = bucket_interval(&histogram, 10, Quantile::P95, 0.95, 1.0);
        assert_eq!((at.n, at.rank, at.value), (200, Some(190), Some(10)));
        assert_eq!((at.ranks.upper, at.upper), (Some(197), None));
    }
}
