//! The only reader of time. Everything else takes `now` as an argument or a [`Clock`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The monotonic clock: for durations, never for records.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module is the one place that reads time")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The wall clock in milliseconds since the Unix epoch: for records, never for durations.
#[must_use]
pub fn unix_ms() -> i64 {
    unix_us() / 1_000
}

/// The wall clock in microseconds since the Unix epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module is the one place that reads time")]
pub fn unix_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339 text of a wall-clock time with milliseconds, `2026-11-21T10:15:00.123Z`.
#[must_use]
pub fn rfc3339(unix_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Parses an RFC 3339 text into milliseconds since the Unix epoch.
///
/// # Errors
/// When the text is not RFC 3339 with an offset.
pub fn parse_rfc3339(text: &str) -> Result<i64, jiff::Error> {
    text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond)
}

/// A clock that a test can set. Reference apps take their notion of "now" from one.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Manual>>);

/// Where a manual clock began, and how far it was moved since.
#[derive(Debug)]
struct Manual {
    unix_ms: i64,
    began: Instant,
    passed: Mutex<Duration>,
}

impl Manual {
    fn passed(&self) -> Duration {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock {
    /// The machine's wall clock.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `unix_ms` until advanced.
    #[must_use]
    pub fn manual(unix_ms: i64) -> Self {
        Self(Some(Arc::new(Manual { unix_ms, began: monotonic(), passed: Mutex::default() })))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ms(&self) -> i64 {
        let passed_ms = |manual: &Manual| i64::try_from(manual.passed().as_millis()).unwrap_or(i64::MAX);
        self.0.as_ref().map_or_else(unix_ms, |manual| manual.unix_ms.saturating_add(passed_ms(manual)))
    }

    /// The monotonic reading that goes with it: a manual clock's moves as far as it is advanced.
    #[must_use]
    pub fn monotonic(&self) -> Instant {
        self.0.as_ref().map_or_else(monotonic, |manual| manual.began + manual.passed())
    }

    /// Moves a manual clock on; a system clock stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            *manual.passed.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_a_round_trip_through_text() {
        assert_eq!(parse_rfc3339(&rfc3339(1_795_255_200_123)).unwrap(), 1_795_255_200_123);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(1_000);
        let before = clock.monotonic();
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.unix_ms(), 2_000);
        assert_eq!(clock.monotonic() - before, Duration::from_secs(1));
    }
}
