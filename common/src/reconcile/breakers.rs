//! A circuit breaker's moves from two sources: what the app lists, and what it reported to the command center.

use serde::{Deserialize, Serialize};

use super::SeenEvent;
use crate::clock;
use crate::ids::AppId;
use crate::telemetry::{BreakerState, EventName};

/// What two times of one source may be off by.
const ROUNDING_MS: i64 = 50;

/// One move of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerMove {
    /// What it was.
    pub from: BreakerState,
    /// What it became.
    pub to: BreakerState,
    /// When, in milliseconds since the Unix epoch by the app's clock.
    pub at_ms: i64,
}

/// What is allowed between the two sources and within the moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRules {
    /// The times of a move may differ by this much, in milliseconds.
    pub tolerance_ms: i64,
    /// How long an open breaker lets nothing through, in milliseconds.
    pub open_for_ms: i64,
    /// The app lists so many of the last moves at most.
    pub kept: usize,
}

/// How the two sources compare for one breaker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerComparison {
    /// Moves that the app lists.
    pub listed: u64,
    /// Moves that the command center knows, of the time that the list reaches back.
    pub reported: u64,
    /// Known to both, in the same order and at the same time.
    pub matched: u64,
    /// Listed and not reported.
    pub unreported: u64,
    /// Reported and not listed.
    pub unlisted: u64,
    /// Moves that no breaker makes, or that do not begin where the last one ended.
    pub illegal: u64,
    /// Trials before the breaker was open long enough.
    pub early_trials: u64,
    /// The largest difference between the times of one move, in milliseconds.
    pub drift_ms: i64,
    /// How long each way from closed over open back to closed took, in milliseconds.
    pub recoveries_ms: Vec<i64>,
    /// What differs, in words; the first ten.
    pub examples: Vec<String>,
}

impl BreakerComparison {
    /// True if both sources tell the same legal story and there is something to tell.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.matched > 0 && self.unreported + self.unlisted + self.illegal + self.early_trials == 0
    }

    fn note(&mut self, what: String) {
        if self.examples.len() < 10 {
            self.examples.push(what);
        }
    }
}

/// The moves of one app's breaker before `party` that were reported, in order: its events name the route
/// `/breakers/{party}`.
#[must_use]
pub fn reported_moves(app: AppId, party: &str, seen: &[SeenEvent]) -> Vec<(i64, BreakerState)> {
    let route = format!("/breakers/{party}");
    let own = |seen: &&SeenEvent| {
        let event = &seen.event;
        event.event == EventName::BreakerTransition && event.app_id == app && event.route == route
    };
    let read = |seen: &SeenEvent| {
        let at_ms = clock::parse_rfc3339(&seen.event.timestamp).ok()?;
        Some((at_ms, seen.seq, seen.event.circuit_breaker_state?))
    };
    let mut moves: Vec<_> = seen.iter().filter(own).filter_map(read).collect();
    moves.sort_by_key(|(at_ms, seq, _)| (*at_ms, *seq));
    moves.dedup_by_key(|(_, seq, _)| *seq);
    moves.into_iter().map(|(at_ms, _, state)| (at_ms, state)).collect()
}

/// Compares what the app lists with what was reported; both in the order of time.
#[must_use]
pub fn compare_breaker(
    listed: &[BreakerMove],
    reported: &[(i64, BreakerState)],
    rules: BreakerRules,
) -> BreakerComparison {
    let mut comparison = BreakerComparison { listed: listed.len() as u64, ..BreakerComparison::default() };
    let is_full = listed.len() >= rules.kept;
    let since = listed.first().filter(|_| is_full).map_or(i64::MIN, |first| first.at_ms - rules.tolerance_ms);
    let mut left: Vec<_> = reported.iter().copied().filter(|(at_ms, _)| *at_ms >= since).collect();
    // A full list may begin between two changes that are closer than the tolerance.
    let begins = listed.first().filter(|_| is_full).and_then(|one| left.iter().position(|told| fits(one, told, rules)));
    left.drain(..begins.unwrap_or(0));
    comparison.reported = left.len() as u64;
    for one in listed {
        let Some(at) = left.iter().position(|told| fits(one, told, rules)) else {
            comparison.unreported += 1;
            comparison.note(format!("{} is listed and was not reported", in_words(one)));
            continue;
        };
        // What was reported before it and fits nothing that is listed.
        for (at_ms, to) in left.drain(..=at).take(at) {
            comparison.unlisted += 1;
            comparison.note(format!("{to:?} at {} was reported and is not listed", clock::rfc3339(at_ms)));
        }
        comparison.matched += 1;
        comparison.drift_ms = comparison.drift_ms.max((reported_at(reported, one, rules) - one.at_ms).abs());
    }
    for (at_ms, to) in left {
        comparison.unlisted += 1;
        comparison.note(format!("{to:?} at {} was reported and is not listed", clock::rfc3339(at_ms)));
    }
    judge_moves(&mut comparison, listed, rules);
    comparison
}

/// True if what was reported may be this change.
fn fits(one: &BreakerMove, (at_ms, to): &(i64, BreakerState), rules: BreakerRules) -> bool {
    *to == one.to && (at_ms - one.at_ms).abs() <= rules.tolerance_ms
}

fn reported_at(reported: &[(i64, BreakerState)], one: &BreakerMove, rules: BreakerRules) -> i64 {
    let near = reported.iter().filter(|told| fits(one, told, rules));
    near.map(|(at_ms, _)| *at_ms).min_by_key(|at_ms| (at_ms - one.at_ms).abs()).unwrap_or(one.at_ms)
}

