//! Figures of each route over one reporting interval.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Counts and latencies per route since the last take.
#[derive(Debug, Default)]
pub(crate) struct RouteStats(Mutex<BTreeMap<(String, String), RouteWindow>>);

/// What one route did in one interval.
#[derive(Debug)]
pub(crate) struct RouteWindow {
    pub(crate) errors: u64,
    pub(crate) last_status: u16,
    latency_us: Histogram<u64>,
}

impl RouteStats {
    pub(crate) fn record(&self, method: &str, route: &str, status: u16, took: Duration) {
        let mut windows = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let key = (method.to_owned(), route.to_owned());
        let window = windows.entry(key).or_insert_with(RouteWindow::new);
        window.errors += u64::from(status >= 500);
        window.last_status = status;
        window.latency_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn take(&self) -> BTreeMap<(String, String), RouteWindow> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl RouteWindow {
    fn new() -> Self {
        let latency_us = Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("constant bounds are valid");
        Self { errors: 0, last_status: 0, latency_us }
    }

    pub(crate) fn count(&self) -> u64 {
        self.latency_us.len()
    }

    /// Nearest rank in percent, as milliseconds; the rank is computed in integers.
    #[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 µs")]
    pub(crate) fn percentile_ms(&self, percent: u64) -> f64 {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let at_rank = self.latency_us.iter_recorded().scan(0, |seen, bucket| {
            *seen += bucket.count_since_last_iteration();
            Some((*seen, bucket.value_iterated_to()))
        });
        let value = at_rank.filter(|(seen, _)| *seen >= rank).map(|(_, value)| value).next();
        value.unwrap_or(0) as f64 / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_at_the_nearest_rank_and_a_take_starts_afresh() {
        let stats = RouteStats::default();
        for ms in 1..=20 {
            stats.record("GET", "/", if ms == 20 { 500 } else { 200 }, Duration::from_millis(ms));
        }
        let taken = stats.take();
        let window = &taken[&("GET".to_owned(), "/".to_owned())];
        assert_eq!((window.count(), window.errors), (20, 1));
        assert!((window.percentile_ms(95) - 19.0).abs() < 0.02, "{}", window.percentile_ms(95));
        assert!(stats.take().is_empty());
    }
}
