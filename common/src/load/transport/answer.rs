//! An answer as it lies in a connection's buffers, looked at without copying.

use std::time::Instant;

use super::{MAX_KEPT_BODY, START_OF_BODY, Want};
use crate::load::report::ErrorKind;
use crate::load::transport::Fault;

/// An answer that came in whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    received: &'a Received,
    head: &'a [u8],
}

/// What was received, apart from the head.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) app_us: Option<u64>,
    pub(super) first_byte_at: Option<Instant>,
    pub(super) last_byte_at: Option<Instant>,
    pub(super) body_bytes: u64,
    kept: Vec<u8>,
}

impl Received {
    /// Makes ready for the next answer. Memory for a large body is given back.
    pub(super) fn clear(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        kept.clear();
        kept.shrink_to(64 << 10);
        *self = Self { kept, ..Self::default() };
    }

    /// Takes a piece of the body.
    pub(super) fn take(&mut self, piece: &[u8], at: Instant, want: &mut Want<'_>) -> Result<(), Fault> {
        self.body_bytes += piece.len() as u64;
        let most = if matches!(want, Want::Keep) { MAX_KEPT_BODY } else { START_OF_BODY };
        let room = most.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        match want {
            Want::Keep if piece.len() > room => Err(too_large()),
            Want::Each(hand_over) => {
                hand_over(at, piece);
                Ok(())
            }
            Want::Keep | Want::Count => Ok(()),
        }
    }
}

pub(super) fn too_large() -> Fault {
    let detail = format!("the body is larger than {MAX_KEPT_BODY} bytes, too large to be looked at");
    Fault::new(ErrorKind::Protocol, detail)
}

impl<'a> Answer<'a> {
    /// `head` holds the header lines; a status line before them does no harm.
    pub(super) fn new(received: &'a Received, head: &'a [u8]) -> Self {
        Self { received, head }
    }

    pub(crate) fn status(&self) -> u16 {
        self.received.status
    }

    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// All values of a header that are text.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.head.split(|byte| *byte == b'\n').filter_map(move |line| {
            let (own, value) = line.split_at_checked(name.len())?;
            let value = value.strip_prefix(b":")?;
            own.eq_ignore_ascii_case(name.as_bytes()).then(|| std::str::from_utf8(value.trim_ascii()).ok()).flatten()
        })
    }

    /// The whole body if the step reads it, its start otherwise.
    pub(crate) fn body(&self) -> &'a [u8] {
        &self.received.kept
    }

    /// Length of the body.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.received.body_bytes
    }

    /// What the app itself measured (`Server-Timing: app;dur=…`), in microseconds.
    pub(crate) fn app_us(&self) -> Option<u64> {
        self.received.app_us
    }

    /// When the first byte came.
    pub(crate) fn first_byte_at(&self) -> Option<Instant> {
        self.received.first_byte_at
    }

    /// When the last byte came.
    pub(crate) fn last_byte_at(&self) -> Option<Instant> {
        self.received.last_byte_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn headers_are_found_in_any_case_and_order() {
        let received = Received::default();
        let answer =
            Answer::new(&received, b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie:b=2; Path=/\r\nX: y\r\n\r\n");
        assert_eq!(answer.headers("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2; Path=/"]);
        assert_eq!(answer.header("x"), Some("y"));
        assert_eq!(answer.header("set"), None);
    }

    #[test]
    fn only_the_start_of_an_unread_body_is_kept() {
        let mut received = Received::default();
        for _ in 0..100 {
            received.take(&[7; 1_000], clock::monotonic(), &mut Want::Count).unwrap();
        }
        assert_eq!(received.body_bytes, 100_000);
        assert_eq!(received.kept.len(), START_OF_BODY);
    }

    #[test]
    fn a_body_too_large_to_be_looked_at_is_refused() {
        let mut received = Received::default();
        let piece = vec![0; MAX_KEPT_BODY];
        received.take(&piece, clock::monotonic(), &mut Want::Keep).unwrap();
        let fault = received.take(b"x", clock::monotonic(), &mut Want::Keep).unwrap_err();
        assert!(fault.detail.contains("too large"), "{fault:?}");
    }
}
