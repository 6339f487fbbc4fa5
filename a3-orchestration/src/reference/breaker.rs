//! A circuit breaker before each other party: closed → open → half-open → closed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::ids::AppId;
use common::service::{AppConfig, Json};
use common::telemetry::BreakerState;
use serde::Serialize;
use serde_json::json;

use super::Shared;

/// Failures in a row that open a breaker.
const THRESHOLD: u32 = 5;
/// How long an open breaker lets nothing through, unless the option `breaker_open_ms` says otherwise.
const OPEN_FOR: Duration = Duration::from_secs(5);

/// Somebody A3 calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Party {
    Email,
    S2sAuth,
    AutoComCenter,
    ScholarshipApi,
    A7,
}

impl Party {
    pub(crate) const ALL: [Self; 5] = [Self::Email, Self::S2sAuth, Self::AutoComCenter, Self::ScholarshipApi, Self::A7];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::S2sAuth => "s2s_auth",
            Self::AutoComCenter => "auto_com_center",
            Self::ScholarshipApi => "scholarship_api",
            Self::A7 => "a7",
        }
    }

    /// The app that is this party; e-mail is a party outside the eight.
    pub(crate) fn app(self) -> Option<AppId> {
        match self {
            Self::Email => None,
            Self::S2sAuth => Some(AppId::A1),
            Self::AutoComCenter => Some(AppId::A8),
            Self::ScholarshipApi => Some(AppId::A2),
            Self::A7 => Some(AppId::A7),
        }
    }
}

/// The breakers of this process. They begin closed at every start.
#[derive(Debug, Clone)]
pub(crate) struct Breakers {
    all: Arc<Mutex<BTreeMap<Party, Breaker>>>,
    open_for: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Breaker {
    state: BreakerState,
    failures_in_row: u32,
    transitions: u64,
    /// When it opened, or when its trial call left.
    since: Option<Instant>,
}

impl Breakers {
    pub(crate) fn of(config: &AppConfig) -> Self {
        let asked = config.options.get("breaker_open_ms").and_then(|text| text.parse().ok());
        let closed = Breaker { state: BreakerState::Closed, failures_in_row: 0, transitions: 0, since: None };
        let all = Party::ALL.into_iter().map(|party| (party, closed)).collect();
        Self { all: Arc::new(Mutex::new(all)), open_for: asked.map_or(OPEN_FOR, Duration::from_millis) }
    }

    /// Asks to call a party: the new state if this changed it, or how long to wait.
    pub(crate) fn admit(&self, party: Party, now: Instant) -> Result<Option<BreakerState>, Duration> {
        self.with(party, |breaker| breaker.admit(self.open_for, now))
    }

    /// Takes note of how a call went: the new state if this changed it.
    pub(crate) fn record(&self, party: Party, ok: bool, now: Instant) -> Option<BreakerState> {
        self.with(party, |breaker| breaker.record(ok, now))
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
    fn admit(&mut self, open_for: Duration, now: Instant) -> Result<Option<BreakerState>, Duration> {
        let passed = self.since.map_or(Duration::MAX, |since| now.saturating_duration_since(since));
        match self.state {
            BreakerState::Closed => Ok(None),
            // A trial call that never came back is given up after the same time.
            BreakerState::Open | BreakerState::HalfOpen if passed >= open_for => {
                self.since = Some(now);
                Ok(self.become_state(BreakerState::HalfOpen))
            }
            BreakerState::Open | BreakerState::HalfOpen => Err(open_for - passed),
        }
    }

    fn record(&mut self, ok: bool, now: Instant) -> Option<BreakerState> {
        if ok {
            self.failures_in_row = 0;
            return self.become_state(BreakerState::Closed);
        }
        self.failures_in_row += 1;
        let trial = self.state == BreakerState::HalfOpen;
        if !trial && self.failures_in_row < THRESHOLD {
            return None;
        }
        self.since = Some(now);
        self.become_state(BreakerState::Open)
    }

    fn become_state(&mut self, state: BreakerState) -> Option<BreakerState> {
        if self.state == state {
            return None;
        }
        self.state = state;
        self.transitions += 1;
        Some(state)
    }
}

pub(crate) async fn list(State(shared): State<Shared>) -> Response {
    let all = shared.breakers.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let now = clock::monotonic();
    let shown: Vec<_> = all
        .into_iter()
        .map(|(party, breaker)| {
            let in_state_ms = breaker.since.map(|since| now.saturating_duration_since(since).as_millis());
            json!({
                "name": party,
                "app": party.app(),
                "state": breaker.state,
                "failures_in_row": breaker.failures_in_row,
                "failure_threshold": THRESHOLD,
                "open_for_ms": shared.breakers.open_for.as_millis(),
                "opened_ago_ms": in_state_ms.filter(|_| breaker.state != BreakerState::Closed),
                "transitions": breaker.transitions,
            })
        })
        .collect();
    Json(json!({ "breakers": shown })).into_response()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn breakers() -> Breakers {
        let mut config = AppConfig::embedded(AppId::A3, PathBuf::new());
        config.options.insert("breaker_open_ms".into(), "1000".into());
        Breakers::of(&config)
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let (breakers, now) = (breakers(), clock::monotonic());
        for ok in [false, false, false, false, true, false, false, false, false] {
            assert_eq!(breakers.record(Party::A7, ok, now), None);
        }
        assert_eq!(breakers.record(Party::A7, false, now), Some(BreakerState::Open));
        assert_eq!(breakers.worst(), BreakerState::Open);
        assert_eq!(breakers.admit(Party::Email, now), Ok(None), "another party's breaker stays closed");
    }

    #[test]
    fn after_its_pause_it_lets_one_trial_through_which_closes_or_opens_it() {
        let (breakers, start) = (breakers(), clock::monotonic());
        for _ in 0..5 {
            breakers.record(Party::A7, false, start);
        }
        assert_eq!(breakers.admit(Party::A7, start), Err(Duration::from_secs(1)));
        let later = start + Duration::from_secs(1);
        assert_eq!(breakers.admit(Party::A7, later), Ok(Some(BreakerState::HalfOpen)));
        assert!(breakers.admit(Party::A7, later).is_err(), "a second trial beside the first");
        assert_eq!(breakers.record(Party::A7, false, later), Some(BreakerState::Open));
        let latest = later + Duration::from_secs(1);
        assert_eq!(breakers.admit(Party::A7, latest), Ok(Some(BreakerState::HalfOpen)));
        assert_eq!(breakers.record(Party::A7, true, latest), Some(BreakerState::Closed));
        assert_eq!(breakers.admit(Party::A7, latest), Ok(None));
    }
}
