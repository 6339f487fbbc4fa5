//! Latencies in HDR histograms: 1 µs to 1 h, three significant digits, and a place for what never came.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use serde::{Deserialize, Serialize};

/// The greatest latency that a histogram holds, one hour in microseconds.
pub const MAX_US: u64 = 3_600_000_000;

/// Latencies of successes and timeouts. A timeout counts as an infinite latency; other failures are not in here.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    histogram: Histogram<u64>,
    beyond: u64,
    sum_us: u128,
    max_us: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

impl Latency {
    /// Holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, MAX_US, 3).expect("1 µs to 1 h at 3 digits are valid bounds");
        Self { histogram, beyond: 0, sum_us: 0, max_us: 0 }
    }

    /// Adds a latency; one above an hour is counted as beyond, one of 0 as 1 µs.
    pub fn record(&mut self, us: u64) {
        if us > MAX_US || self.histogram.record(us.max(1)).is_err() {
            self.record_infinite();
        } else {
            self.sum_us += u128::from(us);
            self.max_us = self.max_us.max(us);
        }
    }

    /// Adds a latency without end.
    pub fn record_infinite(&mut self) {
        self.beyond += 1;
    }

    /// Adds a latency `count` times, as [`Self::record`] does.
    pub fn record_many(&mut self, us: u64, count: u64) {
        if us > MAX_US || self.histogram.record_n(us.max(1), count).is_err() {
            self.record_infinite_many(count);
        } else if count > 0 {
            self.sum_us += u128::from(us) * u128::from(count);
            self.max_us = self.max_us.max(us);
        }
    }

    /// Adds `count` latencies without end.
    pub fn record_infinite_many(&mut self, count: u64) {
        self.beyond += count;
    }

    /// Adds all that another holds.
    pub fn add(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("all histograms have the same bounds");
        self.beyond += other.beyond;
        self.sum_us += other.sum_us;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many, infinite ones included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len() + self.beyond
    }

    /// How many were infinite or above an hour.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The histogram of the finite ones, in microseconds.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }

    /// The nearest-rank quantile `numerator/denominator` in microseconds: rank `ceil(p·n)` in integers, the upper edge of
    /// its bucket but at most the exact maximum. `None` without samples, or where the rank falls among infinite ones.
    #[must_use]
    pub fn quantile(&self, numerator: u64, denominator: u64) -> Option<u64> {
        quantile(&self.histogram, self.count(), numerator, denominator).map(|us| us.min(self.max_us))
    }

    /// The histogram of the finite ones in HdrHistogram's V2 format, base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        let mut bytes = Vec::new();
        match V2Serializer::new().serialize(&self.histogram, &mut bytes) {
            Ok(_) => STANDARD.encode(bytes),
            Err(_) => String::new(),
        }
    }

    /// The figures that reports show.
    #[must_use]
    pub fn summary(&self) -> LatencySummary {
        let finite = self.histogram.len();
        let some = |value: u64| (finite > 0).then_some(value);
        LatencySummary {
            count: self.count(),
            beyond: self.beyond,
            min_us: some(
                self.histogram
                    .iter_recorded()
                    .next()
                    .map_or(0, |first| self.histogram.lowest_equivalent(first.value_iterated_to())),
            ),
            mean_us: (finite > 0).then(|| u64::try_from(self.sum_us / u128::from(finite)).unwrap_or(u64::MAX)),
            p50_us: self.quantile(50, 100),
            p90_us: self.quantile(90, 100),
            p95_us: self.quantile(95, 100),
            p99_us: self.quantile(99, 100),
            max_us: some(self.max_us),
        }
    }
}

/// Nearest rank by walking the recorded values; `total` may count infinite ones that lie above all of them.
pub(crate) fn quantile<C: hdrhistogram::Counter>(
    histogram: &Histogram<C>,
    total: u64,
    numerator: u64,
    denominator: u64,
) -> Option<u64> {
    if total == 0 {
        return None;
    }
    let rank = (u128::from(total) * u128::from(numerator)).div_ceil(u128::from(denominator.max(1))).max(1);
    let mut seen = 0_u128;
    histogram.iter_recorded().find_map(|bucket| {
        seen += u128::from(bucket.count_since_last_iteration());
        (seen >= rank).then(|| histogram.highest_equivalent(bucket.value_iterated_to()))
    })
}

