//! A circuit breaker before each other party: closed → open → half-open → closed.

mod moves;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::service::{AppConfig, Defect};
use common::telemetry::BreakerState;

use super::party::Party;

pub(crate) use moves::{restore, tell};
pub(crate) use view::list;

/// Failures in a row that open a breaker.
const THRESHOLD: u32 = 5;
/// How long an open breaker lets nothing through, unless the option `breaker_open_ms` says otherwise.
const OPEN_FOR: Duration = Duration::from_secs(5);

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: BreakerState,
    pub(crate) to: BreakerState,
}

/// Leave to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The number of the trial, for the one call that finds out whether the party works again.
    pub(crate) trial: Option<u64>,
    pub(crate) change: Option<Move>,
}

/// The breakers of this process. What they were at its end is restored at the next start.
#[derive(Debug, Clone)]
pub(crate) struct Breakers {
    all: Arc<Mutex<BTreeMap<Party, Breaker>>>,
    open_for: Duration,
    never_opens: bool,
}

#[derive(Debug, Clone, Copy)]
struct Breaker {
    state: BreakerState,
    failures_in_row: u32,
    /// When it opened, or when its trial call left.
    since: Option<Instant>,
    trials: u64,
}

impl Breakers {
    pub(crate) fn of(config: &AppConfig) -> Self {
        let asked = config.options.get("breaker_open_ms").and_then(|text| text.parse().ok());
        let closed = Breaker { state: BreakerState::Closed, failures_in_row: 0, since: None, trials: 0 };
        Self {
            all: Arc::new(Mutex::new(Party::ALL.into_iter().map(|party| (party, closed)).collect())),
            open_for: asked.map_or(OPEN_FOR, Duration::from_millis),
            never_opens: config.defects.contains(&Defect::A3BreakerNeverOpens),
        }
    }

    /// Asks to call a party: leave, or how long to wait.
    pub(crate) fn admit(&self, party: Party, now: Instant) -> Result<Admission, Duration> {
        self.with(party, |breaker| breaker.admit(self.open_for, now))
    }

    /// Takes note of how a call went: the change if this made one.
    pub(crate) fn record(&self, party: Party, ok: bool, trial: Option<u64>, now: Instant) -> Option<Move> {
        self.with(party, |breaker| breaker.record(ok, trial, now, self.never_opens))
    }

    /// Takes up the state of an earlier process; its pause begins anew.
    pub(crate) fn take_up(&self, party: Party, state: BreakerState, now: Instant) {
        self.with(party, |breaker| {
            breaker.state = state;
            breaker.since = (state != BreakerState::Closed).then_some(now);
        });
    }

    /// The worst state of all.
    pub(crate) fn worst(&self) -> BreakerState {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let any = |state| all.values().any(|breaker| breaker.state == state);
        if any(BreakerState::Open) {
            BreakerState::Open
        } else if any(BreakerState::HalfOpen) {
            BreakerState::HalfOpen
        } else {
            BreakerState::Closed
        }
    }

    fn with<T>(&self, party: Party, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.get_mut(&party).expect("every party has a breaker from the start"))
    }
}

impl Breaker {
    fn admit(&mut self, open_for: Duration, now: Instant) -> Result<Admission, Duration> {
        let passed = self.since.map_or(Duration::MAX, |since| now.saturating_duration_since(since));
        match self.state {
            BreakerState::Closed => Ok(Admission { trial: None, change: None }),
            // A trial call that does not come back is given up after the same time.
            BreakerState::Open | BreakerState::HalfOpen if passed >= open_for => {
                self.since = Some(now);
                self.trials += 1;
                Ok(Admission { trial: Some(self.trials), change: self.become_state(BreakerState::HalfOpen) })
            }
            BreakerState::Open | BreakerState::HalfOpen => Err(open_for - passed),
        }
    }

