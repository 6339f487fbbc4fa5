//! When requests arrived, as the server saw it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Counts and gaps of arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    pub(crate) requests: u64,
    /// Nearest-rank percentiles of the time between one arrival and the next.
    pub(crate) gap_p5_us: f64,
    pub(crate) gap_p50_us: f64,
    pub(crate) gap_p95_us: f64,
}

impl Arrivals {
    /// Of arrivals in order.
    pub(crate) fn of(arrived: &[Duration]) -> Self {
        let mut gaps: Vec<_> = arrived.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        gaps.sort_unstable();
        let at = |percent: usize| {
            let rank = (gaps.len() * percent).div_ceil(100).max(1);
            gaps.get(rank - 1).map_or(0.0, |gap| gap.as_secs_f64() * 1_000_000.0)
        };
        Self { requests: arrived.len() as u64, gap_p5_us: at(5), gap_p50_us: at(50), gap_p95_us: at(95) }
    }

    /// How far the outer percentiles are from the gap that the rate means, as the greater share of it.
    pub(crate) fn worst_gap(&self, rate: u32) -> f64 {
        let meant = 1_000_000.0 / f64::from(rate);
        ((self.gap_p5_us - meant).abs()).max((self.gap_p95_us - meant).abs()) / meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_those_between_neighbours() {
        let arrived: Vec<_> = [0, 2_000, 4_000, 6_100, 8_000].map(Duration::from_micros).into();
        let arrivals = Arrivals::of(&arrived);
        assert_eq!((arrivals.requests, arrivals.gap_p5_us, arrivals.gap_p95_us), (5, 1_900.0, 2_100.0));
        assert!((arrivals.worst_gap(500) - 0.05).abs() < 1e-9);
    }

    #[test]
    fn fewer_than_two_requests_have_no_gap() {
        assert_eq!(Arrivals::of(&[]).gap_p50_us, 0.0);
        assert_eq!(Arrivals::of(&[Duration::ZERO]).requests, 1);
    }
}
