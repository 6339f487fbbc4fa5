//! Second opinions on a difference. They stand beside a verdict and never decide.

use common::slo::{
    BootstrapRatio, MIN_RESAMPLES, MannWhitney, NEVER_US, Quantile, Series, bootstrap_ratio, mann_whitney,
};
use serde::Serialize;

/// What else the same samples say.
#[derive(Debug, Serialize)]
pub(crate) struct Evidence {
    /// Mann-Whitney U with A12 and the Hodges-Lehmann shift in microseconds; takes samples as independent.
    pub(crate) mann_whitney: Option<MannWhitney>,
    /// The ratio of the P95 by circular block bootstrap, with its seed.
    pub(crate) bootstrap_p95: Option<BootstrapRatio>,
}

/// The opinions on latencies in microseconds, before and after; none where a side has no samples.
pub(super) fn of(samples: &[Vec<u64>; 2], taus: [f64; 2], seed: u64) -> Option<Evidence> {
    let [before, after] = samples;
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let numbers = |side: &[u64]| side.iter().map(|us| as_f64(*us)).collect::<Vec<_>>();
    let series = |at: usize| Series { samples: &samples[at], tau: taus[at] };
    Some(Evidence {
        mann_whitney: mann_whitney(&numbers(after), &numbers(before)),
        bootstrap_p95: bootstrap_ratio(series(0), series(1), Quantile::P95, 0.95, MIN_RESAMPLES, seed),
    })
}

/// Microseconds as a number; infinite for what never came.
pub(super) fn as_f64(us: u64) -> f64 {
    if us == NEVER_US { f64::INFINITY } else { u32::try_from(us).map_or(f64::from(u32::MAX), f64::from) }
}
