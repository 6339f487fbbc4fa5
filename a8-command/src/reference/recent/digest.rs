//! Figures of requests that come and go: kept sorted, so that a percentile is found without sorting anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

/// A route of an app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RouteKey {
    pub(crate) app_id: String,
    pub(crate) method: String,
    pub(crate) route: String,
}

/// One answered request as reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) key: Arc<RouteKey>,
    pub(crate) us: u64,
    /// The inverse of its sample rate, in thousandths.
    pub(crate) weight_milli: u64,
    pub(crate) failed: bool,
}

/// Figures of some requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Reported requests.
    pub(crate) samples: usize,
    /// Requests they stand for.
    pub(crate) requests: u64,
    /// Of these, answered with a status of 500 or more.
    pub(crate) errors: u64,
    pub(crate) error_rate_pct: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
}

/// Requests, their weights by latency.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    samples: usize,
    total: u64,
    failed: u64,
    bins: BTreeMap<u32, Bin>,
}

/// Latencies close to each other.
#[derive(Debug, Default)]
struct Bin {
    total: u64,
    weights: BTreeMap<u64, u64>,
}

/// The bin of a latency: sixteen for each doubling, so that an hour in microseconds has a few hundred.
fn bin_of(us: u64) -> u32 {
    let shift = us.checked_ilog2().unwrap_or(0).saturating_sub(4);
    shift * 16 + u32::try_from(us >> shift).unwrap_or(u32::MAX)
}

impl Digest {
    pub(crate) fn add(&mut self, sample: &Sample) {
        self.samples += 1;
        self.total += sample.weight_milli;
        self.failed += if sample.failed { sample.weight_milli } else { 0 };
        let bin = self.bins.entry(bin_of(sample.us)).or_default();
        bin.total += sample.weight_milli;
        *bin.weights.entry(sample.us).or_default() += sample.weight_milli;
    }

    /// Takes away what was added before.
    pub(crate) fn remove(&mut self, sample: &Sample) {
        self.samples -= 1;
        self.total -= sample.weight_milli;
        self.failed -= if sample.failed { sample.weight_milli } else { 0 };
        let number = bin_of(sample.us);
        let Some(bin) = self.bins.get_mut(&number) else { return };
        bin.total -= sample.weight_milli;
        if let Some(weight) = bin.weights.get_mut(&sample.us) {
            *weight -= sample.weight_milli;
            if *weight == 0 {
                bin.weights.remove(&sample.us);
            }
        }
        if bin.weights.is_empty() {
            self.bins.remove(&number);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// Computes the figures; `None` without samples.
    #[expect(clippy::cast_precision_loss, reason = "counts of minutes are far below 2^53")]
    pub(crate) fn figures(&self) -> Option<Figures> {
        if self.total == 0 {
            return None;
        }
        Some(Figures {
            samples: self.samples,
            requests: (self.total + 500) / 1_000,
            errors: (self.failed + 500) / 1_000,
            error_rate_pct: self.failed as f64 * 100.0 / self.total as f64,
            p50_ms: self.percentile_ms(50),
            p95_ms: self.percentile_ms(95),
        })
    }

    /// Nearest rank by weight: the least value at which `percent` of the total weight is reached.
    fn percentile_ms(&self, percent: u64) -> f64 {
        let mut left = (self.total * percent).div_ceil(100);
        for bin in self.bins.values() {
            if bin.total < left {
                left -= bin.total;
                continue;
            }
            return reached_ms(bin.weights.iter().map(|(us, weight)| (*us, *weight)), left);
        }
        0.0
    }
}

/// The 95th percentile of latencies in microseconds with their weights; `None` without any.
pub(super) fn p95_ms(mut weighted: Vec<(u64, u64)>) -> Option<f64> {
    let total: u64 = weighted.iter().map(|(_, weight)| weight).sum();
    weighted.sort_unstable();
    (total > 0).then(|| reached_ms(weighted.into_iter(), (total * 95).div_ceil(100)))
}

/// The value at which a weight is reached.
#[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 µs")]
fn reached_ms(ascending: impl Iterator<Item = (u64, u64)>, weight: u64) -> f64 {
    let mut seen = 0;
    for (us, more) in ascending {
        seen += more;
        if seen >= weight {
            return us as f64 / 1_000.0;
        }
    }
    0.0
}

/// Requests by route and by app.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    routes: BTreeMap<Arc<RouteKey>, Digest>,
    apps: BTreeMap<String, Digest>,
}

/// What a span of time shows: figures by route and by app, both in order of name.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) routes: Vec<(Arc<RouteKey>, Figures)>,
    pub(crate) apps: BTreeMap<String, Figures>,
    /// Requests of all apps.
    pub(crate) requests: u64,
    /// Errors of all apps; `None` without requests.
    pub(crate) error_rate_pct: Option<f64>,
}

