//! What the record keeps of one route under one load.

use std::collections::BTreeMap;

use common::ids::{AppId, TraceId};
use common::load::PackedSamples;
use common::slo::WindowReport;
use common::verdict::LatencyFigures;
use serde::{Deserialize, Serialize};

use super::StreamFigures;

/// What the probe saw of one route under one scenario.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RouteFigures {
    pub(crate) phase: u8,
    pub(crate) app: AppId,
    /// `POST /register`.
    pub(crate) route: String,
    pub(crate) scenario: String,
    pub(crate) scenario_title: String,
    /// SHA-256 of the scenario as data.
    pub(crate) scenario_digest: String,
    /// `constant-vus: 20 VUs, paced 80 ms, 8 s`.
    pub(crate) executor: String,
    /// Marks of the contract's route, as `known_issue:A8-PERF-001`.
    pub(crate) tags: Vec<String>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) error_rate_pct: f64,
    /// 95 % interval of the error rate, in percent.
    pub(crate) error_interval_pct: (f64, f64),
    /// Errors by kind: connect, tls, timeout, reset, protocol, status, expectation.
    pub(crate) errors_by_kind: BTreeMap<String, u64>,
    #[serde(with = "number_keys")]
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Requests with a latency.
    pub(crate) timed: u64,
    /// Exact counts over 120, 150, 200 ms and the route's limit.
    #[serde(with = "number_keys")]
    pub(crate) over_ms: BTreeMap<u32, u64>,
    /// From the intended start: what a user waits.
    pub(crate) response: LatencyFigures,
    /// From the actual send: what the app takes.
    pub(crate) service: LatencyFigures,
    /// (percentile 0–100, response milliseconds), rising; for the distribution plot.
    pub(crate) distribution: Vec<(f64, f64)>,
    /// HDR histogram of response times in microseconds, V2, base64.
    pub(crate) histogram_v2: String,
    pub(crate) series: Vec<Second>,
    pub(crate) slowest: Vec<Exemplar>,
    pub(crate) failed: Vec<Exemplar>,
    pub(crate) generator: Generator,
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    pub(crate) requests_per_s: f64,
    /// The autocorrelation time of the latency indicator, from these samples alone.
    pub(crate) tau: f64,
    /// The autocorrelation time of "this request failed", likewise.
    #[serde(default = "one")]
    pub(crate) tau_errors: f64,
    /// 1, or 2 for the fresh measurement that confirms or clears the first.
    #[serde(default = "first")]
    pub(crate) attempt: u8,
    /// Every latency in send order; empty where there were more than the engine keeps.
    #[serde(default)]
    pub(crate) samples: PackedSamples,
    /// Places of failed requests in send order.
    #[serde(default)]
    pub(crate) failed_at: Vec<u32>,
    /// Whether the load was even; absent for loads that are not meant to be.
    #[serde(default)]
    pub(crate) window: Option<WindowReport>,
    /// The figures of its streams, if its answers are streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<StreamFigures>,
}

fn one() -> f64 {
    1.0
}

fn first() -> u8 {
    1
}

/// One second of a load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Second {
    pub(crate) t_s: u32,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
}

/// One request worth a look.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exemplar {
    pub(crate) trace_id: TraceId,
    pub(crate) status: u16,
    pub(crate) response_ms: f64,
    pub(crate) service_ms: f64,
    /// What was wrong; absent for slow successes.
    pub(crate) error: Option<String>,
    /// The request as a curl line without secrets.
    pub(crate) curl: String,
    /// The first bytes of the answer.
    pub(crate) answer: String,
}

/// How the generator fared itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Generator {
    pub(crate) lag_p50_ms: f64,
    pub(crate) lag_p99_ms: f64,
    pub(crate) lag_max_ms: f64,
    /// Share of one core that its threads used, in percent; absent where it cannot be read.
    pub(crate) cpu_pct: Option<f64>,
    pub(crate) dropped_iterations: u64,
    pub(crate) iterations: u64,
    /// What it blames itself for.
    pub(crate) fault: Option<String>,
}

/// Maps with numbers as keys. JSON has text keys only, and serde does not turn them back into numbers inside a tagged
/// record, so that a ledger could be written but not read.
mod number_keys {
    use std::collections::BTreeMap;
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, S: Serializer>(map: &BTreeMap<K, u64>, to: S) -> Result<S::Ok, S::Error> {
        map.serialize(to)
    }

    pub(super) fn deserialize<'de, K, D>(from: D) -> Result<BTreeMap<K, u64>, D::Error>
    where
        K: FromStr<Err: Display> + Ord,
        D: Deserializer<'de>,
    {
        let texts = BTreeMap::<String, u64>::deserialize(from)?;
        let pairs = texts.into_iter().map(|(key, value)| Ok((key.parse().map_err(D::Error::custom)?, value)));
        pairs.collect()
    }
}
