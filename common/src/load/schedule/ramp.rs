//! Starts at a rate that rises and falls in straight lines.

use std::sync::Arc;
use std::time::Duration;

use crate::scenario::Stage;

use super::{Line, Planned, Start, duration, lines};

/// Start number `i` is where the area under the rate passes `i`, rounded down to a nanosecond; there are as many as the
/// whole area, rounded up. At a rate that stays the same this is [`super::Even`].
///
/// Areas are integers in units of `time_unit / 2`: under a line from `a` to `b` they are `2·a·t + (b − a)·t² / d` after
/// `t` and `(a + b)·d` at its end. With the limits that an executor is checked against nothing comes near 2¹²⁷.
#[derive(Debug, Clone)]
pub(crate) struct Ramp {
    next: u64,
    lane: u64,
    lanes: u64,
    unit: i128,
    lines: Arc<[Line]>,
    /// The line that the next start is on, and the area before it.
    at: usize,
    before: i128,
}

impl Ramp {
    /// The starts of `stages` after `hold` at the rate `start`, lane `lane` of `lanes`.
    pub(crate) fn new(
        hold: Duration,
        start: u32,
        stages: &[Stage],
        time_unit: Duration,
        (lane, lanes): (u64, u64),
    ) -> Self {
        let unit = i128::from(u64::try_from(time_unit.as_nanos()).unwrap_or(u64::MAX)).max(1) * 2;
        Self { next: lane, lane, lanes: lanes.max(1), unit, lines: lines(hold, start, stages).into(), at: 0, before: 0 }
    }

    /// The number of the first start, over all lanes, that is not before `until`: the area until then, rounded up.
    fn end(&self, until: Duration) -> u64 {
        let until = i128::try_from(until.as_nanos()).unwrap_or(i128::MAX);
        let area: i128 = self.lines.iter().map(|line| area_up(line, until - line.begin_ns)).sum();
        u64::try_from(div_ceil(area, self.unit)).unwrap_or(0)
    }
}

impl Planned for Ramp {
    fn before(&self, until: Duration) -> u64 {
        self.end(until).saturating_sub(self.lane).div_ceil(self.lanes)
    }
}

impl Iterator for Ramp {
    type Item = Start;

    fn next(&mut self) -> Option<Start> {
        let wanted = i128::from(self.next) * self.unit;
        let line = loop {
            let line = *self.lines.get(self.at)?;
            let area = (line.from + line.to) * line.length_ns;
            if wanted < self.before + area {
                break line;
            }
            self.before += area;
            self.at += 1;
        };
        let iteration = self.next;
        self.next += self.lanes;
        let offset_ns = line.begin_ns + latest(&line, wanted - self.before);
        Some(Start { iteration, offset: duration(u128::try_from(offset_ns).unwrap_or(0)) })
    }
}

/// The latest whole `t` at which the area under the line is not above `area`, found by halving: the area only grows.
fn latest(line: &Line, area: i128) -> i128 {
    let (mut low, mut high) = (0, line.length_ns);
    while high - low > 1 {
        let t = low + (high - low) / 2;
        if (line.to - line.from) * t * t <= (area - 2 * line.from * t) * line.length_ns {
            low = t;
        } else {
            high = t;
        }
    }
    low
}

/// The area under the line after `t`, rounded up; only the last line that is reached can have to be rounded.
fn area_up(line: &Line, t: i128) -> i128 {
    let t = t.clamp(0, line.length_ns);
    2 * line.from * t + div_ceil((line.to - line.from) * t * t, line.length_ns)
}

