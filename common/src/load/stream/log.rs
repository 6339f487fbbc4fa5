//! The raw record of one streamed answer, from which every figure is computed.

use serde::{Deserialize, Serialize};

use crate::ids::TraceId;
use crate::load::report::ErrorKind;
use crate::scenario::TokenCount;

use super::event::{ChunkKind, Usage};

/// The most chunks of one stream; a longer one is an error, so that a stream without end cannot fill the memory.
pub(crate) const MAX_CHUNKS: usize = 65_536;

/// One event of a stream; in JSON `[at_us, kind, tokens, bytes]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, ChunkKind, u16, u32)", into = "(u64, ChunkKind, u16, u32)")]
pub struct Chunk {
    /// When the piece that ended the event arrived, in microseconds from the start of the load.
    pub at_us: u64,
    /// What it is there for.
    pub kind: ChunkKind,
    /// Tokens by counting: 1 for a chunk with output, 0 for the others.
    pub tokens: u16,
    /// Length of its data.
    pub bytes: u32,
}

impl From<(u64, ChunkKind, u16, u32)> for Chunk {
    fn from((at_us, kind, tokens, bytes): (u64, ChunkKind, u16, u32)) -> Self {
        Self { at_us, kind, tokens, bytes }
    }
}

impl From<Chunk> for (u64, ChunkKind, u16, u32) {
    fn from(chunk: Chunk) -> Self {
        (chunk.at_us, chunk.kind, chunk.tokens, chunk.bytes)
    }
}

/// Everything that is known of one streamed answer. Times are microseconds from the start of the load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkLog {
    /// Its trace.
    pub trace_id: TraceId,
    /// When it was meant to be sent.
    pub scheduled_us: u64,
    /// When it was sent.
    pub sent_us: u64,
    /// When the head of the answer had come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers_us: Option<u64>,
    /// Its events, in order.
    pub chunks: Vec<Chunk>,
    /// Comment lines, as providers send them to keep a connection alive.
    #[serde(default)]
    pub comments: u64,
    /// What the provider says it will bill: the last count that it sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// When the answer had ended; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_us: Option<u64>,
    /// Why it counts as an error, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<LoggedError>,
}

/// Why a request counts as an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedError {
    /// Its kind.
    pub kind: ErrorKind,
    /// In words.
    pub detail: String,
}

impl Default for ChunkLog {
    fn default() -> Self {
        Self {
            trace_id: TraceId::from_u128(1),
            scheduled_us: 0,
            sent_us: 0,
            headers_us: None,
            chunks: Vec::new(),
            comments: 0,
            usage: None,
            closed_us: None,
            error: None,
        }
    }
}

impl ChunkLog {
    /// Begins anew and keeps the room for chunks.
    pub(crate) fn reset(&mut self) {
        let mut chunks = std::mem::take(&mut self.chunks);
        chunks.clear();
        *self = Self { chunks, ..Self::default() };
    }

    /// When each chunk with output arrived, in order.
    pub fn output_at_us(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.chunks.iter().filter(|chunk| chunk.kind.is_output()).map(|chunk| chunk.at_us)
    }

    /// Chunks with output, each counted as a token.
    #[must_use]
    pub fn counted_tokens(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.tokens)).sum()
    }

    /// Tokens of the answer by this way of counting; without a bill, those that were counted.
    #[must_use]
    pub fn tokens(&self, count: TokenCount) -> u64 {
        match (count, self.usage) {
            (TokenCount::AsBilled, Some(usage)) => usage.completion_tokens,
            _ => self.counted_tokens(),
        }
    }

    /// True if a part of it calls a tool.
    pub(crate) fn calls_tools(&self) -> bool {
        self.chunks.iter().any(|chunk| chunk.kind == ChunkKind::Tool)
    }
}
