//! What a verdict on a service level rests on: counts, the generator's health, the steadiness of the load, the second
//! source.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecondSource;
use crate::ids::TraceId;
use crate::slo::Stability;

/// Latency quantiles in milliseconds, each with its interval where the samples give one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyFigures {
    /// The limit.
    pub limit_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile, nearest rank.
    pub p95_ms: f64,
    /// Lower end of its 95 % interval; absent if there is none.
    pub p95_lower_ms: Option<f64>,
    /// Upper end of its 95 % interval; absent if there is none.
    pub p95_upper_ms: Option<f64>,
    /// 99th percentile, nearest rank.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// What one route showed under one load.
#[derive(Debug, Clone, PartialEq)]
pub struct SloEvidence {
    /// How long the judged window was, in seconds; 0 if that is not known.
    pub seconds: f64,
    /// All requests of the judged window.
    pub requests: u64,
    /// Those that did not get what they should.
    pub errors: u64,
    /// Those errors that are timeouts.
    pub timeouts: u64,
    /// Requests with a latency: successes and timeouts.
    pub timed: u64,
    /// Those of them over the limit, counted exactly.
    pub over_limit: u64,
    /// Their quantiles.
    pub latency: LatencyFigures,
    /// Autocorrelation time of the latency indicator.
    pub tau_latency: f64,
    /// Autocorrelation time of the error indicator.
    pub tau_errors: f64,
    /// True if latency was taken from an intended start.
    pub open_model: bool,
    /// Why a failure of latency must not be blamed on the app: the generator was late itself.
    pub generator_late: Option<String>,
    /// Why a pass would rest on less load than was promised: too many iterations were dropped.
    pub underloaded: Option<String>,
    /// True if the load was stopped before its end.
    pub stopped: bool,
    /// What was seen that ended it, where it was ended because of what was seen.
    pub cause: Option<StopCause>,
    /// What is known of the samples standing for more than themselves; nothing known lets nothing pass.
    pub steady: Option<Steadiness>,
    /// What the second source says.
    pub second: SecondSource,
    /// Traces of failed requests.
    pub failed_traces: Vec<TraceId>,
    /// Traces of the slowest requests.
    pub slow_traces: Vec<TraceId>,
}

/// Why a load was ended because of what was seen in it.
///
/// A load that ends at its worst moment is no fair sample: its fixed interval shows nothing. Only a condition that is
/// proof by itself, over all the times it was looked at, lets a claim fail; nothing lets it pass.
#[derive(Debug, Clone, PartialEq)]
pub struct StopCause {
    /// Which condition, with its figures.
    pub sentence: String,
    /// True if it proves that this route's share of errors is broken.
    pub proves_errors: bool,
    /// The probability of what it saw at the limit, over all the times it was looked at, where it is proof.
    pub p: Option<f64>,
    /// The latency in milliseconds that it proves the P95 of this route to be above, if it does.
    pub proves_p95_above_ms: Option<f64>,
}

/// Some of the requests of a load, in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// How many.
    pub n: u64,
    /// How many of them were bad.
    pub bad: u64,
}

/// How even a load was, and whether earlier runs bound how much its samples depend on each other.
///
/// Samples of one window can depend on each other in ways that the window itself does not show. So a pass rests on one
/// of two things more: on at least three earlier stable runs, or on a large, even window.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steadiness {
    /// True if at least three earlier stable runs bound the autocorrelation times.
    pub established: bool,
    /// What was found about the window; `None` for a load that is not meant to be even.
    pub window: Option<Stability>,
    /// What speaks against it, in words; empty if nothing does.
    pub flaws: String,
    /// Both halves of the load, requests and failures.
    pub error_halves: Vec<Part>,
    /// The three thirds of the load, timed requests and those over the limit.
    pub slow_thirds: Vec<Part>,
}
