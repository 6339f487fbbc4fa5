//! What the record keeps of the streams of one route.

use std::collections::BTreeMap;

use common::load::{ChunkLog, DialectTable};
use common::scenario::StreamRules;
use serde::{Deserialize, Serialize};

/// The streams of one route under one load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StreamFigures {
    /// How tokens were counted, and the limits of the goodput.
    pub(crate) rules: StreamRules,
    /// Streams that came to an end, good or bad.
    pub(crate) streams: u64,
    /// Whole ones.
    pub(crate) whole: u64,
    /// Cut off at the end of the load; not in `streams`.
    pub(crate) cut_off: u64,
    /// What was wrong with streams, in words, and how often.
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) chunks: u64,
    /// Lines that keep a connection alive.
    pub(crate) comments: u64,
    /// Tokens of whole streams.
    pub(crate) tokens: u64,
    /// Completion tokens that the bills of whole streams name.
    pub(crate) billed_tokens: u64,
    /// Tokens of whole streams a second of the load.
    pub(crate) tokens_per_s: f64,
    pub(crate) goodput: Goodput,
    /// TTFT, TPOT, gaps, end to end, each with its formula.
    pub(crate) latencies: Vec<StreamLatency>,
    /// (percentile 0–100, milliseconds) of the time to first token, rising.
    pub(crate) ttft_distribution: Vec<(f64, f64)>,
    /// The same logs in the definitions of other tools.
    pub(crate) dialects: Vec<DialectTable>,
    /// Streams whose log was not kept, and which the dialects therefore lack.
    pub(crate) logs_not_kept: u64,
    /// Raw logs: failed ones, those with the latest first token, the first.
    pub(crate) examples: Vec<ChunkLog>,
}

/// Streams that are whole and keep all limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Goodput {
    pub(crate) good: u64,
    /// Streams that came to an end: errors and timeouts are among them, cut-off ones are not.
    pub(crate) of: u64,
    pub(crate) per_s: f64,
    pub(crate) share_pct: f64,
    /// 95 % interval of the share (Wilson), in percent.
    pub(crate) interval_pct: (f64, f64),
}

/// One latency of streams. A percentile is absent where there is none or it lies among timeouts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StreamLatency {
    pub(crate) metric: String,
    pub(crate) formula: String,
    pub(crate) n: u64,
    pub(crate) timeouts: u64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p90_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
}
