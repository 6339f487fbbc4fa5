//! The figures of all streams of one step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::load::latency::Latency;
use crate::load::report::ErrorKind;
use crate::scenario::StreamRules;

use super::log::ChunkLog;
use super::reader::StreamFault;

/// Logs of the first streams that are kept whole.
const MAX_LOGS: usize = 2_000;
/// Chunks of all logs that are kept.
const MAX_LOGGED_CHUNKS: usize = 200_000;
/// Logs of failed streams, and of those with the latest first token, that are kept beyond the first ones.
const MAX_EXAMPLES: usize = 5;

/// The streams of one step, without warm-up. Latencies are of whole streams; a timeout counts as infinite, and as the
/// first token that it had, if it had one. Other failures are in the counts only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamReport {
    /// How tokens were counted and which limits the goodput keeps.
    pub rules: StreamRules,
    /// Requests that came to an end, good or bad.
    pub streams: u64,
    /// Whole streams.
    pub whole: u64,
    /// Whole streams that keep all limits of the rules.
    pub good: u64,
    /// Requests cut off by the hard deadline; neither good nor bad, and not in `streams`.
    pub cut_off: u64,
    /// What was wrong with streams, by kind.
    pub faults: BTreeMap<StreamFault, u64>,
    /// Events of all streams, the unfinished ones included.
    pub chunks: u64,
    /// Comment lines.
    pub comments: u64,
    /// Tokens of whole streams, by the rules' way of counting.
    pub tokens: u64,
    /// Completion tokens that the providers' usage names, of whole streams that have one.
    pub billed_tokens: u64,
    /// Prompt tokens that usage names.
    pub prompt_tokens: u64,
    /// Time to first token from the intended start.
    pub ttft: Latency,
    /// Time to first token from the actual send.
    pub ttft_service: Latency,
    /// Time per output token after the first, one value for each stream of more than one token.
    pub tpot: Latency,
    /// Gaps between chunks with output, one value for each gap.
    pub gap: Latency,
    /// From the intended start to the last token.
    pub last_token: Latency,
    /// From the intended start to the end of the answer.
    pub close: Latency,
    /// The first streams in send order, whole.
    pub logs: Vec<ChunkLog>,
    /// Streams whose log is not among `logs`.
    pub logs_not_kept: u64,
    /// Examples: the first that failed.
    pub failed: Vec<ChunkLog>,
    /// Examples: those with the latest first token, latest first.
    pub latest: Vec<ChunkLog>,
}

impl StreamReport {
    /// Nothing yet.
    #[must_use]
    pub fn new(rules: StreamRules) -> Self {
        Self {
            rules,
            streams: 0,
            whole: 0,
            good: 0,
            cut_off: 0,
            faults: BTreeMap::new(),
            chunks: 0,
            comments: 0,
            tokens: 0,
            billed_tokens: 0,
            prompt_tokens: 0,
            ttft: Latency::new(),
            ttft_service: Latency::new(),
            tpot: Latency::new(),
            gap: Latency::new(),
            last_token: Latency::new(),
            close: Latency::new(),
            logs: Vec::new(),
            logs_not_kept: 0,
            failed: Vec::new(),
            latest: Vec::new(),
        }
    }

    /// Adds a stream that came to an end; `fault` is what was wrong with the stream itself.
    pub fn record(&mut self, log: &ChunkLog, fault: Option<StreamFault>) {
        self.streams += 1;
        self.chunks += log.chunks.len() as u64;
        self.comments += log.comments;
        if let Some(fault) = fault {
            *self.faults.entry(fault).or_default() += 1;
        }
        match &log.error {
            None => self.whole(log),
            Some(error) if error.kind == ErrorKind::Timeout => self.timeout(log),
            Some(_) => {}
        }
        self.keep(log);
    }

    fn whole(&mut self, log: &ChunkLog) {
        let metrics = log.metrics(self.rules.tokens);
        self.whole += 1;
        self.good += u64::from(metrics.keeps(self.rules.goodput));
        self.tokens += metrics.tokens;
        if let Some(usage) = log.usage {
            self.billed_tokens += usage.completion_tokens;
            self.prompt_tokens += usage.prompt_tokens;
        }
        for (latency, us) in [
            (&mut self.ttft, metrics.ttft_us),
            (&mut self.ttft_service, metrics.ttft_service_us),
            (&mut self.tpot, metrics.tpot_us),
            (&mut self.last_token, metrics.last_token_us),
            (&mut self.close, metrics.close_us),
        ] {
            us.into_iter().for_each(|us| latency.record(us));
        }
        log.gaps_us().for_each(|us| self.gap.record(us));
    }

    fn timeout(&mut self, log: &ChunkLog) {
        let metrics = log.metrics(self.rules.tokens);
        for (latency, us) in [(&mut self.ttft, metrics.ttft_us), (&mut self.ttft_service, metrics.ttft_service_us)] {
            match us {
                Some(us) => latency.record(us),
                None => latency.record_infinite(),
            }
        }
        self.last_token.record_infinite();
        self.close.record_infinite();
    }

    fn keep(&mut self, log: &ChunkLog) {
        let logged: usize = if self.logs.len() < MAX_LOGS { self.logged_chunks() } else { MAX_LOGGED_CHUNKS };
        if logged + log.chunks.len() <= MAX_LOGGED_CHUNKS {
            self.logs.push(log.clone());
        } else {
            self.logs_not_kept += 1;
        }
        if log.error.is_some() {
            if self.failed.len() < MAX_EXAMPLES {
                self.failed.push(log.clone());
            }
            return;
        }
        let first = first_token(log);
        if self.latest.len() < MAX_EXAMPLES || self.latest.last().is_some_and(|least| first_token(least) < first) {
            let at = self.latest.partition_point(|other| first_token(other) >= first);
            self.latest.insert(at, log.clone());
            self.latest.truncate(MAX_EXAMPLES);
        }
    }

