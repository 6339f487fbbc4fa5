//! NVIDIA AIPerf, the successor of GenAI-Perf.

use crate::load::report::ErrorKind;
use crate::load::stream::log::ChunkLog;
use crate::scenario::StreamRules;

use super::{DialectRow, Figure, Rows, Sample, float, ms, output_tokens};

pub(super) const ABOUT: &str = "NVIDIA AIPerf: docs/metrics-reference.md and src/aiperf/metrics/types/ \
     (github.com/ai-dynamo/aiperf; docs.nvidia.com/aiperf). Percentiles by linear interpolation. A content response is an \
     event with text or a part of a tool call; the request ends with the last of them. Output sequence length is what usage \
     bills, where AIPerf asks its own tokenizer.";
pub(super) const SUCCESS: &str = "a good status, the connection came to its end, at least one content response";

const TYPES: &str = "src/aiperf/metrics/types";
const REFERENCE: &str = "docs/metrics-reference.md";
const FIGURES: [Figure; 4] = [Figure::Mean, Figure::Median, Figure::Interpolated(90), Figure::Interpolated(99)];

/// One record, in microseconds.
struct Record {
    ttft: u64,
    ttst: Option<u64>,
    latency: u64,
    gaps: Vec<u64>,
    tokens: u64,
}

impl Record {
    fn of(log: &ChunkLog) -> Option<Self> {
        let at: Vec<u64> = log.output_at_us().collect();
        let since = |at: &u64| at.saturating_sub(log.sent_us);
        let gaps: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        Some(Self {
            ttft: since(at.first()?),
            ttst: gaps.first().copied(),
            latency: since(at.last()?),
            gaps,
            tokens: output_tokens(log),
        })
    }

    fn itl_ms(&self) -> Option<f64> {
        (self.tokens > 1).then(|| ms(self.latency - self.ttft) / float(self.tokens - 1))
    }

    /// AIPerf's SLO of the time per token is that of its ITL; a record without one does not keep it.
    fn keeps(&self, rules: &StreamRules) -> bool {
        let limits = &rules.goodput;
        let within = |value_ms: Option<f64>, limit: Option<u64>| {
            limit.is_none_or(|limit| value_ms.is_some_and(|value| value <= float(limit)))
        };
        within(Some(ms(self.ttft)), limits.ttft_ms)
            && within(self.itl_ms(), limits.tpot_ms)
            && within(Some(ms(self.latency)), limits.e2e_ms)
    }
}

pub(super) fn rows(all: &[ChunkLog], logs: &[&ChunkLog], duration_s: f64, rules: &StreamRules) -> Vec<DialectRow> {
    let records: Vec<Record> = logs.iter().filter_map(|log| Record::of(log)).collect();
    let of = |value: fn(&Record) -> Option<f64>| Sample::new(records.iter().filter_map(value));
    let gaps = Sample::new(records.iter().flat_map(|record| record.gaps.iter().map(|gap| ms(*gap))));
    let mut rows = Rows::new(REFERENCE);
    rows.distribution(
        "Time to First Token",
        "ms",
        "first content response − start",
        &of(|r| Some(ms(r.ttft))),
        &FIGURES,
    );
    rows.distribution(
        "Time to Second Token",
        "ms",
        "second content response − first",
        &of(|r| r.ttst.map(ms)),
        &FIGURES,
    );
    rows.distribution("Request Latency", "ms", "last content response − start", &of(|r| Some(ms(r.latency))), &FIGURES);
    rows.distribution(
        "Inter Token Latency",
        "ms",
        "(request latency − TTFT) / (output sequence length − 1), for two tokens or more",
        &of(Record::itl_ms),
        &FIGURES,
    );
    rows.distribution("Inter Chunk Latency", "ms", "each content response − the one before", &gaps, &FIGURES);
    let per_user = of(|r| r.itl_ms().filter(|itl| *itl > 0.0).map(|itl| 1_000.0 / itl));
    rows.distribution("Output Token Throughput Per User", "tokens/s", "1 / ITL", &per_user, &FIGURES);
    let e2e = of(|r| (r.latency > 0).then(|| float(r.tokens) * 1e6 / float(r.latency)));
    rows.distribution(
        "E2E Output Token Throughput",
        "tokens/s",
        "output sequence length / request latency",
        &e2e,
        &FIGURES,
    );
    let lengths = of(|r| Some(float(r.tokens)));
    rows.distribution("Output Sequence Length", "tokens", "tokens of the answer", &lengths, &FIGURES);
    totals(&mut rows, all, &records, duration_s, rules);
    rows.rows
}

fn totals(rows: &mut Rows, all: &[ChunkLog], records: &[Record], duration_s: f64, rules: &StreamRules) {
    let n = records.len();
    let tokens: u64 = records.iter().map(|record| record.tokens).sum();
    let good = float(records.iter().filter(|record| record.keeps(rules)).count() as u64);
    rows.value(
        "Output Token Throughput",
        "tokens/s",
        "Σ output sequence length / duration",
        n,
        Some(float(tokens) / duration_s),
    );
    rows.value("Request Throughput", "requests/s", "requests / duration", n, Some(float(n as u64) / duration_s));
    rows.value(
        "Goodput",
        "requests/s",
        "good requests (TTFT, ITL and request latency within the limits) / duration",
        n,
        Some(good / duration_s),
    );
    rows.source = TYPES;
    let attempted = n + all.iter().filter(|log| failed(log)).count();
    let share = (attempted > 0).then(|| good / float(attempted as u64));
    rows.value("Good Request Fraction", "share", "good requests / (requests + failed requests)", attempted, share);
}

/// Failed by AIPerf's definition: no answer, a bad status, or no content.
fn failed(log: &ChunkLog) -> bool {
    let broken =
        log.error.as_ref().is_some_and(|error| !matches!(error.kind, ErrorKind::Protocol | ErrorKind::Expectation));
    broken || log.closed_us.is_none() || log.output_at_us().next().is_none()
}
