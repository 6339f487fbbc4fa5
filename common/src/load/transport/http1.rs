//! HTTP/1.1 by hand: one write, as few reads as the answer needs, nothing allocated once the buffers have grown.

use std::task::{Context, Waker};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::answer::{Received, too_large};
use super::body::ChunkedBody;
use super::head::{self, Framing, Head};
use super::io::Io;
use super::{Answer, Fault, MAX_KEPT_BODY, Want, broken};
use crate::clock;
use crate::load::report::ErrorKind;

/// Room that is made for a read.
const READ: usize = 4 << 10;
/// Room for reads of a body that goes on for long.
const LONG_READ: usize = 64 << 10;

/// A connection that carries one request at a time.
#[derive(Debug)]
pub(crate) struct Http1 {
    io: Io,
    /// The head of the last answer, and behind it what was read and not used yet.
    buffer: Vec<u8>,
    head_len: usize,
    received: Received,
    reusable: bool,
}

impl Http1 {
    pub(super) fn new(io: Io) -> Self {
        let (buffer, received) = (Vec::with_capacity(READ), Received::default());
        Self { io, buffer, head_len: 0, received, reusable: true }
    }

    pub(super) fn is_reusable(&self) -> bool {
        self.reusable
    }

    pub(super) fn answer(&self) -> Answer<'_> {
        Answer::new(&self.received, &self.buffer[..self.head_len])
    }

    /// An idle peer says nothing: bytes, an end or an error mean that the connection is over. Costs a system call only
    /// if there is something to read.
    pub(super) fn is_alive(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        std::pin::Pin::new(&mut self.io).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends a rendered request and reads the answer to its end.
    pub(super) async fn exchange(&mut self, request: &[u8], mut want: Want<'_>) -> Result<(), Fault> {
        self.reusable = false;
        self.buffer.clear();
        self.head_len = 0;
        self.received.clear();
        self.io.write_all(request).await.map_err(|error| broken(&error))?;
        self.io.flush().await.map_err(|error| broken(&error))?;
        let head = self.read_head(request.starts_with(b"HEAD ")).await?;
        self.head_len = head.len;
        self.received.status = head.status;
        self.received.app_us = head.app_us;
        let whole = match head.framing {
            Framing::Length(length) => self.read_length(length, &mut want).await?,
            Framing::Chunked => self.read_chunks(&mut want).await?,
            Framing::UntilClose => self.read_until_close(&mut want).await?,
        };
        self.reusable = head.keep_alive && whole;
        Ok(())
    }

    /// Reads more behind what is in the buffer and tells when it came; `None` at the end of the stream.
    async fn read(&mut self, room: usize) -> Result<Option<Instant>, Fault> {
        if self.buffer.capacity() - self.buffer.len() < room / 4 {
            self.buffer.reserve(room);
        }
        let read = self.io.read_buf(&mut self.buffer).await.map_err(|error| broken(&error))?;
        let at = clock::monotonic();
        self.received.last_byte_at = Some(at);
        Ok((read > 0).then_some(at))
    }

    async fn read_head(&mut self, to_head_request: bool) -> Result<Head, Fault> {
        loop {
            let Some(at) = self.read(READ).await? else {
                let what = if self.buffer.is_empty() { "an answer" } else { "the head of the answer was whole" };
                return Err(Fault::new(ErrorKind::Reset, format!("the connection was closed before {what}")));
            };
            self.received.first_byte_at.get_or_insert(at);
            while let Some(head) = head::parse(&self.buffer, to_head_request)? {
                let interim = (100..200).contains(&head.status) && head.status != 101;
                if !interim {
                    return Ok(head);
                }
                self.buffer.drain(..head.len);
            }
        }
    }

    /// Hands over what lies behind the head, and forgets it.
    fn take_rest(&mut self, at: Instant, want: &mut Want<'_>) -> Result<(), Fault> {
        let taken = self.received.take(&self.buffer[self.head_len..], at, want);
        self.buffer.truncate(self.head_len);
        taken
    }

    /// True if nothing came after the body.
    async fn read_length(&mut self, length: u64, want: &mut Want<'_>) -> Result<bool, Fault> {
        if matches!(want, Want::Keep) && length > MAX_KEPT_BODY as u64 {
            return Err(too_large());
        }
        let mut at = self.received.first_byte_at.unwrap_or_else(clock::monotonic);
        loop {
            let left = length - self.received.body_bytes;
            let here = (self.buffer.len() - self.head_len) as u64;
            if here > left {
                self.buffer.truncate(self.head_len + usize::try_from(left).unwrap_or(0));
                self.take_rest(at, want)?;
                return Ok(false);
            }
            self.take_rest(at, want)?;
            if here == left {
                return Ok(true);
            }
            let room = if left - here > READ as u64 { LONG_READ } else { READ };
            at = self.read(room).await?.ok_or_else(cut_short)?;
        }
    }

    async fn read_chunks(&mut self, want: &mut Want<'_>) -> Result<bool, Fault> {
        let mut body = ChunkedBody::new();
        let mut at = self.received.first_byte_at.unwrap_or_else(clock::monotonic);
        loop {
            let received = &mut self.received;
            let bytes = &self.buffer[self.head_len..];
            let taken = body.decode(bytes, |piece| received.take(piece, at, want))?;
            let taken = taken.map_err(|why| Fault::new(ErrorKind::Protocol, why))?;
            let nothing_more = taken == bytes.len();
            self.buffer.truncate(self.head_len);
            if body.is_done() {
                return Ok(nothing_more);
            }
            at = self.read(READ).await?.ok_or_else(cut_short)?;
        }
    }

    async fn read_until_close(&mut self, want: &mut Want<'_>) -> Result<bool, Fault> {
        let mut at = self.received.first_byte_at.unwrap_or_else(clock::monotonic);
        loop {
            self.take_rest(at, want)?;
            match self.read(LONG_READ).await? {
                Some(next) => at = next,
                None => return Ok(false),
            }
        }
    }
}

fn cut_short() -> Fault {
    Fault::new(ErrorKind::Reset, "the connection was closed before the end of the body")
}