impl Digests {
    pub(crate) fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> Self {
        let mut digests = Self::default();
        samples.for_each(|sample| digests.add(sample));
        digests
    }

    pub(crate) fn add(&mut self, sample: &Sample) {
        self.routes.entry(Arc::clone(&sample.key)).or_default().add(sample);
        if let Some(app) = self.apps.get_mut(&sample.key.app_id) {
            app.add(sample);
        } else {
            self.apps.entry(sample.key.app_id.clone()).or_default().add(sample);
        }
    }

    pub(crate) fn remove(&mut self, sample: &Sample) {
        if let Some(route) = self.routes.get_mut(&sample.key) {
            route.remove(sample);
            if route.is_empty() {
                self.routes.remove(&sample.key);
            }
        }
        if let Some(app) = self.apps.get_mut(&sample.key.app_id) {
            app.remove(sample);
            if app.is_empty() {
                self.apps.remove(&sample.key.app_id);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of minutes are far below 2^53")]
    pub(crate) fn matrix(&self) -> Matrix {
        let total: u64 = self.apps.values().map(|digest| digest.total).sum();
        let failed: u64 = self.apps.values().map(|digest| digest.failed).sum();
        let routes = self.routes.iter().filter_map(|(key, digest)| Some((Arc::clone(key), digest.figures()?)));
        let apps = self.apps.iter().filter_map(|(app, digest)| Some((app.clone(), digest.figures()?)));
        Matrix {
            routes: routes.collect(),
            apps: apps.collect(),
            requests: (total + 500) / 1_000,
            error_rate_pct: (total > 0).then(|| failed as f64 * 100.0 / total as f64),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample(us: u64, weight_milli: u64, failed: bool) -> Sample {
        let key = RouteKey { app_id: "A1".to_owned(), method: "GET".to_owned(), route: "/".to_owned() };
        Sample { key: Arc::new(key), us, weight_milli, failed }
    }

    fn digest(samples: &[Sample]) -> Digest {
        let mut digest = Digest::default();
        samples.iter().for_each(|sample| digest.add(sample));
        digest
    }

    #[test]
    fn one_sampled_success_weighs_as_much_as_the_ten_it_stands_for() {
        let figures = digest(&[sample(2_000, 10_000, false), sample(90_000, 1_000, true)]).figures().unwrap();
        assert_eq!((figures.samples, figures.requests, figures.errors), (2, 11, 1));
        assert!((figures.p50_ms - 2.0).abs() < f64::EPSILON);
        assert!((figures.p95_ms - 90.0).abs() < f64::EPSILON);
    }

    #[test]
    fn percentiles_of_equal_weights_are_the_nearest_rank() {
        let samples: Vec<_> = (1..=20).map(|ms| sample(ms * 1_000, 1_000, false)).collect();
        let figures = digest(&samples).figures().unwrap();
        assert!((figures.p50_ms - 10.0).abs() < f64::EPSILON);
        assert!((figures.p95_ms - 19.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_was_taken_away_leaves_no_trace() {
        let all: Vec<_> = (0..500).map(|n| sample(n * n % 7_919, 1_000 + n, n % 9 == 0)).collect();
        let mut moved = digest(&all);
        all[..300].iter().for_each(|sample| moved.remove(sample));
        assert_eq!(moved.figures(), digest(&all[300..]).figures());
        all[300..].iter().for_each(|sample| moved.remove(sample));
        assert!(moved.is_empty() && moved.bins.is_empty());
        assert_eq!(moved.figures(), None);
    }

    #[test]
    fn the_line_and_the_matrix_agree_on_a_percentile() {
        let all: Vec<_> = (0..500).map(|n| sample(n * n % 7_919, 1_000 + n, false)).collect();
        let weighted = all.iter().map(|sample| (sample.us, sample.weight_milli)).collect();
        assert_eq!(p95_ms(weighted), digest(&all).figures().map(|figures| figures.p95_ms));
        assert_eq!(p95_ms(Vec::new()), None);
    }

    #[test]
    fn a_greater_latency_never_has_a_lower_bin() {
        let bins: Vec<_> = (0..100_000).map(bin_of).collect();
        assert!(bins.is_sorted());
        assert!(bin_of(3_600_000_000) < 500);
    }
}
