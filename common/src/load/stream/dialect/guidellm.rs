//! GuideLLM.

use crate::load::stream::log::ChunkLog;

use super::{DialectRow, Figure, Rows, Sample, float, ms, output_tokens, seconds};

pub(super) const ABOUT: &str = "GuideLLM: `GenerativeRequestStats` of src/guidellm/schemas/request_stats.py, aggregated in \
     src/guidellm/benchmark/schemas/metrics.py and statistics.py (github.com/vllm-project/guidellm; docs/guides/metrics.md). A \
     percentile is the least value at which the weights reach the share; TPOT is weighted by output tokens, ITL by output \
     tokens − 1. Unlike others, its TPOT holds the time to the first token.";
pub(super) const SUCCESS: &str = "a good status, and the connection came to its end";

const FIGURES: [Figure; 4] = [Figure::Mean, Figure::Weighted(50), Figure::Weighted(95), Figure::Weighted(99)];

/// First and last token from the send, in milliseconds.
fn span(log: &ChunkLog) -> Option<(f64, f64)> {
    let mut output = log.output_at_us();
    let first = output.next()?;
    let last = output.next_back().unwrap_or(first);
    let since = |at: u64| ms(at.saturating_sub(log.sent_us));
    Some((since(first), since(last)))
}

pub(super) fn rows(logs: &[&ChunkLog], duration_s: f64) -> Vec<DialectRow> {
    let spans = || logs.iter().filter_map(|log| Some((span(log)?, float(output_tokens(log)))));
    let latency = logs.iter().filter_map(|log| Some(seconds(log.closed_us?.saturating_sub(log.sent_us))));
    let tokens: u64 = logs.iter().map(|log| output_tokens(log)).sum();
    let ttft = Sample::new(spans().map(|((first, _), _)| first));
    let itl = spans().filter(|(_, tokens)| *tokens > 1.0);
    let itl = Sample::of_weighted(itl.map(|((first, last), tokens)| ((last - first) / (tokens - 1.0), tokens - 1.0)));
    let tpot = spans().filter(|(_, tokens)| *tokens > 0.0);
    let tpot = Sample::of_weighted(tpot.map(|((_, last), tokens)| (last / tokens, tokens)));
    let per_request = logs.iter().filter_map(|log| {
        let latency = seconds(log.closed_us?.saturating_sub(log.sent_us));
        (latency > 0.0).then(|| float(output_tokens(log)) / latency)
    });
    let n = logs.len();
    let mut rows = Rows::new("src/guidellm/schemas/request_stats.py");
    rows.distribution("Request latency", "s", "end of the request − start", &Sample::new(latency), &FIGURES);
    rows.distribution(
        "TTFT",
        "ms",
        "first chunk with text or a tool call − start; requests with a token only",
        &ttft,
        &FIGURES,
    );
    rows.distribution(
        "ITL",
        "ms",
        "(last token − first token) / (output tokens − 1), weighted by output tokens − 1",
        &itl,
        &FIGURES,
    );
    rows.distribution("TPOT", "ms", "(last token − start) / output tokens, weighted by output tokens", &tpot, &FIGURES);
    rows.distribution(
        "Output tokens per second, of a request",
        "tokens/s",
        "output tokens / request latency",
        &Sample::new(per_request),
        &FIGURES,
    );
    rows.source = "src/guidellm/benchmark/schemas/metrics.py";
    rows.value("Requests per second", "requests/s", "successes / duration", n, Some(float(n as u64) / duration_s));
    rows.value(
        "Output tokens per second",
        "tokens/s",
        "Σ output tokens / duration",
        n,
        Some(float(tokens) / duration_s),
    );
    rows.rows
}
