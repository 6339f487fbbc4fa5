//! The same logs in the words of other tools. Tools that call different things by the same name are the rule here: each
//! number stands beside the formula that it comes from.

mod aiperf;
mod guidellm;
mod sample;
mod vllm;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::load::report::ErrorKind;
use crate::scenario::StreamRules;

use super::log::ChunkLog;

use sample::Sample;

/// A tool whose definitions are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `vllm bench serve`.
    Vllm,
    /// GuideLLM.
    Guidellm,
    /// NVIDIA AIPerf, the successor of GenAI-Perf.
    Aiperf,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vllm, Self::Guidellm, Self::Aiperf];
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vllm => "vllm",
            Self::Guidellm => "guidellm",
            Self::Aiperf => "aiperf",
        })
    }
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dialect| dialect.to_string() == text);
        found.ok_or_else(|| format!("unknown dialect {text:?}; there are vllm, guidellm, aiperf"))
    }
}

/// The figures of some streams in a tool's definitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialectTable {
    /// The tool.
    pub dialect: Dialect,
    /// Its name in full, where its definitions were read, and how it forms percentiles.
    pub about: String,
    /// What it counts as a success, in words.
    pub success: String,
    /// Streams that were looked at.
    pub streams: u64,
    /// Successes by its definition.
    pub succeeded: u64,
    /// Successes by its definition that count as errors here: a stream without `[DONE]`, a wrong bill.
    pub errors_here: u64,
    /// Its figures, in the order of its own report.
    pub rows: Vec<DialectRow>,
}

/// One figure: a distribution, or a single value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DialectRow {
    /// The tool's name for it.
    pub metric: String,
    /// `ms`, `s`, `tokens/s`, `requests/s`, `tokens`, `share`.
    pub unit: String,
    /// The formula.
    pub formula: String,
    /// Where it stands.
    pub source: String,
    /// Values that went in.
    pub n: u64,
    /// `mean`, `median`, `p99`, … or `value`, to four digits after the point, in the tool's order; nothing without values.
    pub figures: Vec<(String, f64)>,
}

/// The figures of these streams in a tool's definitions. Tokens of a stream are what its usage bills, or those counted
/// where there is no bill: this engine has no tokenizer.
#[must_use]
pub fn dialect(logs: &[ChunkLog], rules: &StreamRules, dialect: Dialect) -> DialectTable {
    let answered: Vec<&ChunkLog> = logs.iter().filter(|log| answered(log)).collect();
    let succeeded: Vec<&ChunkLog> = match dialect {
        Dialect::Vllm => answered.into_iter().filter(|log| log.chunks.iter().any(|c| c.kind.has_choices())).collect(),
        Dialect::Guidellm => answered,
        Dialect::Aiperf => answered.into_iter().filter(|log| log.output_at_us().next().is_some()).collect(),
    };
    let seconds = duration_s(&succeeded);
    let (about, success, rows) = match dialect {
        Dialect::Vllm => (vllm::ABOUT, vllm::SUCCESS, vllm::rows(&succeeded, seconds, rules)),
        Dialect::Guidellm => (guidellm::ABOUT, guidellm::SUCCESS, guidellm::rows(&succeeded, seconds)),
        Dialect::Aiperf => (aiperf::ABOUT, aiperf::SUCCESS, aiperf::rows(logs, &succeeded, seconds, rules)),
    };
    DialectTable {
        dialect,
        about: about.to_owned(),
        success: success.to_owned(),
        streams: logs.len() as u64,
        succeeded: succeeded.len() as u64,
        errors_here: succeeded.iter().filter(|log| log.error.is_some()).count() as u64,
        rows,
    }
}

/// True if the connection gave an answer with the right status to its end, whatever the answer was worth.
fn answered(log: &ChunkLog) -> bool {
    log.closed_us.is_some()
        && log.error.as_ref().is_none_or(|error| matches!(error.kind, ErrorKind::Protocol | ErrorKind::Expectation))
}

/// From the first send to the last end, in seconds.
fn duration_s(logs: &[&ChunkLog]) -> f64 {
    let begin = logs.iter().map(|log| log.sent_us).min().unwrap_or(0);
    let end = logs.iter().filter_map(|log| log.closed_us).max().unwrap_or(begin);
    seconds(end.saturating_sub(begin))
}

/// What the provider bills, or what was counted.
fn output_tokens(log: &ChunkLog) -> u64 {
    log.usage.map(|usage| usage.completion_tokens).filter(|tokens| *tokens > 0).unwrap_or_else(|| log.counted_tokens())
}

#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
fn float(value: u64) -> f64 {
    value as f64
}

fn seconds(us: u64) -> f64 {
    float(us) / 1e6
}

fn ms(us: u64) -> f64 {
    float(us) / 1e3
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// Builds the rows of one tool.
struct Rows {
    source: &'static str,
    rows: Vec<DialectRow>,
}

impl Rows {
    fn new(source: &'static str) -> Self {
        Self { source, rows: Vec::new() }
    }

    fn distribution(&mut self, metric: &str, unit: &str, formula: &str, sample: &Sample, figures: &[Figure]) {
        let figures = figures.iter().filter_map(|figure| Some((figure.name(), rounded(figure.of(sample)?))));
        self.push(metric, unit, formula, sample.len(), figures.collect());
    }

    /// A single value; absent without anything to compute it from.
    fn value(&mut self, metric: &str, unit: &str, formula: &str, n: usize, value: Option<f64>) {
        let value = value.filter(|value| value.is_finite()).map(|value| ("value".to_owned(), rounded(value)));
        self.push(metric, unit, formula, n, value.into_iter().collect());
    }

    fn push(&mut self, metric: &str, unit: &str, formula: &str, n: usize, figures: Vec<(String, f64)>) {
        self.rows.push(DialectRow {
            metric: metric.to_owned(),
            unit: unit.to_owned(),
            formula: formula.to_owned(),
            source: self.source.to_owned(),
            n: n as u64,
            figures,
        });
    }
}

/// One number of a distribution, as tools form it.
#[derive(Clone, Copy)]
enum Figure {
    Mean,
    Median,
    /// A percentile by linear interpolation between ranks (numpy's default, type 7 of Hyndman and Fan).
    Interpolated(u32),
    /// The least value at which the weights below and at it reach the share.
    Weighted(u32),
}

impl Figure {
    fn name(self) -> String {
        match self {
            Self::Mean => "mean".to_owned(),
            Self::Median | Self::Weighted(50) => "median".to_owned(),
            Self::Interpolated(percent) | Self::Weighted(percent) => format!("p{percent}"),
        }
    }

    fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Mean => sample.mean(),
            Self::Median => sample.interpolated(50),
            Self::Interpolated(percent) => sample.interpolated(percent),
            Self::Weighted(percent) => sample.weighted(percent),
        }
    }
}
