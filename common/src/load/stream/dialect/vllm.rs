//! `vllm bench serve` (before: `benchmark_serving.py`).

use crate::load::stream::log::ChunkLog;
use crate::scenario::StreamRules;

use super::{DialectRow, Figure, Rows, Sample, float, ms, output_tokens};

pub(super) const ABOUT: &str = "vLLM, `vllm bench serve`: `calculate_metrics` of vllm/benchmarks/serve.py and \
     `async_request_openai_chat_completions` of vllm/benchmarks/lib/endpoint_request_func.py (github.com/vllm-project/vllm). \
     Percentiles by linear interpolation (numpy.percentile). A chunk is an event with choices: the one that only names the \
     role counts as the first token.";
pub(super) const SUCCESS: &str = "status 200, the connection came to its end, at least one chunk with choices";

const REQUESTS: &str = "vllm/benchmarks/lib/endpoint_request_func.py";
const FIGURES: [Figure; 3] = [Figure::Mean, Figure::Median, Figure::Interpolated(99)];

/// One request as vLLM's client sees it, in microseconds from the send.
struct Output {
    ttft: u64,
    latency: u64,
    gaps: Vec<u64>,
    tokens: u64,
}

impl Output {
    fn of(log: &ChunkLog) -> Option<Self> {
        let at: Vec<u64> =
            log.chunks.iter().filter(|chunk| chunk.kind.has_choices()).map(|chunk| chunk.at_us).collect();
        let since = |at: &u64| at.saturating_sub(log.sent_us);
        Some(Self {
            ttft: since(at.first()?),
            latency: since(at.last()?),
            gaps: at.windows(2).map(|pair| pair[1] - pair[0]).collect(),
            // Without a bill vLLM asks its tokenizer, or takes 1.
            tokens: output_tokens(log).max(1),
        })
    }

    fn tpot_ms(&self) -> Option<f64> {
        (self.tokens > 1).then(|| ms(self.latency - self.ttft) / float(self.tokens - 1))
    }

    fn keeps(&self, rules: &StreamRules) -> bool {
        let within = |value_ms: f64, limit: Option<u64>| limit.is_none_or(|limit| value_ms <= float(limit));
        within(ms(self.ttft), rules.goodput.ttft_ms)
            && within(self.tpot_ms().unwrap_or(0.0), rules.goodput.tpot_ms)
            && within(ms(self.latency), rules.goodput.e2e_ms)
    }
}

pub(super) fn rows(logs: &[&ChunkLog], duration_s: f64, rules: &StreamRules) -> Vec<DialectRow> {
    let outputs: Vec<Output> = logs.iter().filter_map(|log| Output::of(log)).collect();
    let n = outputs.len();
    let tokens: u64 = outputs.iter().map(|output| output.tokens).sum();
    let good = outputs.iter().filter(|output| output.keeps(rules)).count();
    let mut rows = Rows::new("vllm/benchmarks/serve.py, calculate_metrics");
    let rate = |count: u64| Some(float(count) / duration_s);
    rows.value("Request throughput", "requests/s", "successes / duration", n, rate(n as u64));
    rows.value(
        "Request goodput",
        "requests/s",
        "successes with ttft, tpot and e2el within the limits (tpot of one token: 0) / duration",
        n,
        rate(good as u64),
    );
    rows.value("Total generated tokens", "tokens", "Σ usage.completion_tokens", n, Some(float(tokens)));
    rows.value("Output token throughput", "tokens/s", "Σ usage.completion_tokens / duration", n, rate(tokens));
    let ttft = Sample::new(outputs.iter().map(|output| ms(output.ttft)));
    let tpot = Sample::new(outputs.iter().filter_map(Output::tpot_ms));
    let itl = Sample::new(outputs.iter().flat_map(|output| output.gaps.iter().map(|gap| ms(*gap))));
    let e2el = Sample::new(outputs.iter().map(|output| ms(output.latency)));
    rows.distribution("TPOT", "ms", "(latency − ttft) / (output tokens − 1), for more than one token", &tpot, &FIGURES);
    rows.source = REQUESTS;
    rows.distribution("TTFT", "ms", "first chunk with choices − send", &ttft, &FIGURES);
    rows.distribution("ITL", "ms", "each chunk with choices − the one before", &itl, &FIGURES);
    rows.distribution("E2EL", "ms", "last chunk with choices − send (`latency`)", &e2el, &FIGURES);
    rows.rows
}
