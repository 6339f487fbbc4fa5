//! Reads one streamed answer piece by piece, keeps its log, and says at its end whether it was whole.

use std::fmt;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::ids::TraceId;
use crate::load::report::ErrorKind;
use crate::load::transport::Fault;
use crate::scenario::{StreamRules, TokenCount};
use crate::units::Micros;

use super::event::{ChunkKind, NoChunk, Usage, look};
use super::log::{Chunk, ChunkLog, LoggedError, MAX_CHUNKS};
use super::sse::{MAX_EVENT, SseParser};

/// What can be wrong with a stream whose answer had the right status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamFault {
    /// The answer is no stream of events.
    NotEvents,
    /// An event is no chunk of a chat completion, or has no end.
    Malformed,
    /// The provider told of an error within the stream.
    ErrorEvent,
    /// It ended without `[DONE]`.
    Truncated,
    /// Something came after `[DONE]`.
    AfterDone,
    /// It carried no token.
    NoTokens,
    /// The bill was asked for and did not come.
    UsageMissing,
    /// The bill names another count of tokens than came.
    UsageWrong,
}

impl StreamFault {
    /// How it counts among the errors of a step: a stream that is not in order is a protocol error, one that says
    /// something wrong is not what was expected.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        match self {
            Self::Malformed | Self::Truncated | Self::AfterDone => ErrorKind::Protocol,
            Self::NotEvents | Self::ErrorEvent | Self::NoTokens | Self::UsageMissing | Self::UsageWrong => {
                ErrorKind::Expectation
            }
        }
    }
}

impl fmt::Display for StreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEvents => "no stream of events",
            Self::Malformed => "not made of chunks",
            Self::ErrorEvent => "error within the stream",
            Self::Truncated => "ended without [DONE]",
            Self::AfterDone => "events after [DONE]",
            Self::NoTokens => "no tokens",
            Self::UsageMissing => "no usage although asked for",
            Self::UsageWrong => "usage differs from the tokens counted",
        })
    }
}

/// A fault of a stream, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) fault: StreamFault,
    pub(crate) detail: String,
}

impl Flaw {
    /// It as an error of the request.
    pub(crate) fn fault(&self) -> Fault {
        Fault::new(self.fault.kind(), self.detail.clone())
    }
}

/// What a stream is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) rules: StreamRules,
    /// The request asked for the bill (`stream_options.include_usage`).
    pub(crate) usage: bool,
}

/// Reads streams, one after the other, with the same buffers.
#[derive(Debug, Default)]
pub(crate) struct StreamReader {
    parser: SseParser,
    log: ChunkLog,
    flaw: Option<Flaw>,
    events: u64,
    done: bool,
    /// When the load started.
    from: Option<Instant>,
}

impl StreamReader {
    /// Begins with a new stream of a load that started at `from`.
    pub(crate) fn begin(&mut self, trace: TraceId, from: Instant, intended: Instant) {
        self.clear();
        self.from = Some(from);
        self.log.trace_id = trace;
        self.log.scheduled_us = self.offset_us(intended);
    }

    /// Forgets the stream before.
    pub(super) fn clear(&mut self) -> &mut ChunkLog {
        self.parser.reset();
        self.log.reset();
        self.flaw = None;
        self.events = 0;
        self.done = false;
        &mut self.log
    }

    /// Takes in a piece that arrived at this moment.
    pub(crate) fn piece(&mut self, at: Instant, bytes: &[u8]) {
        self.piece_at(self.offset_us(at), bytes);
    }

    /// Completes the log, whether the answer came to an end or not.
    pub(crate) fn end(
        &mut self,
        sent: Instant,
        head: Option<Instant>,
        closed: Option<Instant>,
        fault: Option<&Fault>,
    ) -> &ChunkLog {
        self.log.sent_us = self.offset_us(sent);
        self.log.headers_us = head.map(|at| self.offset_us(at));
        self.log.closed_us = closed.map(|at| self.offset_us(at));
        self.log.error = fault.map(|fault| LoggedError { kind: fault.kind, detail: fault.detail.clone() });
        &self.log
    }

    #[cfg(test)]
    pub(super) fn log(&self) -> &ChunkLog {
        &self.log
    }

    fn offset_us(&self, at: Instant) -> u64 {
        self.from.map_or(0, |from| Micros::from(at.saturating_duration_since(from)).0)
    }