fn div_ceil(value: i128, by: i128) -> i128 {
    value.div_euclid(by) + i128::from(value.rem_euclid(by) > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Even;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn stage(duration_ms: u64, target: u32) -> Stage {
        Stage { duration_ms, target }
    }

    fn ramp(start: u32, stages: &[Stage]) -> Ramp {
        Ramp::new(Duration::ZERO, start, stages, SECOND, (0, 1))
    }

    fn offsets_ms(ramp: Ramp) -> Vec<u128> {
        ramp.map(|start| start.offset.as_millis()).collect()
    }

    #[test]
    fn a_rise_from_nothing_starts_where_the_area_passes_whole_numbers() {
        // The area after t seconds is t², so start i is at √i seconds.
        let starts: Vec<_> = ramp(0, &[stage(3_000, 6)]).collect();
        assert_eq!(starts.len(), 9);
        for (number, start) in (0_u32..).zip(&starts) {
            let exact = f64::from(number).sqrt();
            assert!((start.offset.as_secs_f64() - exact).abs() < 2e-9, "{number}: {start:?}");
        }
    }

    #[test]
    fn jumps_and_pauses_are_kept() {
        let stages = [stage(500, 4), stage(0, 0), stage(1_000, 0), stage(0, 2), stage(1_000, 2)];
        assert_eq!(offsets_ms(ramp(4, &stages)), [0, 250, 1_500, 2_000]);
    }

    #[test]
    fn a_rate_of_nothing_at_the_start_is_waited_for() {
        assert_eq!(offsets_ms(ramp(0, &[stage(1_000, 0), stage(0, 2), stage(1_000, 2)])), [1_000, 1_500]);
    }

    #[test]
    fn the_warm_up_runs_at_the_rate_of_the_start() {
        let held = Ramp::new(SECOND, 2, &[stage(1_000, 2)], SECOND, (0, 1));
        assert_eq!(offsets_ms(held), [0, 500, 1_000, 1_500]);
    }

    fn any_stages() -> impl Strategy<Value = Vec<Stage>> {
        prop::collection::vec((0_u64..2_000, 0_u32..400).prop_map(|(ms, target)| stage(ms, target)), 1..6)
    }

    proptest! {
        #[test]
        fn starts_are_monotone_as_many_as_the_area_and_shared_by_the_lanes(
            hold_ms in 0_u64..500, start in 0_u32..400, stages in any_stages(), unit_ms in 1_u64..3_000, lanes in 1_u64..5,
            until_ms in 0_u64..12_000,
        ) {
            prop_assume!(unit_ms > 20);
            let (hold, unit) = (Duration::from_millis(hold_ms), Duration::from_millis(unit_ms));
            let of = |lane, lanes| Ramp::new(hold, start, &stages, unit, (lane, lanes));
            let all: Vec<_> = of(0, 1).collect();
            let mut doubled = 2 * u64::from(start) * hold_ms;
            let mut rate = start;
            for stage in &stages {
                doubled += u64::from(rate + stage.target) * stage.duration_ms;
                rate = stage.target;
            }
            prop_assert_eq!(all.len() as u64, doubled.div_ceil(2 * unit_ms));
            prop_assert!(all.windows(2).all(|pair| pair[0].offset <= pair[1].offset));
            let until = Duration::from_millis(until_ms);
            let counted: u64 = (0..lanes).map(|lane| of(lane, lanes).before(until)).sum();
            prop_assert_eq!(counted as usize, all.iter().filter(|start| start.offset < until).count());
            let mut merged: Vec<_> = (0..lanes).flat_map(|lane| of(lane, lanes)).collect();
            merged.sort_by_key(|start| start.iteration);
            prop_assert_eq!(merged, all);
        }

        #[test]
        fn a_rate_that_stays_the_same_is_the_even_schedule(rate in 1_u32..2_000, total_ms in 1_u64..3_000, parts in 1_u64..4) {
            let stages: Vec<_> = (0..parts).map(|_| stage(total_ms, rate)).collect();
            let even = Even::arrivals(rate, SECOND, Duration::from_millis(total_ms * parts), 0, 1);
            prop_assert!(ramp(rate, &stages).eq(even));
        }

        #[test]
        fn the_longest_and_steepest_line_that_is_allowed_does_not_overflow(number in 0_u64..1_000_000_000, up: bool) {
            let month = 30 * 24 * 3_600 * 1_000;
            let (from, to) = if up { (0, 1_000_000) } else { (1_000_000, 0) };
            let unit = Duration::from_millis(1);
            let mut ramp = Ramp::new(Duration::ZERO, from, &[stage(month, to)], unit, (number, 1));
            let offset = ramp.next().unwrap().offset.as_secs_f64();
            let (days, most) = (30.0 * 86_400.0, 1e9);
            let line = if up { offset * offset / days } else { 2.0 * offset - offset * offset / days };
            let area = most * line / 2.0;
            prop_assert!((area - number as f64).abs() <= 1.0 + number as f64 * 1e-6, "{} for {}", area, number);
            prop_assert_eq!(ramp.before(Duration::MAX) + number, month * 1_000_000 / 2);
        }
    }
}