/// The figures of a [`Latency`] in microseconds; `None` where there is no such sample or it is infinite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LatencySummary {
    /// Samples, infinite ones included.
    pub count: u64,
    /// Infinite ones (timeouts), and those above an hour.
    pub beyond: u64,
    /// Least.
    pub min_us: Option<u64>,
    /// Mean of the finite ones, rounded down.
    pub mean_us: Option<u64>,
    /// Median.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 95th percentile.
    pub p95_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// Greatest finite one, exactly.
    pub max_us: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    summary: LatencySummary,
    sum_us: u64,
    hdr_v2_base64: String,
}

impl Serialize for Latency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.histogram, &mut bytes).map_err(serde::ser::Error::custom)?;
        let sum_us = u64::try_from(self.sum_us).unwrap_or(u64::MAX);
        Wire { summary: self.summary(), sum_us, hdr_v2_base64: STANDARD.encode(bytes) }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let wire = Wire::deserialize(deserializer)?;
        let bytes = STANDARD.decode(&wire.hdr_v2_base64).map_err(D::Error::custom)?;
        let stored: Histogram<u64> = Deserializer::new()
            .deserialize(&mut bytes.as_slice())
            .map_err(|error| D::Error::custom(format!("not an HDR histogram: {error:?}")))?;
        let mut latency = Self::new();
        latency.histogram.add(&stored).map_err(D::Error::custom)?;
        latency.beyond = wire.summary.beyond;
        latency.sum_us = u128::from(wire.sum_us);
        latency.max_us = wire.summary.max_us.unwrap_or(0);
        if latency.summary() == wire.summary {
            Ok(latency)
        } else {
            Err(D::Error::custom("the summary does not belong to the histogram beside it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Latency {
        let mut latency = Latency::new();
        values.iter().for_each(|us| latency.record(*us));
        latency
    }

    #[test]
    fn nothing_recorded_has_no_figures() {
        let summary = Latency::new().summary();
        assert_eq!((summary.count, summary.p95_us, summary.max_us, summary.mean_us), (0, None, None, None));
    }

    #[test]
    fn ranks_are_counted_in_integers() {
        let latency = of(&(1..=1_000).collect::<Vec<_>>());
        assert_eq!(latency.quantile(95, 100), Some(950));
        assert_eq!(latency.quantile(999, 1_000), Some(999));
    }

    #[test]
    fn timeouts_are_above_every_latency() {
        let mut latency = of(&[100; 94]);
        (0..6).for_each(|_| latency.record_infinite());
        assert_eq!(latency.quantile(94, 100), Some(100));
        assert_eq!(latency.quantile(95, 100), None);
        assert_eq!(latency.summary().beyond, 6);
    }

    #[test]
    fn what_is_above_an_hour_is_counted_and_not_lost() {
        let latency = of(&[5, MAX_US + 1, u64::MAX]);
        assert_eq!((latency.count(), latency.beyond()), (3, 2));
    }

    #[test]
    fn a_summary_that_was_changed_by_hand_is_refused() {
        let mut json = serde_json::to_value(of(&[100, 200, 300])).unwrap();
        assert_eq!(serde_json::from_value::<Latency>(json.clone()).unwrap(), of(&[100, 200, 300]));
        json["summary"]["p95_us"] = 1.into();
        assert!(serde_json::from_value::<Latency>(json).is_err());
    }

    proptest! {
        #[test]
        fn merging_equals_recording_together(
            left in prop::collection::vec(1_u64..10_000_000, 0..200), right in prop::collection::vec(1_u64..10_000_000, 0..200),
        ) {
            let mut merged = of(&left);
            merged.add(&of(&right));
            prop_assert_eq!(merged, of(&[left, right].concat()));
        }

        #[test]
        fn a_quantile_is_the_bucket_of_the_nearest_rank(mut values in prop::collection::vec(1_u64..5_000_000, 1..300)) {
            let latency = of(&values);
            values.sort_unstable();
            let rank = (values.len() * 95).div_ceil(100);
            let exact = values[rank - 1];
            let shown = latency.quantile(95, 100).unwrap();
            prop_assert!(shown >= exact && shown - exact <= exact / 1_000 + 1, "{} for {}", shown, exact);
        }
    }
}
