//! What the record keeps of streams: their latencies, the goodput with its interval, and other tools' words for them.

use common::load::{ChunkLog, Dialect, Latency, StreamReport, dialect};
use common::slo::wilson;
use common::units::Micros;

use super::figures::{as_f64, distribution};
use crate::record::{Goodput, StreamFigures, StreamLatency};

/// Logs of the first streams that go into the record beside the failed and the latest.
const FIRST_LOGS: usize = 3;

/// Figures of the streams of one step over so many seconds of load.
pub(crate) fn figures(stream: &StreamReport, seconds: f64) -> StreamFigures {
    let per_s = |count: u64| if seconds > 0.0 { as_f64(count) / seconds } else { 0.0 };
    let words = stream.faults.iter().map(|(fault, count)| (fault.to_string(), *count));
    StreamFigures {
        rules: stream.rules,
        streams: stream.streams,
        whole: stream.whole,
        cut_off: stream.cut_off,
        faults: words.collect(),
        chunks: stream.chunks,
        comments: stream.comments,
        tokens: stream.tokens,
        billed_tokens: stream.billed_tokens,
        tokens_per_s: per_s(stream.tokens),
        goodput: goodput(stream, per_s(stream.good)),
        latencies: latencies(stream),
        ttft_distribution: distribution(&stream.ttft),
        dialects: Dialect::ALL.map(|own| dialect(&stream.logs, &stream.rules, own)).into(),
        logs_not_kept: stream.logs_not_kept,
        examples: examples(stream),
    }
}

fn goodput(stream: &StreamReport, per_s: f64) -> Goodput {
    let (good, of) = (stream.good, stream.streams);
    let interval = wilson(as_f64(good), as_f64(of), 0.95);
    Goodput {
        good,
        of,
        per_s,
        share_pct: if of > 0 { as_f64(good) / as_f64(of) * 100.0 } else { 0.0 },
        interval_pct: (interval.lower * 100.0, interval.upper * 100.0),
    }
}

fn latencies(stream: &StreamReport) -> Vec<StreamLatency> {
    let all = [
        ("TTFT", "first token − intended start", &stream.ttft),
        ("TTFT from send", "first token − actual send", &stream.ttft_service),
        ("TPOT", "(last token − first token) / (tokens − 1), for more than one token", &stream.tpot),
        ("chunk gap", "each chunk with output − the one before", &stream.gap),
        ("E2E, last token", "last token − intended start", &stream.last_token),
        ("E2E, close", "end of the answer − intended start", &stream.close),
    ];
    all.map(|(metric, formula, latency)| figures_of(metric, formula, latency)).into()
}

fn figures_of(metric: &str, formula: &str, latency: &Latency) -> StreamLatency {
    let summary = latency.summary();
    let ms = |us: Option<u64>| us.map(|us| Micros(us).as_ms());
    StreamLatency {
        metric: metric.to_owned(),
        formula: formula.to_owned(),
        n: summary.count,
        timeouts: summary.beyond,
        p50_ms: ms(summary.p50_us),
        p90_ms: ms(summary.p90_us),
        p95_ms: ms(summary.p95_us),
        p99_ms: ms(summary.p99_us),
        max_ms: ms(summary.max_us),
    }
}

/// Some raw logs, each once.
fn examples(stream: &StreamReport) -> Vec<ChunkLog> {
    let mut examples: Vec<ChunkLog> = Vec::new();
    for log in stream.failed.iter().chain(&stream.latest).chain(stream.logs.iter().take(FIRST_LOGS)) {
        if !examples.contains(log) {
            examples.push(log.clone());
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use common::load::{Chunk, ChunkKind, LoggedError};
    use common::scenario::StreamRules;

    use super::*;

    #[test]
    fn an_error_lowers_the_goodput_and_stands_among_the_examples() {
        let chunk = |at_us| Chunk { at_us, kind: ChunkKind::Content, tokens: 1, bytes: 9 };
        let whole =
            ChunkLog { chunks: vec![chunk(2_000), chunk(5_000)], closed_us: Some(6_000), ..ChunkLog::default() };
        let error = LoggedError { kind: common::load::ErrorKind::Protocol, detail: "no end".into() };
        let mut report = StreamReport::new(StreamRules::default());
        (0..3).for_each(|_| report.record(&whole, None));
        report.record(&ChunkLog { error: Some(error), ..whole }, Some(common::load::StreamFault::Truncated));
        let figures = figures(&report, 2.0);
        assert_eq!((figures.goodput.good, figures.goodput.of, figures.goodput.per_s), (3, 4, 1.5));
        // Wilson's interval of 3 among 4.
        let (lower, upper) = figures.goodput.interval_pct;
        assert!((lower - 30.06).abs() < 0.01 && (upper - 95.44).abs() < 0.01, "{lower} to {upper}");
        assert_eq!((figures.tokens_per_s, figures.examples.len(), figures.dialects.len()), (3.0, 2, 3));
        assert_eq!(figures.faults.keys().collect::<Vec<_>>(), ["ended without [DONE]"]);
        assert_eq!(figures.latencies[0].p95_ms, Some(2.0));
    }
}
