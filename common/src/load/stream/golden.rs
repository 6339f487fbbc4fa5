//! Traces with known times: what arrived when, and the figures computed by hand beside it.
//!
//! A line `@TIME TEXT` is a piece of bytes that arrived at this microsecond, with `\n`, `\r` and `\xHH` as in Rust; lines
//! with `=` are what the log of it must give. What a trace does not name must not be there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::load::report::ErrorKind;
use crate::scenario::{GoodputLimits, StreamRules, TokenCount};

use super::{ChunkLog, Dialect, Flaw, LoggedError, StreamReader, Wanted, dialect};

const TRACES: [(&str, &str); 17] = [
    ("usual", include_str!("golden/usual.trace")),
    ("cut_anywhere", include_str!("golden/cut_anywhere.trace")),
    ("two_in_one_read", include_str!("golden/two_in_one_read.trace")),
    ("empty_content", include_str!("golden/empty_content.trace")),
    ("single_token", include_str!("golden/single_token.trace")),
    ("tool_calls", include_str!("golden/tool_calls.trace")),
    ("no_done", include_str!("golden/no_done.trace")),
    ("done_without_empty_line", include_str!("golden/done_without_empty_line.trace")),
    ("usage_mismatch", include_str!("golden/usage_mismatch.trace")),
    ("usage_missing", include_str!("golden/usage_missing.trace")),
    ("many_per_chunk", include_str!("golden/many_per_chunk.trace")),
    ("billed_too_few", include_str!("golden/billed_too_few.trace")),
    ("keep_alives", include_str!("golden/keep_alives.trace")),
    ("after_done", include_str!("golden/after_done.trace")),
    ("error_event", include_str!("golden/error_event.trace")),
    ("no_tokens", include_str!("golden/no_tokens.trace")),
    ("not_chunks", include_str!("golden/not_chunks.trace")),
];

#[derive(Debug, Default)]
struct Trace {
    scheduled_us: u64,
    sent_us: u64,
    headers_us: Option<u64>,
    closed_us: Option<u64>,
    wanted: Wanted,
    pieces: Vec<(u64, Vec<u8>)>,
    expected: BTreeMap<String, String>,
}