fn judge_moves(comparison: &mut BreakerComparison, listed: &[BreakerMove], rules: BreakerRules) {
    let mut opened_ms = None;
    for (index, one) in listed.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| listed.get(before));
        let follows = before.is_none_or(|before| before.to == one.from && before.at_ms <= one.at_ms);
        if !follows || !is_legal(one) {
            comparison.illegal += 1;
            comparison.note(format!("{} is no move of a breaker, or does not follow the last", in_words(one)));
        }
        let waited = before.filter(|before| before.to == BreakerState::Open).map(|before| one.at_ms - before.at_ms);
        if one.to == BreakerState::HalfOpen && waited.is_some_and(|ms| ms + ROUNDING_MS < rules.open_for_ms) {
            comparison.early_trials += 1;
            comparison.note(format!("{} is a trial before the breaker was open long enough", in_words(one)));
        }
        match (one.from, one.to) {
            (BreakerState::Closed, BreakerState::Open) => opened_ms = Some(one.at_ms),
            (_, BreakerState::Closed) => {
                comparison.recoveries_ms.extend(opened_ms.take().map(|opened: i64| one.at_ms - opened));
            }
            _ => {}
        }
    }
}

fn is_legal(one: &BreakerMove) -> bool {
    use BreakerState::{Closed, HalfOpen, Open};
    matches!((one.from, one.to), (Closed | HalfOpen, Open) | (Open, HalfOpen) | (HalfOpen, Closed))
}

fn in_words(one: &BreakerMove) -> String {
    format!("{:?} to {:?} at {}", one.from, one.to, clock::rfc3339(one.at_ms))
}

#[cfg(test)]
mod tests {
    use BreakerState::{Closed, HalfOpen, Open};
    use proptest::prelude::*;

    use super::*;

    const RULES: BreakerRules = BreakerRules { tolerance_ms: 50, open_for_ms: 1_000, kept: 20 };

    fn moved(from: BreakerState, to: BreakerState, at_ms: i64) -> BreakerMove {
        BreakerMove { from, to, at_ms }
    }

    /// Opens, fails a trial, and closes at the second.
    fn story() -> Vec<BreakerMove> {
        vec![
            moved(Closed, Open, 10_000),
            moved(Open, HalfOpen, 11_010),
            moved(HalfOpen, Open, 11_020),
            moved(Open, HalfOpen, 12_030),
            moved(HalfOpen, Closed, 12_040),
        ]
    }

    fn told(moves: &[BreakerMove]) -> Vec<(i64, BreakerState)> {
        moves.iter().map(|one| (one.at_ms + 3, one.to)).collect()
    }

    #[test]
    fn the_same_story_from_both_agrees_and_tells_how_long_recovery_took() {
        let comparison = compare_breaker(&story(), &told(&story()), RULES);
        assert!(comparison.agrees(), "{comparison:?}");
        assert_eq!((comparison.matched, comparison.drift_ms, comparison.recoveries_ms), (5, 3, vec![2_040]));
    }

    #[test]
    fn no_story_at_all_is_no_agreement() {
        assert!(!compare_breaker(&[], &[], RULES).agrees());
    }

    #[test]
    fn a_move_that_one_source_lacks_is_named() {
        let mut reported = told(&story());
        reported.remove(2);
        let silent = compare_breaker(&story(), &reported, RULES);
        assert_eq!((silent.unreported, silent.unlisted, silent.matched), (1, 0, 4));
        let mut listed = story();
        listed.truncate(3);
        assert_eq!(compare_breaker(&listed, &told(&story()), RULES).unlisted, 2);
    }

    #[test]
    fn a_report_at_another_time_is_another_move() {
        let late: Vec<_> = story().iter().map(|one| (one.at_ms + 500, one.to)).collect();
        let comparison = compare_breaker(&story(), &late, RULES);
        assert!(!comparison.agrees() && comparison.unreported > 0, "{comparison:?}");
    }

    #[test]
    fn moves_that_no_breaker_makes_are_found_though_both_tell_them() {
        let jumps = vec![moved(Closed, Open, 1_000), moved(Open, Closed, 1_500)];
        assert_eq!(compare_breaker(&jumps, &told(&jumps), RULES).illegal, 1);
        let eager = vec![moved(Closed, Open, 1_000), moved(Open, HalfOpen, 1_300)];
        assert_eq!(compare_breaker(&eager, &told(&eager), RULES).early_trials, 1);
        let gap = vec![moved(Closed, Open, 1_000), moved(HalfOpen, Closed, 3_000)];
        assert_eq!(compare_breaker(&gap, &told(&gap), RULES).illegal, 1);
    }

    #[test]
    fn what_was_reported_before_a_full_list_begins_is_left_out() {
        let rules = BreakerRules { kept: 3, ..RULES };
        let comparison = compare_breaker(&story()[2..], &told(&story()), rules);
        assert!(comparison.agrees(), "{comparison:?}");
        assert_eq!(comparison.reported, 3);
    }

    proptest! {
        #[test]
        fn every_listed_move_is_matched_or_unreported(drop in prop::collection::vec(any::<bool>(), 5)) {
            let reported: Vec<_> =
                told(&story()).into_iter().zip(&drop).filter(|(_, drop)| !**drop).map(|(one, _)| one).collect();
            let comparison = compare_breaker(&story(), &reported, RULES);
            prop_assert_eq!(comparison.matched + comparison.unreported, comparison.listed);
            prop_assert_eq!(comparison.matched + comparison.unlisted, comparison.reported);
            prop_assert_eq!(comparison.agrees(), drop.iter().all(|drop| !drop));
        }
    }
}
