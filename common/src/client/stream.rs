//! A response read piece by piece: bytes, lines, or server-sent events, under one deadline and with bounded memory.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::capsule::Sent;
use super::error::{self, ClientError};
use super::invariants::{self, Asked, Violation};
use super::reply::{self, Reply};
use super::{Client, MAX_REPLY_BYTES};
use crate::clock;
use crate::guard::Permit;
use crate::ids::TraceId;
use crate::units::Micros;

/// The longest line that is read, 1 MiB.
const MAX_LINE_BYTES: usize = 1 << 20;

/// What is known once the head has come.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) permit: Permit,
    pub(super) sent: Sent,
    pub(super) asked: Asked,
    pub(super) trace: TraceId,
    pub(super) started: Instant,
    pub(super) deadline: tokio::time::Instant,
    pub(super) timeout: Duration,
    pub(super) violations: Vec<Violation>,
}

/// A response whose body is still coming.
#[derive(Debug)]
pub struct Stream {
    client: Client,
    response: reqwest::Response,
    head: Head,
    buffer: BytesMut,
    /// Bytes at the buffer's start in which no line ends.
    searched: usize,
    ended: bool,
}

/// One server-sent event (WHATWG HTML, section 9.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SseEvent {
    /// From `event:`; empty means `message`.
    pub event: String,
    /// The lines of `data:`, joined by line feeds.
    pub data: String,
    /// From `id:`, if this event has one.
    pub id: Option<String>,
    /// When its end arrived, from sending.
    pub at: Micros,
}

impl Stream {
    pub(super) fn new(client: Client, response: reqwest::Response, head: Head) -> Self {
        Self { client, response, head, buffer: BytesMut::new(), searched: 0, ended: false }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The trace, as in [`Reply`].
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.head.trace
    }

    /// Rules that the head of the response breaks.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.head.violations
    }

    /// How long ago the request was sent.
    #[must_use]
    pub fn elapsed(&self) -> Micros {
        clock::monotonic().duration_since(self.head.started).into()
    }

    /// The next bytes, `None` at the end. What [`Stream::next_line`] has buffered comes first.
    ///
    /// # Errors
    /// [`ClientError::Timeout`] past the deadline, [`ClientError::Broken`] when the connection breaks.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        if !self.buffer.is_empty() {
            self.searched = 0;
            return Ok(Some(self.buffer.split().freeze()));
        }
        self.receive().await
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, ClientError> {
        let Head { permit, timeout, deadline, .. } = &self.head;
        let chunk = tokio::time::timeout_at(*deadline, self.response.chunk())
            .await
            .map_err(|_| ClientError::Timeout { request: error::name(permit), after: *timeout })?;
        chunk.map_err(|error| ClientError::transport(error, permit, *timeout))
    }

    /// The next line without its end (LF, CR LF), `None` at the end. What follows the last line end is a line too.
    ///
    /// # Errors
    /// As [`Stream::next_chunk`]; [`ClientError::TooLarge`] for a line above 1 MiB.
    pub async fn next_line(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            if let Some(at) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') {
                let mut line = self.buffer.split_to(self.searched + at + 1);
                self.searched = 0;
                line.truncate(line.len() - 1);
                return Ok(Some(text_of(&line)));
            }
            self.searched = self.buffer.len();
            if self.searched > MAX_LINE_BYTES {
                return Err(self.too_large(MAX_LINE_BYTES));
            }
            if self.ended {
                self.searched = 0;
                return Ok((!self.buffer.is_empty()).then(|| text_of(&self.buffer.split())));
            }
            match self.receive().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => self.ended = true,
            }
        }
    }

    /// The next server-sent event, `None` at the end. Comments are skipped, an event that breaks off is dropped.
    ///
    /// # Errors
    /// As [`Stream::next_line`]; [`ClientError::TooLarge`] for an event above 1 MiB.
    pub async fn next_event(&mut self) -> Result<Option<SseEvent>, ClientError> {
        let mut event = SseEvent::default();
        let mut has_data = false;
        while let Some(line) = self.next_line().await? {
            let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
            if line.is_empty() {
                if has_data {
                    event.at = self.elapsed();
                    return Ok(Some(event));
                }
                event = SseEvent::default();
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut event.event),
                "id" if !value.contains('\0') => event.id = Some(value.to_owned()),
                "data" => {
                    if has_data {
                        event.data.push('\n');
                    }
                    event.data.push_str(value);
                    has_data = true;
                }
                _ => {}
            }
            if event.data.len() > MAX_LINE_BYTES {
                return Err(self.too_large(MAX_LINE_BYTES));
            }
        }
        Ok(None)
    }

    /// Reads the rest and makes it a complete reply.
    ///
    /// # Errors
    /// As [`Stream::next_chunk`]; [`ClientError::TooLarge`] above [`MAX_REPLY_BYTES`].
    pub async fn into_reply(mut self) -> Result<Reply, ClientError> {
        while let Some(bytes) = self.receive().await? {
            if self.buffer.len() + bytes.len() > MAX_REPLY_BYTES {
                return Err(self.too_large(MAX_REPLY_BYTES));
            }
            self.buffer.extend_from_slice(&bytes);
        }
        let elapsed = self.elapsed();
        let body = self.buffer.freeze();
        let Head { permit, sent, asked, trace, mut violations, .. } = self.head;
        let status: StatusCode = self.response.status();
        let headers = self.response.headers().clone();
        let of_body = invariants::of_body(&asked, status, &headers, &body, trace);
        self.client.note(&of_body);
        violations.extend(of_body);
        Ok(Reply {
            app: permit.app(),
            status: status.as_u16(),
            app_duration: reply::app_duration(&headers),
            headers,
            body,
            elapsed,
            trace,
            violations,
            sent,
            request: error::name(&permit),
        })
    }

    fn too_large(&self, max_bytes: usize) -> ClientError {
        ClientError::TooLarge { request: error::name(&self.head.permit), max_bytes }
    }
}

fn text_of(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}
