//! One breaker through one outage: it opens, tries in vain, and closes once its party answers.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::outage::millis;
use super::party::Party;
use crate::record::Cycle;

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opens,
    Tries,
    Closes,
    Over,
}

/// A breaker that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) party: Party,
    stage: Stage,
    /// When the stage began.
    since: Instant,
    /// When the outage began, by the wall clock.
    broke_ms: i64,
    cycle: Cycle,
}

/// What is to be done after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Look again.
    Look,
    /// The party is to answer again.
    Mend,
}

impl Watch {
    pub(super) fn new(party: Party, now: Instant, broke_ms: i64) -> Self {
        let cycle = Cycle { refused: 0, opened_after_ms: None, trial_failed: false, closed_after_ms: None };
        Self { party, stage: Stage::Opens, since: now, broke_ms, cycle }
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// What was seen.
    pub(super) fn cycle(&self, refused: u64) -> Cycle {
        Cycle { refused, ..self.cycle.clone() }
    }

    /// Takes a look at what A3 shows of the breaker; a stage that takes longer than `within` did not happen.
    pub(super) fn look(&mut self, breaker: Option<&Value>, now: Instant, within: Duration) -> Then {
        let passed = now.saturating_duration_since(self.since);
        let is = |state: &str| breaker.is_some_and(|breaker| breaker["state"] == state);
        let late = passed >= within;
        match self.stage {
            Stage::Opens if breaker.is_some() && !is("closed") => {
                self.cycle.opened_after_ms = Some(millis(passed));
                self.go(Stage::Tries, now)
            }
            Stage::Opens if late => self.go(Stage::Over, now),
            Stage::Tries if breaker.is_some_and(|breaker| failed_trial(breaker, self.broke_ms)) => {
                self.cycle.trial_failed = true;
                self.go(Stage::Closes, now)
            }
            Stage::Tries if late => self.go(Stage::Closes, now),
            Stage::Closes if is("closed") => {
                self.cycle.closed_after_ms = Some(millis(passed));
                self.go(Stage::Over, now)
            }
            Stage::Closes if late => self.go(Stage::Over, now),
            _ => Then::Look,
        }
    }

    /// Enters a stage; its party answers again from the end of the second one on.
    fn go(&mut self, to: Stage, now: Instant) -> Then {
        let mends = matches!((self.stage, to), (Stage::Opens, Stage::Over) | (Stage::Tries, Stage::Closes));
        (self.stage, self.since) = (to, now);
        if mends { Then::Mend } else { Then::Look }
    }
}

/// True if a trial was let through since then, and failed.
fn failed_trial(breaker: &Value, since_ms: i64) -> bool {
    let moves = breaker["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |one: &Value| {
        one["from"] == "half_open" && one["to"] == "open" && one["at_ms"].as_i64().is_some_and(|at| at >= since_ms)
    };
    moves.iter().any(is_it)
}

#[cfg(test)]
mod tests {
    use common::clock;
    use serde_json::json;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(2);

    /// Looks at states, one after so many milliseconds each; what is done then, and what was seen.
    fn watched(looks: &[(u64, Option<Value>)]) -> (Vec<Then>, Cycle, bool) {
        let start = clock::monotonic();
        let mut watch = Watch::new(Party::all().next().unwrap(), start, 1_000);
        let look = |(at_ms, shown): &(u64, Option<Value>)| {
            watch.look(shown.as_ref(), start + Duration::from_millis(*at_ms), WITHIN)
        };
        let then = looks.iter().map(look).collect();
        (then, watch.cycle(7), watch.is_over())
    }

    fn state(state: &str) -> Option<Value> {
        Some(json!({ "state": state, "transitions": [] }))
    }

    fn tried(at_ms: i64) -> Option<Value> {
        let moves = json!([{ "from": "half_open", "to": "open", "at_ms": at_ms }]);
        Some(json!({ "state": "open", "transitions": moves }))
    }

    #[test]
    fn a_breaker_that_opens_tries_and_closes_is_timed_in_each_stage() {
        let looks = [(20, state("closed")), (300, state("open")), (900, tried(1_800)), (1_500, state("closed"))];
        let (then, cycle, over) = watched(&looks);
        assert_eq!(then, [Then::Look, Then::Look, Then::Mend, Then::Look]);
        let wanted = Cycle { refused: 7, opened_after_ms: Some(300), trial_failed: true, closed_after_ms: Some(600) };
        assert!(over);
        assert_eq!(cycle, wanted);
    }

    #[test]
    fn one_that_never_opens_is_mended_and_over_when_its_time_is() {
        let (then, cycle, over) = watched(&[(20, state("closed")), (1_000, None), (2_000, state("closed"))]);
        assert_eq!(then, [Then::Look, Then::Look, Then::Mend]);
        assert!(over && cycle.opened_after_ms.is_none() && cycle.closed_after_ms.is_none());
    }

    #[test]
    fn a_trial_of_an_earlier_outage_is_none_of_this_one() {
        let (then, cycle, over) = watched(&[(300, state("open")), (900, tried(999)), (2_300, tried(999))]);
        assert_eq!(then, [Then::Look, Then::Look, Then::Mend]);
        assert!(!over && !cycle.trial_failed, "it may still close");
    }

    #[test]
    fn one_that_stays_open_has_no_recovery() {
        let looks = [(300, state("open")), (900, tried(1_800)), (2_000, state("open")), (2_900, state("half_open"))];
        let (_, cycle, over) = watched(&looks);
        assert!(over && cycle.closed_after_ms.is_none());
    }

    #[test]
    fn an_a3_that_shows_nothing_shows_no_change() {
        let (_, cycle, over) = watched(&[(20, None), (2_000, None)]);
        assert!(over && cycle.opened_after_ms.is_none());
    }
}
