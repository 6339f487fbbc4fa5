//! What earlier runs of the same target and profile say about a route.

use crate::history::{EndpointKey, History};

/// Fewer stable runs than this bound nothing.
const ESTABLISHED: u32 = 3;

/// How much the samples of a route depended on each other in earlier stable runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prior {
    /// How many runs that were.
    pub(super) runs: u32,
    /// The largest autocorrelation time of "slower than the limit".
    pub(super) tau_latency: f64,
    /// The largest autocorrelation time of "failed".
    pub(super) tau_errors: f64,
}

impl Prior {
    /// Nothing is known.
    pub(super) const NONE: Self = Self { runs: 0, tau_latency: 1.0, tau_errors: 1.0 };

    /// What a history says of an endpoint.
    pub(super) fn of(history: &History, key: &EndpointKey) -> Self {
        let Some(known) = history.endpoint(key) else { return Self::NONE };
        let tau = |tau: Option<f64>| tau.unwrap_or(1.0);
        Self { runs: known.runs, tau_latency: tau(known.tau_latency), tau_errors: tau(known.tau_errors) }
    }

    /// True if there are runs enough.
    pub(super) fn is_established(self) -> bool {
        self.runs >= ESTABLISHED
    }
}
