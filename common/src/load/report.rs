//! What a load leaves behind: figures, samples, exemplars and the generator's own health.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, TraceId};
use crate::scenario::StageTag;

use super::journey::Journey;
use super::recorder::MAX_SAMPLES;
use super::thresholds::ThresholdResult;
use super::watch::StopReason;

use super::latency::Latency;
use super::selfcheck::{GeneratorHealth, Lag};
use super::stream::StreamReport;

/// Why a request counts as an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection could be opened.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No whole answer within the time limit.
    Timeout,
    /// The connection broke before the answer was whole.
    Reset,
    /// The answer is not HTTP, or its stream is not in order: not made of chunks, or without its end.
    Protocol,
    /// Another status than expected.
    Status,
    /// The right status, but not the expected answer.
    Expectation,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Expectation => "expectation",
        })
    }
}

/// The record of one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadReport {
    /// The scenario.
    pub scenario: String,
    /// [`crate::scenario::Scenario::digest`] of it.
    pub scenario_digest: String,
    /// The scenario's app.
    pub app: AppId,
    /// k6's name of the executor.
    pub executor: String,
    /// False for users that start again as soon as they have finished: their latencies cannot be judged.
    pub open_model: bool,
    /// When the first iteration was meant to start, wall clock.
    pub started_at_unix_ms: i64,
    /// Seconds over which figures were gathered, without warm-up and without the time after the last start.
    pub measured_s: f64,
    /// How it ended.
    pub end: End,
    /// What ended it before its time, for [`End::Aborted`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<StopReason>,
    /// What became of the scenario's thresholds, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<ThresholdResult>,
    /// Iterations, without warm-up.
    pub iterations: Iterations,
    /// What ran before figures were gathered.
    pub warm_up: WarmUp,
    /// Connections.
    pub connections: Connections,
    /// Per step, in the scenario's order.
    pub steps: Vec<StepReport>,
    /// Whether the generator kept up.
    pub health: GeneratorHealth,
    /// Requests whose trace the apps report too (sampled by trace id), and all failed ones, up to 20,000.
    pub traces: Vec<TraceRecord>,
    /// Traces that would have been kept had there been room.
    pub traces_not_kept: u64,
    /// Whole journeys, where an iteration is more than one request: the first ones, and failed ones up to a bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journeys: Vec<Journey>,
}

/// How a load ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The whole schedule was gone through.
    Completed,
    /// The stop token was cancelled.
    Stopped,
    /// A stop condition held, or a threshold with `abort_on_fail` was crossed.
    Aborted,
    /// A feeder of unique records ran out.
    OutOfData,
}

/// Counts of iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Iterations {
    /// Intended; `None` where the answers decide. Those after an early stop are not among them.
    pub planned: Option<u64>,
    /// Begun.
    pub started: u64,
    /// Gone through to the last step, with or without errors.
    pub completed: u64,
    /// Those among the completed in which every step gave the expected answer.
    #[serde(default)]
    pub succeeded: u64,
    /// Ended early, as a step failed that later ones build on.
    pub cut_short: u64,
    /// Cut off by the hard deadline while under way.
    pub interrupted: u64,
    /// Intended and never begun, as no user came free in time.
    pub dropped: u64,
}

/// Counts of the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Iterations begun.
    pub iterations: u64,
    /// Requests finished.
    pub requests: u64,
    /// Failed ones among them.
    pub errors: u64,
}

/// Counts of connections over the whole load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connections {
    /// Opened.
    pub opened: u64,
    /// Opened in place of one that was closed or given up.
    pub reconnects: u64,
    /// Could not be opened.
    pub failed: u64,
    /// How long it took to open them, TLS included; in no other latency but the response time of who had to wait for it.
    pub set_up: Lag,
}

