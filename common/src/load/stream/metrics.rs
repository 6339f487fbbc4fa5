//! The figures of one streamed answer. Each is a function of the log alone.

use serde::{Deserialize, Serialize};

use crate::scenario::{GoodputLimits, TokenCount};

use super::log::ChunkLog;

/// Figures of one request, in microseconds. "Token" is output: text or a part of a call of a tool, never the chunk that
/// only names the role and never an empty text. What is not there (no token, one token, no end) is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamMetrics {
    /// Time to first token: first token − intended start.
    pub ttft_us: Option<u64>,
    /// The same from the actual send: first token − send.
    pub ttft_service_us: Option<u64>,
    /// Time per output token: (last token − first token) / (tokens − 1), rounded; for more than one token.
    ///
    /// Source of the formula: NVIDIA NIM benchmarking guide, "Metrics", inter-token latency without the first token.
    pub tpot_us: Option<u64>,
    /// End to end as a reader has it: last token − intended start.
    pub last_token_us: Option<u64>,
    /// End to end as the connection has it: end of the answer − intended start.
    pub close_us: Option<u64>,
    /// Tokens of the answer.
    pub tokens: u64,
}

impl ChunkLog {
    /// The figures of this answer.
    #[must_use]
    pub fn metrics(&self, count: TokenCount) -> StreamMetrics {
        let mut output = self.output_at_us();
        let first = output.next();
        let last = output.next_back().or(first);
        let tokens = self.tokens(count);
        let tpot = first.zip(last).filter(|_| tokens > 1).map(|(first, last)| {
            let (span, steps) = (last - first, tokens - 1);
            (span + steps / 2) / steps
        });
        StreamMetrics {
            ttft_us: first.map(|at| at.saturating_sub(self.scheduled_us)),
            ttft_service_us: first.map(|at| at.saturating_sub(self.sent_us)),
            tpot_us: tpot,
            last_token_us: last.map(|at| at.saturating_sub(self.scheduled_us)),
            close_us: self.closed_us.map(|at| at.saturating_sub(self.scheduled_us)),
            tokens,
        }
    }

    /// Gaps between consecutive chunks with output ("inter-chunk latency"), in microseconds; two that came in one piece
    /// have a gap of 0. Source: AIPerf metrics reference, "Inter Chunk Latency".
    pub fn gaps_us(&self) -> impl Iterator<Item = u64> + '_ {
        self.output_at_us().zip(self.output_at_us().skip(1)).map(|(before, after)| after - before)
    }
}

impl StreamMetrics {
    /// True if a request with these figures keeps all limits. One without a token keeps none; one of a single token has
    /// no time per token and keeps that limit, as in vLLM's `bench serve --goodput`.
    #[must_use]
    pub fn keeps(&self, limits: GoodputLimits) -> bool {
        let within = |value: u64, limit_ms: Option<u64>| limit_ms.is_none_or(|limit| value <= limit * 1_000);
        match (self.ttft_us, self.last_token_us) {
            (Some(first), Some(last)) => {
                within(first, limits.ttft_ms)
                    && within(self.tpot_us.unwrap_or(0), limits.tpot_ms)
                    && within(last, limits.e2e_ms)
            }
            _ => false,
        }
    }
}
