//! The breaker before the e-mail provider: closed, open after failures in a row, half-open for one trial. Pure: the
//! caller tells the time.

use std::time::{Duration, Instant};

use common::telemetry::BreakerState;

/// Failures in a row that open it.
const OPENS_AFTER: u32 = 3;
/// How long it stays open.
const OPEN_FOR: Duration = Duration::from_secs(1);

/// The breaker.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    opened_at: Option<Instant>,
    trial: bool,
}

impl Breaker {
    pub(crate) fn state(&self) -> BreakerState {
        match self.opened_at {
            None => BreakerState::Closed,
            Some(_) if self.trial => BreakerState::HalfOpen,
            Some(_) => BreakerState::Open,
        }
    }

    /// True if a call may go out now.
    pub(crate) fn lets_pass(&mut self, now: Instant) -> bool {
        match self.opened_at {
            None => true,
            Some(at) if now.duration_since(at) >= OPEN_FOR => {
                self.trial = true;
                true
            }
            Some(_) => false,
        }
    }

    /// Takes note of how a call went.
    pub(crate) fn note(&mut self, worked: bool, now: Instant) {
        if worked {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        if self.trial || self.failures >= OPENS_AFTER {
            self.opened_at = Some(now);
            self.trial = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_three_failures_tries_once_and_closes_on_success() {
        let start = common::clock::monotonic();
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            assert!(breaker.lets_pass(start));
            breaker.note(false, start);
        }
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(!breaker.lets_pass(start + OPEN_FOR / 2));
        assert!(breaker.lets_pass(start + OPEN_FOR));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        breaker.note(false, start + OPEN_FOR);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.lets_pass(start + 2 * OPEN_FOR));
        breaker.note(true, start + 2 * OPEN_FOR);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