    /// Takes in a piece that arrived `at_us` after the start of the load.
    pub(super) fn piece_at(&mut self, at_us: u64, bytes: &[u8]) {
        // After a flaw nothing is known of what the bytes mean; the rest is read and left.
        if self.flaw.is_some() {
            return;
        }
        let Self { parser, log, flaw, events, done, .. } = self;
        let fed = parser.feed(bytes, |data| {
            *events += 1;
            if flaw.is_none() {
                *flaw = event(log, done, *events, at_us, data).err();
            }
        });
        log.comments = parser.comments();
        if fed.is_err() && self.flaw.is_none() {
            let detail = format!("event {} of the stream is larger than {MAX_EVENT} bytes", self.events + 1);
            self.flaw = Some(Flaw { fault: StreamFault::Malformed, detail });
        }
    }

    /// Judges the answer after its end.
    ///
    /// # Errors
    /// The first thing that is wrong: another content type, then in the order of the bytes, then missing `[DONE]`, tokens,
    /// usage.
    pub(crate) fn judge(&mut self, wanted: Wanted, content_type: Option<&str>) -> Result<(), Flaw> {
        let kind = content_type.unwrap_or("no content type");
        let media = kind.split(';').next().unwrap_or_default().trim();
        if !media.eq_ignore_ascii_case("text/event-stream") {
            let detail = format!("the answer is no stream of events but {kind}");
            return Err(Flaw { fault: StreamFault::NotEvents, detail });
        }
        if let Some(flaw) = self.flaw.take() {
            return Err(flaw);
        }
        let flaw = |fault: StreamFault, detail: String| Err(Flaw { fault, detail });
        if !self.done {
            let tokens = self.log.counted_tokens();
            let midway = if self.parser.is_midway() { ", in the middle of an event" } else { "" };
            return flaw(
                StreamFault::Truncated,
                format!("the stream ended without [DONE] after {tokens} tokens{midway}"),
            );
        }
        let counted = self.log.counted_tokens();
        if counted == 0 {
            return flaw(StreamFault::NoTokens, "the stream carried no token".to_owned());
        }
        match self.log.usage {
            None if wanted.usage => {
                flaw(StreamFault::UsageMissing, "usage was asked for, and the stream has none".to_owned())
            }
            Some(usage) if !agrees(&self.log, usage, wanted.rules.tokens) => {
                let said = usage.completion_tokens;
                flaw(StreamFault::UsageWrong, format!("usage says {said} completion tokens, {counted} were counted"))
            }
            _ => Ok(()),
        }
    }
}

fn agrees(log: &ChunkLog, usage: Usage, count: TokenCount) -> bool {
    let counted = log.counted_tokens();
    match count {
        TokenCount::OnePerChunk if !log.calls_tools() => usage.completion_tokens == counted,
        TokenCount::OnePerChunk | TokenCount::AsBilled => usage.completion_tokens >= counted,
    }
}

fn event(log: &mut ChunkLog, done: &mut bool, number: u64, at_us: u64, data: &[u8]) -> Result<(), Flaw> {
    if *done {
        return Err(Flaw { fault: StreamFault::AfterDone, detail: format!("event {number} came after [DONE]") });
    }
    let looked = look(data).map_err(|no_chunk| match no_chunk {
        NoChunk::Shape(why) => {
            let detail = format!("event {number} of the stream is no chunk of a chat completion: {why}");
            Flaw { fault: StreamFault::Malformed, detail }
        }
        NoChunk::Told(error) => {
            Flaw { fault: StreamFault::ErrorEvent, detail: format!("event {number} of the stream tells of {error}") }
        }
    })?;
    if log.chunks.len() >= MAX_CHUNKS {
        let detail = format!("the stream has more than {MAX_CHUNKS} events");
        return Err(Flaw { fault: StreamFault::Malformed, detail });
    }
    *done = looked.kind == ChunkKind::Done;
    log.usage = looked.usage.or(log.usage);
    log.chunks.push(Chunk {
        at_us,
        kind: looked.kind,
        tokens: u16::try_from(looked.outputs).unwrap_or(u16::MAX),
        bytes: u32::try_from(data.len()).unwrap_or(u32::MAX),
    });
    Ok(())
}