    fn logged_chunks(&self) -> usize {
        self.logs.iter().map(|log| log.chunks.len()).sum()
    }

    /// Adds the streams of another thread or machine. Their times count from the same start.
    pub fn add(&mut self, other: Self) {
        self.streams += other.streams;
        self.whole += other.whole;
        self.good += other.good;
        self.cut_off += other.cut_off;
        other.faults.into_iter().for_each(|(fault, count)| *self.faults.entry(fault).or_default() += count);
        self.chunks += other.chunks;
        self.comments += other.comments;
        self.tokens += other.tokens;
        self.billed_tokens += other.billed_tokens;
        self.prompt_tokens += other.prompt_tokens;
        for (own, more) in [
            (&mut self.ttft, &other.ttft),
            (&mut self.ttft_service, &other.ttft_service),
            (&mut self.tpot, &other.tpot),
            (&mut self.gap, &other.gap),
            (&mut self.last_token, &other.last_token),
            (&mut self.close, &other.close),
        ] {
            own.add(more);
        }
        self.logs_not_kept += other.logs_not_kept;
        self.logs.extend(other.logs);
        self.logs.sort_by_key(|log| log.sent_us);
        self.failed.extend(other.failed);
        self.failed.sort_by_key(|log| log.sent_us);
        self.failed.truncate(MAX_EXAMPLES);
        self.latest.extend(other.latest);
        self.latest.sort_by_key(|log| std::cmp::Reverse(first_token(log)));
        self.latest.truncate(MAX_EXAMPLES);
        self.fit();
    }

    /// Drops the latest logs until what is kept fits again.
    fn fit(&mut self) {
        let mut chunks = 0;
        let fits = self.logs.iter().take(MAX_LOGS).take_while(|log| {
            chunks += log.chunks.len();
            chunks <= MAX_LOGGED_CHUNKS
        });
        let fits = fits.count();
        self.logs_not_kept += (self.logs.len() - fits) as u64;
        self.logs.truncate(fits);
    }
}

fn first_token(log: &ChunkLog) -> Option<u64> {
    log.output_at_us().next().map(|at| at.saturating_sub(log.scheduled_us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::stream::event::ChunkKind;
    use crate::load::stream::log::{Chunk, LoggedError};
    use crate::scenario::GoodputLimits;

    /// A stream sent at `at_us` whose tokens come `after_us` later.
    fn log(at_us: u64, after_us: &[u64]) -> ChunkLog {
        let chunk = |after: &u64| Chunk { at_us: at_us + after, kind: ChunkKind::Content, tokens: 1, bytes: 10 };
        ChunkLog {
            scheduled_us: at_us,
            sent_us: at_us,
            chunks: after_us.iter().map(chunk).collect(),
            closed_us: after_us.last().map(|after| at_us + after),
            ..ChunkLog::default()
        }
    }

    fn failed(kind: ErrorKind, after_us: &[u64]) -> ChunkLog {
        ChunkLog { error: Some(LoggedError { kind, detail: String::new() }), ..log(0, after_us) }
    }

    fn report(logs: &[ChunkLog]) -> StreamReport {
        let goodput = GoodputLimits { ttft_ms: Some(2), tpot_ms: None, e2e_ms: None };
        let mut report = StreamReport::new(StreamRules { goodput, ..StreamRules::default() });
        logs.iter().for_each(|log| report.record(log, None));
        report
    }

    #[test]
    fn an_error_and_a_timeout_are_streams_that_are_not_good() {
        let report = report(&[
            log(0, &[1_000, 1_500]),
            log(0, &[2_001, 2_500]),
            failed(ErrorKind::Timeout, &[1_000]),
            failed(ErrorKind::Timeout, &[]),
            failed(ErrorKind::Protocol, &[1_000]),
        ]);
        assert_eq!((report.streams, report.whole, report.good), (5, 2, 1));
        assert_eq!((report.ttft.count(), report.ttft.beyond()), (4, 1));
        assert_eq!((report.close.count(), report.close.beyond(), report.failed.len()), (4, 2, 3));
    }

    #[test]
    fn merging_equals_recording_together_whatever_is_kept() {
        let logs: Vec<_> = (0..40_u64).map(|at| log(at * 10_000, &[1_000 + at % 7 * 300, 9_000])).collect();
        let mut merged = report(&logs[..15]);
        merged.add(report(&logs[15..]));
        assert_eq!(merged, report(&logs));
    }

    #[test]
    fn logs_that_do_not_fit_are_counted_and_the_figures_have_them_all() {
        let long: Vec<u64> = (1..=50_000).collect();
        let report = report(&(0..6).map(|at| log(at, &long)).collect::<Vec<_>>());
        assert_eq!((report.logs.len(), report.logs_not_kept, report.chunks), (4, 2, 300_000));
        assert_eq!(report.ttft.count(), 6);
        let mut merged = report.clone();
        merged.add(report);
        assert_eq!((merged.logs.len(), merged.logs_not_kept), (4, 8));
    }

    #[test]
    fn a_report_is_read_back_as_it_was_written() {
        let report = report(&[log(0, &[1_000, 1_500]), failed(ErrorKind::Protocol, &[7])]);
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains("[1000,\"content\",1,10]"), "{text}");
        assert_eq!(serde_json::from_str::<StreamReport>(&text).unwrap(), report);
    }
}