    /// Calls move a breaker that is closed, and its last trial moves one that is half-open. Whatever comes later, as from
    /// a call that left before it opened or from a trial that was given up, moves nothing.
    fn record(&mut self, ok: bool, trial: Option<u64>, now: Instant, never_opens: bool) -> Option<Move> {
        let is_trial = trial.is_some();
        let counts = match self.state {
            BreakerState::Closed => !is_trial,
            BreakerState::HalfOpen => trial == Some(self.trials),
            BreakerState::Open => false,
        };
        if !counts {
            return None;
        }
        if ok {
            self.failures_in_row = 0;
            self.since = None;
            return self.become_state(BreakerState::Closed);
        }
        self.failures_in_row = self.failures_in_row.saturating_add(1);
        let opens = is_trial || self.failures_in_row >= THRESHOLD;
        if !opens || never_opens {
            return None;
        }
        self.since = Some(now);
        self.become_state(BreakerState::Open)
    }

    fn become_state(&mut self, state: BreakerState) -> Option<Move> {
        let from = std::mem::replace(&mut self.state, state);
        (from != state).then_some(Move { from, to: state })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use BreakerState::{Closed, HalfOpen, Open};
    use common::clock;
    use common::ids::AppId;

    use super::*;

    fn breakers() -> Breakers {
        let mut config = AppConfig::embedded(AppId::A3, PathBuf::new());
        config.options.insert("breaker_open_ms".into(), "1000".into());
        Breakers::of(&config)
    }

    fn opened(start: Instant) -> Breakers {
        let breakers = breakers();
        for _ in 0..5 {
            breakers.record(Party::A7, false, None, start);
        }
        breakers
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let (breakers, now) = (breakers(), clock::monotonic());
        for ok in [false, false, false, false, true, false, false, false, false] {
            assert_eq!(breakers.record(Party::A7, ok, None, now), None);
        }
        assert_eq!(breakers.record(Party::A7, false, None, now), Some(Move { from: Closed, to: Open }));
        assert_eq!(breakers.worst(), Open);
        assert!(breakers.admit(Party::Email, now).is_ok(), "another party's breaker stays closed");
    }

    #[test]
    fn after_its_pause_it_lets_one_trial_through_which_closes_or_opens_it() {
        let start = clock::monotonic();
        let breakers = opened(start);
        assert_eq!(breakers.admit(Party::A7, start), Err(Duration::from_secs(1)));
        let later = start + Duration::from_secs(1);
        let trial = |number| Admission { trial: Some(number), change: Some(Move { from: Open, to: HalfOpen }) };
        assert_eq!(breakers.admit(Party::A7, later), Ok(trial(1)));
        assert!(breakers.admit(Party::A7, later).is_err(), "a second trial beside the first");
        assert_eq!(breakers.record(Party::A7, false, Some(1), later), Some(Move { from: HalfOpen, to: Open }));
        let latest = later + Duration::from_secs(1);
        assert_eq!(breakers.admit(Party::A7, latest), Ok(trial(2)));
        assert_eq!(breakers.record(Party::A7, true, Some(2), latest), Some(Move { from: HalfOpen, to: Closed }));
        assert_eq!(breakers.admit(Party::A7, latest), Ok(Admission { trial: None, change: None }));
    }

    #[test]
    fn a_call_that_left_before_it_opened_moves_nothing() {
        let start = clock::monotonic();
        let breakers = opened(start);
        assert_eq!(breakers.record(Party::A7, true, None, start), None);
        assert_eq!(breakers.record(Party::A7, false, None, start + Duration::from_millis(900)), None);
        assert!(breakers.admit(Party::A7, start + Duration::from_secs(1)).is_ok(), "its pause did not begin anew");
    }

    #[test]
    fn a_trial_that_was_given_up_moves_nothing_when_it_comes_back() {
        let start = clock::monotonic();
        let breakers = opened(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(breakers.admit(Party::A7, at(1)).is_ok());
        assert_eq!(breakers.admit(Party::A7, at(2)), Ok(Admission { trial: Some(2), change: None }));
        assert_eq!(breakers.record(Party::A7, true, Some(1), at(2)), None, "another is waited for");
        assert_eq!(breakers.record(Party::A7, false, Some(2), at(2)), Some(Move { from: HalfOpen, to: Open }));
        assert_eq!(breakers.record(Party::A7, true, Some(1), at(2)), None, "open breakers do not close");
    }

    #[test]
    fn an_open_breaker_that_is_taken_up_waits_before_its_trial() {
        let (breakers, now) = (breakers(), clock::monotonic());
        breakers.take_up(Party::A7, Open, now);
        assert_eq!(breakers.admit(Party::A7, now), Err(Duration::from_secs(1)));
    }
}
