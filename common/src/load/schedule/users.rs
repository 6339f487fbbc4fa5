//! When each of a rising and falling number of users is there, and when it is meant to start.

use std::time::Duration;

use super::{Line, Planned, duration};

/// A time during which a user is there, from the start of the load; the end does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) begin: Duration,
    pub(crate) end: Duration,
}

/// When user `number` (from 0) is there: as long as the line, rounded half up, is above its number. So the number of users
/// is the line, rounded; those who came last go first. Ends are rounded to a nanosecond.
pub(crate) fn spans(lines: &[Line], number: u32) -> Vec<Span> {
    let mut spans: Vec<(i128, i128)> = Vec::new();
    for (begin, end) in lines.iter().filter_map(|line| part(line, number)) {
        match spans.last_mut() {
            Some(last) if last.1 == begin => last.1 = end,
            _ => spans.push((begin, end)),
        }
    }
    let at = |ns: i128| duration(u128::try_from(ns).unwrap_or(0));
    spans.into_iter().map(|(begin, end)| Span { begin: at(begin), end: at(end) }).collect()
}

/// The part of a line on which twice its value is at least `2·number + 1`.
fn part(line: &Line, number: u32) -> Option<(i128, i128)> {
    let level = 2 * i128::from(number) + 1;
    let (above, rise) = (2 * line.from - level, 2 * (line.to - line.from));
    let (begin, end) = if rise == 0 {
        (0, if above >= 0 { line.length_ns } else { 0 })
    } else if rise > 0 {
        ((-above * line.length_ns + rise - 1).div_euclid(rise), line.length_ns)
    } else {
        (0, (above * line.length_ns).div_euclid(-rise) + 1)
    };
    let (begin, end) = (begin.clamp(0, line.length_ns), end.clamp(0, line.length_ns));
    (begin < end).then_some((line.begin_ns + begin, line.begin_ns + end))
}

/// The points in time that a user is meant to start at while it is there: one in each interval.
///
/// Users are offset by the van der Corput sequence (their number with its bits turned round), so that however many there
/// are, those from 0 on are spread evenly: two halves, then quarters, and so on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    phase_ns: u128,
    interval_ns: u128,
}

impl Grid {
    pub(crate) fn of(number: u32, interval: Duration) -> Self {
        let interval_ns = interval.as_nanos().max(1);
        Self { phase_ns: (interval_ns * u128::from(number.reverse_bits())) >> 32, interval_ns }
    }

    /// How many points there are before `until`.
    fn before(self, until: Duration) -> u128 {
        until.as_nanos().saturating_sub(self.phase_ns).div_ceil(self.interval_ns)
    }

    /// The points within a span.
    pub(crate) fn within(self, span: Span) -> impl Iterator<Item = Duration> {
        (self.before(span.begin)..self.before(span.end)).map(move |n| duration(self.phase_ns + n * self.interval_ns))
    }
}

/// All that one paced user is meant to start.
#[derive(Debug, Clone)]
pub(crate) struct PacedUser {
    pub(crate) grid: Grid,
    pub(crate) spans: Vec<Span>,
}

impl Planned for PacedUser {
    fn before(&self, until: Duration) -> u64 {
        let count = |span: &Span| self.grid.before(span.end.min(until)).saturating_sub(self.grid.before(span.begin));
        u64::try_from(self.spans.iter().map(count).sum::<u128>()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::lines;
    use super::*;
    use crate::scenario::Stage;

    const SECOND: Duration = Duration::from_secs(1);

    fn stage(duration_ms: u64, target: u32) -> Stage {
        Stage { duration_ms, target }
    }

    fn ms(spans: &[Span]) -> Vec<(u128, u128)> {
        spans.iter().map(|span| (span.begin.as_millis(), span.end.as_millis())).collect()
    }

    #[test]
    fn users_come_and_go_at_the_middle_between_two_numbers() {
        let lines = lines(Duration::ZERO, 0, &[stage(1_000, 2), stage(1_000, 2), stage(1_000, 0)]);
        assert_eq!(ms(&spans(&lines, 0)), [(250, 2_750)]);
        assert_eq!(ms(&spans(&lines, 1)), [(750, 2_250)]);
        assert_eq!(spans(&lines, 2), []);
    }

    #[test]
    fn a_jump_takes_users_away_and_brings_them_back_at_once() {
        let lines = lines(SECOND, 3, &[stage(0, 1), stage(1_000, 1), stage(0, 3), stage(1_000, 3)]);
        assert_eq!(ms(&spans(&lines, 0)), [(0, 3_000)]);
        assert_eq!(ms(&spans(&lines, 2)), [(0, 1_000), (2_000, 3_000)]);
    }

    #[test]
    fn any_power_of_two_users_is_spread_evenly() {
        for users in [1_u32, 2, 4, 8, 16] {
            let mut phases: Vec<_> = (0..users).map(|number| Grid::of(number, SECOND).phase_ns).collect();
            phases.sort_unstable();
            let even: Vec<_> = (0..users).map(|at| u128::from(at) * 1_000_000_000 / u128::from(users)).collect();
            assert_eq!(phases, even);
        }
    }

    proptest! {
        #[test]
        fn the_number_of_users_is_the_line_rounded(
            start in 0_u32..30, stages in prop::collection::vec((0_u64..3_000, 0_u32..30), 1..5), at_ns in 0_u64..10_000_000_000,
        ) {
            let stages: Vec<_> = stages.into_iter().map(|(ms, target)| stage(ms, target)).collect();
            let lines = lines(Duration::ZERO, start, &stages);
            let at = Duration::from_nanos(at_ns);
            let there = |number: &u32| spans(&lines, *number).iter().any(|span| span.begin <= at && at < span.end);
            let users = (0..31).filter(there).count() as i128;
            let line = lines.iter().find(|line| line.begin_ns <= at_ns.into() && i128::from(at_ns) < line.begin_ns + line.length_ns);
            let rounded = line.map_or(0, |line| {
                let gone = i128::from(at_ns) - line.begin_ns;
                (2 * line.from * line.length_ns + 2 * (line.to - line.from) * gone + line.length_ns)
                    .div_euclid(2 * line.length_ns)
            });
            prop_assert_eq!(users, rounded);
        }

        #[test]
        fn a_user_starts_once_in_each_interval_while_it_is_there(
            number in 0_u32..200, interval_ms in 1_u64..2_000, begin_ms in 0_u64..5_000, length_ms in 1_u64..20_000,
            until_ms in 0_u64..25_000,
        ) {
            let grid = Grid::of(number, Duration::from_millis(interval_ms));
            let ms = Duration::from_millis;
            let span = Span { begin: ms(begin_ms), end: ms(begin_ms + length_ms) };
            let starts: Vec<_> = grid.within(span).collect();
            prop_assert!(starts.iter().all(|start| span.begin <= *start && *start < span.end));
            prop_assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == ms(interval_ms)));
            let floor = length_ms / interval_ms;
            prop_assert!((floor..=floor + 1).contains(&(starts.len() as u64)));
            let user = PacedUser { grid, spans: vec![span] };
            let counted = starts.iter().filter(|start| **start < ms(until_ms)).count();
            prop_assert_eq!(user.before(ms(until_ms)), counted as u64);
        }
    }
}