/// The figures of one step, without warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepReport {
    /// The step.
    pub name: String,
    /// The app it went to.
    pub app: AppId,
    /// The contract's route it is judged under.
    pub route: String,
    /// Requests that came to an end, good or bad.
    pub count: u64,
    /// Expected answers.
    pub ok: u64,
    /// Errors by kind; kinds that did not occur are left out.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests cut off by the hard deadline; not in `count`.
    pub cut_off: u64,
    /// Bytes of bodies received.
    pub body_bytes: u64,
    /// From the actual send to the last byte.
    pub service: Latency,
    /// From the intended start to the last byte: a late start counts.
    pub response: Latency,
    /// From the actual send to the first byte, of expected answers.
    pub first_byte: Latency,
    /// Exact counts of response times above limits, timeouts included.
    pub over: Vec<OverLimit>,
    /// Response times in microseconds in send order; [`INFINITE_US`] for a timeout. Other failures are not in here.
    pub samples_us: Vec<u32>,
    /// Places (from 0, in send order of all kept requests) of those that failed, for the autocorrelation of errors.
    pub failed_at: Vec<u32>,
    /// True if there were more than were kept.
    pub samples_truncated: bool,
    /// One point for each second of the load.
    pub series: Vec<SecondPoint>,
    /// True if the load was longer than the series holds.
    pub series_truncated: bool,
    /// The slowest, slowest first.
    pub slowest: Vec<Exemplar>,
    /// The first that failed.
    pub failed: Vec<Exemplar>,
    /// The figures of its streams, if its answers are streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<Box<StreamReport>>,
    /// Apart for each kind of stage, if the executor has stages: a verdict on the steady part rests on these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stages: BTreeMap<StageTag, StageFigures>,
    /// Requests with the expected answer one by one, in the order of iterations, those of the warm-up too; empty unless
    /// `LoadOptions::keep_acknowledged` asks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Told>,
    /// Requests without the expected answer, likewise: nobody knows whether they took effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unacknowledged: Vec<Told>,
    /// Requests that would be in one of these lists had there been room.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub told_not_kept: u64,
}

/// The figures of one step during the stages of one kind, by intended starts and without warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageFigures {
    /// Requests that came to an end, good or bad.
    pub count: u64,
    /// Expected answers.
    pub ok: u64,
    /// Errors by kind; kinds that did not occur are left out.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// From the intended start to the last byte.
    pub response: Latency,
    /// Exact counts of response times above limits, timeouts included.
    pub over: Vec<OverLimit>,
}

/// One request by which something was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The number of its iteration, as `{{iteration}}` gave it.
    pub iteration: u64,
    /// Its trace.
    pub trace_id: TraceId,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The sample that stands for a timeout.
pub const INFINITE_US: u32 = u32::MAX;

impl StepReport {
    /// How many requests, from the first in send order on, `samples_us` and `failed_at` tell of.
    #[must_use]
    pub fn kept(&self) -> u64 {
        if self.samples_truncated { MAX_SAMPLES as u64 } else { self.count }
    }

    /// Failed requests.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.count - self.ok
    }

    /// The share of failed requests; `None` without requests.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown; verdicts use the counts")]
    pub fn error_rate(&self) -> Option<f64> {
        (self.count > 0).then(|| self.error_count() as f64 / self.count as f64)
    }

    /// The exact count of response times above a limit; `None` if no counter was kept for it.
    #[must_use]
    pub fn over(&self, limit: crate::units::Micros) -> Option<u64> {
        self.over.iter().find(|over| over.limit_us == limit.0).map(|over| over.count)
    }
}

impl LoadReport {
    /// The figures of a step.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.name == name)
    }
}

/// How many response times were above a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverLimit {
    /// The limit in microseconds; a response of exactly this is not above it.
    pub limit_us: u64,
    /// How many were.
    pub count: u64,
}

/// One second of one step. Percentiles are of response times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondPoint {
    /// The second, from 0 at the start of the load, warm-up included.
    pub second: u64,
    /// True if it belongs to the warm-up.
    pub warm_up: bool,
    /// What the load did when the second began.
    #[serde(default)]
    pub stage: StageTag,
    /// Requests sent.
    pub sent: u64,
    /// Expected answers.
    pub ok: u64,
    /// Failed requests.
    pub errors: u64,
    /// Median, if there was any and it is finite.
    pub p50_us: Option<u64>,
    /// 95th percentile.
    pub p95_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// Greatest finite one.
    pub max_us: Option<u64>,
}

/// One request as an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// When its answer ended, wall clock.
    pub at_unix_ms: i64,
    /// From the intended start, in microseconds.
    pub response_us: u64,
    /// From the actual send, in microseconds.
    pub service_us: u64,
    /// What went wrong, if it did.
    pub error: Option<String>,
    /// Request and answer, without secrets.
    pub capsule: Capsule,
}

/// A request as a curl line and the start of its answer, with secrets and personal data taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// Repeats the request.
    pub curl: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The first 300 bytes of the answer's body.
    pub body: String,
}

/// One request as the generator saw it, to be joined with what the apps report under the same trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRecord {
    /// The trace.
    pub trace_id: TraceId,
    /// The app.
    pub app: AppId,
    /// The contract's route.
    pub route: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// True for the expected answer.
    pub ok: bool,
    /// From the actual send, in microseconds.
    pub service_us: u64,
    /// What the app says it took, in microseconds (`Server-Timing: app;dur=…`).
    pub app_us: Option<u64>,
    /// When the answer ended, wall clock.
    pub at_unix_ms: i64,
}