impl Trace {
    fn parse(text: &str) -> Self {
        let mut trace = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "scheduled" => trace.scheduled_us = rest.parse().unwrap(),
                "sent" => trace.sent_us = rest.parse().unwrap(),
                "headers" => trace.headers_us = Some(rest.parse().unwrap()),
                "closed" => trace.closed_us = Some(rest.parse().unwrap()),
                "wants" => trace.wanted.usage = true,
                "count" => trace.wanted.rules.tokens = TokenCount::AsBilled,
                "=" => {
                    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    trace.expected.insert(name.to_owned(), value.to_owned());
                }
                at => trace.pieces.push((at.strip_prefix('@').unwrap().parse().unwrap(), unescape(rest))),
            }
        }
        trace
    }

    fn of(name: &str) -> Self {
        Self::parse(TRACES.iter().find(|(own, _)| *own == name).unwrap().1)
    }

    /// Reads the pieces, each cut again by `cut`.
    fn read(&self, reader: &mut StreamReader, cut: impl Fn(&[u8]) -> Vec<&[u8]>) -> (ChunkLog, Option<Flaw>) {
        let log = reader.clear();
        (log.scheduled_us, log.sent_us, log.headers_us) = (self.scheduled_us, self.sent_us, self.headers_us);
        for (at, bytes) in &self.pieces {
            cut(bytes).into_iter().for_each(|part| reader.piece_at(*at, part));
        }
        let flaw = reader.judge(self.wanted, Some("text/event-stream; charset=utf-8")).err();
        (ChunkLog { closed_us: self.closed_us, ..reader.log().clone() }, flaw)
    }

    fn whole(&self) -> (ChunkLog, Option<Flaw>) {
        self.read(&mut StreamReader::default(), |bytes| vec![bytes])
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        let escape = if *first == b'\\' { rest.first() } else { None };
        let (byte, length) = match escape {
            Some(b'n') => (b'\n', 1),
            Some(b'r') => (b'\r', 1),
            Some(b'x') => (u8::from_str_radix(std::str::from_utf8(&rest[1..3]).unwrap(), 16).unwrap(), 3),
            _ => (*first, 0),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

/// Everything that a trace may name, as text.
fn seen(trace: &Trace, log: &ChunkLog, flaw: Option<&Flaw>) -> BTreeMap<String, String> {
    let metrics = log.metrics(trace.wanted.rules.tokens);
    let words = |values: Vec<String>| values.join(" ");
    let kind = |chunk: &super::Chunk| serde_json::to_value(chunk.kind).unwrap().as_str().unwrap().to_owned();
    let mut seen = BTreeMap::from([
        ("kinds".to_owned(), words(log.chunks.iter().map(kind).collect())),
        ("tokens".to_owned(), metrics.tokens.to_string()),
    ]);
    let gaps: Vec<String> = log.gaps_us().map(|gap| gap.to_string()).collect();
    let optional = [
        ("ttft_us", metrics.ttft_us.map(|us| us.to_string())),
        ("ttft_service_us", metrics.ttft_service_us.map(|us| us.to_string())),
        ("tpot_us", metrics.tpot_us.map(|us| us.to_string())),
        ("last_token_us", metrics.last_token_us.map(|us| us.to_string())),
        ("close_us", metrics.close_us.map(|us| us.to_string())),
        ("gaps_us", (!gaps.is_empty()).then(|| words(gaps))),
        ("comments", (log.comments > 0).then(|| log.comments.to_string())),
        ("fault", flaw.map(|flaw| serde_json::to_value(flaw.fault).unwrap().as_str().unwrap().to_owned())),
    ];
    seen.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    seen
}

#[test]
fn every_trace_gives_the_figures_that_were_computed_by_hand() {
    // One reader for all of them, as a virtual user has: nothing of one stream may be left in the next.
    let mut reader = StreamReader::default();
    for (name, text) in TRACES {
        let trace = Trace::parse(text);
        let (log, flaw) = trace.read(&mut reader, |bytes| vec![bytes]);
        assert_eq!(seen(&trace, &log, flaw.as_ref()), trace.expected, "{name}: {flaw:?}");
    }
}

#[test]
fn a_flaw_says_what_came_instead() {
    let detail = |name: &str| Trace::of(name).whole().1.unwrap().detail;
    assert_eq!(detail("usage_mismatch"), "usage says 4 completion tokens, 2 were counted");
    assert_eq!(detail("no_done"), "the stream ended without [DONE] after 2 tokens");
    assert!(detail("done_without_empty_line").ends_with("in the middle of an event"));
    assert!(detail("error_event").contains("overloaded"));
}

#[test]
fn limits_are_kept_by_the_figure_that_equals_them_and_broken_by_the_next_microsecond() {
    let metrics = Trace::of("usual").whole().0.metrics(TokenCount::OnePerChunk);
    let keeps = |ttft_ms, tpot_ms, e2e_ms| metrics.keeps(GoodputLimits { ttft_ms, tpot_ms, e2e_ms });
    assert!(keeps(Some(20), Some(3), Some(29)) && keeps(None, None, None));
    assert!(!keeps(Some(19), None, None) && !keeps(None, Some(2), None) && !keeps(None, None, Some(28)));
    let nothing = Trace::of("no_tokens").whole().0.metrics(TokenCount::OnePerChunk);
    assert!(!nothing.keeps(GoodputLimits::default()));
    let single = Trace::of("single_token").whole().0.metrics(TokenCount::OnePerChunk);
    assert!(single.keeps(GoodputLimits { tpot_ms: Some(1), ..GoodputLimits::default() }));
}

/// A figure of a tool's table.
fn figure(table: &super::DialectTable, metric: &str, figure: &str) -> f64 {
    let row = table.rows.iter().find(|row| row.metric == metric).unwrap_or_else(|| panic!("no {metric}"));
    row.figures.iter().find(|(name, _)| name == figure).unwrap_or_else(|| panic!("no {figure} of {metric}")).1
}

fn tables(names: &[&str]) -> [super::DialectTable; 3] {
    let logs: Vec<ChunkLog> = names
        .iter()
        .map(|name| {
            let (mut log, flaw) = Trace::of(name).whole();
            log.error = flaw.map(|flaw| LoggedError { kind: flaw.fault.kind(), detail: flaw.detail });
            log
        })
        .collect();
    let goodput = GoodputLimits { ttft_ms: Some(10), tpot_ms: None, e2e_ms: None };
    Dialect::ALL.map(|own| dialect(&logs, &StreamRules { goodput, ..StreamRules::default() }, own))
}

#[test]
fn the_same_trace_has_other_figures_in_each_tools_words() {
    // Sent 1200; role 11300; tokens 21000, 23000, 26000, 30000; reason 30200; end 30500; four tokens billed.
    let [vllm, guidellm, aiperf] = tables(&["usual"]);
    // vLLM: the role counts as the first token, the reason as the last: (30200 - 11300) / 3.
    assert_eq!(figure(&vllm, "TTFT", "mean"), 10.1);
    assert_eq!(figure(&vllm, "E2EL", "median"), 29.0);
    assert_eq!(figure(&vllm, "TPOT", "mean"), 6.3);
    // Its ITL: 9.7, 2, 3, 4, 0.2 ms.
    assert_eq!((figure(&vllm, "ITL", "median"), figure(&vllm, "ITL", "mean")), (3.0, 3.78));
    assert_eq!(figure(&vllm, "ITL", "p99"), 9.472);
    // GuideLLM: TPOT holds the time to the first token: 28800 / 4.
    assert_eq!((figure(&guidellm, "TTFT", "median"), figure(&guidellm, "TPOT", "mean")), (19.8, 7.2));
    assert_eq!((figure(&guidellm, "ITL", "p95"), figure(&guidellm, "Request latency", "mean")), (3.0, 0.0293));
    // AIPerf: ends with the last content.
    assert_eq!(
        (figure(&aiperf, "Time to First Token", "mean"), figure(&aiperf, "Time to Second Token", "mean")),
        (19.8, 2.0)
    );
    assert_eq!((figure(&aiperf, "Request Latency", "p99"), figure(&aiperf, "Inter Token Latency", "p99")), (28.8, 3.0));
    assert_eq!(figure(&aiperf, "Output Token Throughput Per User", "mean"), 333.3333);
}

#[test]
fn a_stream_that_breaks_off_is_a_success_to_other_tools_and_the_table_says_so() {
    let [vllm, guidellm, aiperf] = tables(&["two_in_one_read", "no_done", "no_tokens"]);
    assert_eq!((vllm.streams, vllm.succeeded, vllm.errors_here), (3, 3, 2));
    assert_eq!((guidellm.succeeded, aiperf.succeeded), (3, 2));
    // Without a token there is no content response: one of three failed. First tokens 4900 and 2000 after the send.
    assert_eq!(figure(&aiperf, "Good Request Fraction", "value"), 0.6667);
    // Weighted by tokens − 1: 2000 ms·2 and 1000·1 over 3.
    assert_eq!(figure(&guidellm, "ITL", "mean"), 1.6667);
    assert_eq!(figure(&guidellm, "ITL", "median"), 2.0);
}

#[test]
fn a_request_without_an_answer_is_nobodys_success() {
    let timeout = ChunkLog {
        error: Some(LoggedError { kind: ErrorKind::Timeout, detail: "late".into() }),
        ..Trace::of("usual").whole().0
    };
    for own in Dialect::ALL {
        let table = dialect(&[timeout.clone(), ChunkLog::default()], &StreamRules::default(), own);
        assert_eq!((table.streams, table.succeeded), (2, 0), "{own}");
        assert!(table.rows.iter().filter(|row| row.unit == "ms").all(|row| row.figures.is_empty()), "{own}");
    }
}

proptest! {
    #[test]
    fn figures_do_not_depend_on_how_bytes_that_came_together_are_cut(
        which in 0..TRACES.len(), cuts in prop::collection::vec(0_usize..600, 0..12),
    ) {
        let trace = Trace::parse(TRACES[which].1);
        let cut = |bytes: &[u8]| -> Vec<usize> {
            let mut at: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).chain([0, bytes.len()]).collect();
            at.sort_unstable();
            at
        };
        let parted = trace.read(&mut StreamReader::default(), |bytes| {
            cut(bytes).windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
        });
        prop_assert_eq!(parted, trace.whole());
    }
}
