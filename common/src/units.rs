//! Units: durations as integer microseconds, shown in the unit a reader expects.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A duration in whole microseconds, the resolution of every latency in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// From whole milliseconds.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// In milliseconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 µs")]
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
}

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(micros: Micros) -> Self {
        Self::from_micros(micros.0)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000 => write!(f, "{} µs", self.0),
            1_000..100_000 => write!(f, "{:.1} ms", self.as_ms()),
            100_000..10_000_000 => write!(f, "{:.0} ms", self.as_ms()),
            _ => write!(f, "{:.1} s", self.as_ms() / 1_000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_shown_in_the_unit_a_reader_expects() {
        let shown: Vec<_> = [7, 1_540, 149_600, 12_340_000].map(|us| Micros(us).to_string()).into();
        assert_eq!(shown, ["7 µs", "1.5 ms", "150 ms", "12.3 s"]);
    }
}
