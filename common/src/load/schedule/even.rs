//! Starts at a fixed rate.

use std::time::Duration;

use super::{Planned, Start, duration};

/// Starts that are spread evenly: number `i` at `i · every / per`, until `total` is over.
///
/// A lane of several takes every `lanes`-th one, so that all lanes together give the whole schedule.
#[derive(Debug, Clone)]
pub(crate) struct Even {
    next: u64,
    lane: u64,
    lanes: u64,
    every_ns: u128,
    per: u128,
    total_ns: u128,
}

impl Even {
    /// `rate` starts in each `time_unit`, lane `lane` of `lanes`.
    pub(crate) fn arrivals(rate: u32, time_unit: Duration, total: Duration, lane: u64, lanes: u64) -> Self {
        Self {
            next: lane,
            lane,
            lanes: lanes.max(1),
            every_ns: time_unit.as_nanos(),
            per: u128::from(rate.max(1)),
            total_ns: total.as_nanos(),
        }
    }

    /// The starts of user `vu` among `vus`: one in each `interval`, users spread evenly over it.
    pub(crate) fn paced(vu: u32, vus: u32, interval: Duration, total: Duration) -> Self {
        Self::arrivals(vus, interval, total, u64::from(vu), u64::from(vus))
    }

    /// The number of the first start, over all lanes, that is not before `until`.
    fn end(&self, until_ns: u128) -> u64 {
        if self.every_ns == 0 {
            return 0;
        }
        u64::try_from((self.total_ns.min(until_ns) * self.per).div_ceil(self.every_ns)).unwrap_or(u64::MAX)
    }
}

impl Planned for Even {
    fn before(&self, until: Duration) -> u64 {
        self.end(until.as_nanos()).saturating_sub(self.lane).div_ceil(self.lanes)
    }
}

impl Iterator for Even {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        if self.next >= self.end(u128::MAX) {
            return None;
        }
        let iteration = self.next;
        self.next += self.lanes;
        Some(Start { iteration, offset: duration(u128::from(iteration) * self.every_ns / self.per) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_hundred_a_second_start_every_two_milliseconds() {
        let starts: Vec<_> = Even::arrivals(500, Duration::from_secs(1), Duration::from_millis(5), 0, 1).collect();
        let offsets: Vec<_> = starts.iter().map(|start| start.offset.as_micros()).collect();
        assert_eq!(offsets, [0, 2_000, 4_000]);
    }

    #[test]
    fn paced_users_are_spread_over_the_interval() {
        let (interval, total) = (Duration::from_millis(100), Duration::from_millis(200));
        let of = |vu| Even::paced(vu, 4, interval, total).map(|start| start.offset.as_millis()).collect::<Vec<_>>();
        assert_eq!([of(0), of(1), of(2), of(3)], [[0, 100], [25, 125], [50, 150], [75, 175]]);
    }

    proptest! {
        #[test]
        fn a_schedule_is_monotone_and_has_rate_times_duration_starts(
            rate in 1_u32..2_000, unit_ms in 1_u64..5_000, total_ms in 0_u64..3_000, lanes in 1_u64..5, until_ms in 0_u64..4_000,
        ) {
            let (unit, total) = (Duration::from_millis(unit_ms), Duration::from_millis(total_ms));
            let all: Vec<_> = Even::arrivals(rate, unit, total, 0, 1).take(200_000).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].offset <= pair[1].offset));
            prop_assert!(all.iter().all(|start| start.offset < total));
            let planned = (u128::from(rate) * u128::from(total_ms)).div_ceil(u128::from(unit_ms));
            prop_assert_eq!(u128::from(Even::arrivals(rate, unit, total, 0, 1).before(total)), planned);
            if planned <= 200_000 {
                prop_assert_eq!(all.len() as u128, planned);
                let until = Duration::from_millis(until_ms);
                let each = (0..lanes).map(|lane| Even::arrivals(rate, unit, total, lane, lanes));
                let counted: u64 = each.clone().map(|lane| lane.before(until)).sum();
                prop_assert_eq!(counted as usize, all.iter().filter(|start| start.offset < until).count());
                let mut merged: Vec<_> = each.flatten().collect();
                merged.sort_by_key(|start| start.iteration);
                prop_assert_eq!(merged, all);
            }
        }
    }
}
