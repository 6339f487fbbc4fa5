//! How long the command center waited for what it got.

use serde::{Deserialize, Serialize};

use crate::slo::{Claim, Judgement, Quantile, Terms, nearest_rank};

/// The delays between events and their arrival, in milliseconds of two clocks: below 0 where the command center's is
/// behind the app's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// Events that arrived.
    pub count: u64,
    /// Median by nearest rank; absent without events, or where that one's time cannot be read.
    pub p50_ms: Option<i64>,
    /// 95th percentile, likewise.
    pub p95_ms: Option<i64>,
    /// 99th percentile, likewise.
    pub p99_ms: Option<i64>,
    /// The slowest, likewise.
    pub max_ms: Option<i64>,
    /// Events later than that count as late.
    pub limit_ms: i64,
    /// Arrived after the limit, those whose time cannot be read among them.
    pub late: u64,
    /// "95 % arrive within the limit" on the late ones, with the interval of their share; absent without events.
    pub judged: Option<Judgement>,
}

impl Arrival {
    /// The distribution of some delays. A time that could not be read stands as `None`, and is later than any other.
    #[must_use]
    pub fn of(delays_ms: &[Option<i64>], limit_ms: i64) -> Self {
        let mut sorted: Vec<i64> = delays_ms.iter().map(|delay| delay.unwrap_or(i64::MAX)).collect();
        sorted.sort_unstable();
        let count = sorted.len() as u64;
        let late = sorted.iter().filter(|delay| **delay > limit_ms).count() as u64;
        let readable = |delay: i64| (delay != i64::MAX).then_some(delay);
        let at = |quantile| nearest_rank(&sorted, quantile).and_then(readable);
        Self {
            count,
            p50_ms: at(Quantile::P50),
            p95_ms: at(Quantile::P95),
            p99_ms: at(Quantile::P99),
            max_ms: sorted.last().copied().and_then(readable),
            limit_ms,
            late,
            judged: (count > 0)
                .then(|| Claim::QuantileWithin { quantile: Quantile::P95 }.judge(late, count, Terms::default())),
        }
    }

    /// `3 of 190 arrived after 60 s, so 0.3 % to 4.6 % of all do`; `None` without events.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let interval = self.judged?.interval;
        let (lower, upper) = (interval.lower * 100.0, interval.upper * 100.0);
        let (late, count, limit_s) = (self.late, self.count, self.limit_ms / 1_000);
        Some(format!("{late} of {count} arrived after {limit_s} s, so {lower:.1} % to {upper:.1} % of all do"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slo::Decision;

    #[test]
    fn the_distribution_is_that_of_nearest_ranks() {
        let delays: Vec<_> = (1..=200).map(Some).collect();
        let arrival = Arrival::of(&delays, 60_000);
        let shown = (arrival.p50_ms, arrival.p95_ms, arrival.p99_ms, arrival.max_ms);
        assert_eq!(shown, (Some(100), Some(190), Some(198), Some(200)));
        assert_eq!((arrival.count, arrival.late), (200, 0));
        assert_eq!(arrival.in_words().unwrap(), "0 of 200 arrived after 60 s, so 0.0 % to 1.8 % of all do");
    }

    #[test]
    fn the_limit_is_judged_as_a_share_with_an_interval() {
        let with = |late: usize| {
            let delays: Vec<_> = (0..200).map(|n| Some(if n < late { 60_001 } else { 60_000 })).collect();
            Arrival::of(&delays, 60_000).judged.unwrap()
        };
        assert_eq!(with(0).decision, Decision::Pass);
        assert_eq!(with(3).decision, Decision::Pass, "3 of 200 are shown to be fewer than 5 %");
        assert!(matches!(with(8).decision, Decision::Undecided(_)));
        assert_eq!(with(30).decision, Decision::Fail);
    }

    #[test]
    fn a_time_that_cannot_be_read_is_late_and_has_no_figure() {
        let arrival = Arrival::of(&[Some(5), None], 60_000);
        assert_eq!((arrival.count, arrival.late, arrival.p50_ms, arrival.max_ms), (2, 1, Some(5), None));
    }

    #[test]
    fn without_events_nothing_is_said() {
        let arrival = Arrival::of(&[], 60_000);
        assert_eq!((arrival.count, arrival.p50_ms, arrival.judged, arrival.in_words()), (0, None, None, None));
    }

    proptest! {
        #[test]
        fn figures_rise_with_their_rank_and_the_share_lies_in_its_interval(
            delays in prop::collection::vec(-1_000_i64..200_000, 1..300),
        ) {
            let arrival = Arrival::of(&delays.iter().copied().map(Some).collect::<Vec<_>>(), 60_000);
            prop_assert!(arrival.p50_ms <= arrival.p95_ms && arrival.p95_ms <= arrival.p99_ms);
            prop_assert!(arrival.p99_ms <= arrival.max_ms);
            prop_assert_eq!(arrival.max_ms, delays.iter().copied().max());
            let judged = arrival.judged.unwrap();
            let share = judged.point.unwrap();
            prop_assert!(judged.interval.lower <= share && share <= judged.interval.upper);
            prop_assert_eq!(judged.k, delays.iter().filter(|delay| **delay > 60_000).count() as u64);
        }
    }
}
