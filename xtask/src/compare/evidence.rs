//! Second opinions on a difference. They stand beside a verdict and never decide.

use common::slo::{
    BootstrapRatio, MIN_RESAMPLES, MannWhitney, NEVER_US, Quantile, Series, bootstrap_ratio, mann_whitney,
};
use serde::Serialize;

use super::judge::find;
use super::{EndpointComparison, Side};

/// What else the same samples say.
#[derive(Debug, Serialize)]
pub(crate) struct Evidence {
    /// Mann-Whitney U with A12 and the Hodges-Lehmann shift in microseconds; takes samples as independent.
    pub(crate) mann_whitney: Option<MannWhitney>,
    /// The ratio of the P95 by circular block bootstrap, with its seed.
    pub(crate) bootstrap_p95: Option<BootstrapRatio>,
}

/// Adds the opinions to endpoints, on as many cores as there are: each takes thousands of resamples.
pub(super) fn add(endpoints: &mut [EndpointComparison], sides: &[Side; 2], seed: u64) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = endpoints.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        for own in endpoints.chunks_mut(share) {
            scope.spawn(move || own.iter_mut().for_each(|endpoint| endpoint.evidence = on(endpoint, sides, seed)));
        }
    });
}

/// The opinions on one endpoint.
fn on(endpoint: &EndpointComparison, sides: &[Side; 2], seed: u64) -> Option<Evidence> {
    let place = (endpoint.app, endpoint.scenario.as_str(), endpoint.route.as_str());
    let samples = sides.each_ref().map(|side| find(side, place).map(|side| side.samples.to_us()).unwrap_or_default());
    let ratio = &endpoint.gate()?.regression.ratio;
    of(&samples, [ratio.tau_before, ratio.tau_after], seed)
}

/// The opinions on latencies in microseconds, before and after; none where a side has no samples.
fn of(samples: &[Vec<u64>; 2], taus: [f64; 2], seed: u64) -> Option<Evidence> {
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
