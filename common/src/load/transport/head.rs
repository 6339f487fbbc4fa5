//! The head of an HTTP/1.1 answer: status, how long the body is, whether the connection stays.

use std::mem::MaybeUninit;

use super::{Fault, MAX_HEAD};
use crate::load::judge::app_us;
use crate::load::report::ErrorKind;

const MAX_HEADERS: usize = 100;

/// What the head of an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length in bytes.
    pub(super) len: usize,
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// True if the connection stays open after the answer.
    pub(super) keep_alive: bool,
    pub(super) app_us: Option<u64>,
}

/// How the end of a body is known (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// Reads a head; `None` if it is not whole yet.
///
/// # Errors
/// When it is not HTTP/1, too long, or says contradictory things about the body.
pub(super) fn parse(bytes: &[u8], to_head_request: bool) -> Result<Option<Head>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let parsed = config.parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
    let len = match parsed.map_err(|error| protocol(format!("the head of the answer: {error}")))? {
        httparse::Status::Complete(len) if len <= MAX_HEAD => len,
        httparse::Status::Partial if bytes.len() <= MAX_HEAD => return Ok(None),
        _ => return Err(protocol(format!("the head of the answer is longer than {MAX_HEAD} bytes"))),
    };
    let status = response.code.unwrap_or(0);
    let mut head =
        Head { len, status, framing: Framing::UntilClose, keep_alive: response.version == Some(1), app_us: None };
    let mut length = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        match header.name.len() {
            10 if is("connection") => head.keep_alive = stays(header.value, head.keep_alive),
            13 if is("server-timing") => head.app_us = std::str::from_utf8(header.value).ok().and_then(app_us),
            14 if is("content-length") => length = Some(content_length(header.value, length)?),
            17 if is("transfer-encoding") => chunked = is_chunked(header.value)?,
            _ => {}
        }
    }
    let no_body = to_head_request || matches!(status, 100..=199 | 204 | 304);
    head.framing = match (no_body, chunked, length) {
        (true, ..) => Framing::Length(0),
        (false, true, Some(_)) => return Err(protocol("the answer has both a length and chunks")),
        (false, true, None) => Framing::Chunked,
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::UntilClose,
    };
    head.keep_alive &= head.framing != Framing::UntilClose;
    Ok(Some(head))
}

fn protocol(detail: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Protocol, detail)
}

fn stays(value: &[u8], before: bool) -> bool {
    let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if options.clone().any(|option| option.eq_ignore_ascii_case(b"close")) {
        return false;
    }
    before || options.any(|option| option.eq_ignore_ascii_case(b"keep-alive"))
}

fn content_length(value: &[u8], before: Option<u64>) -> Result<u64, Fault> {
    let text = std::str::from_utf8(value).unwrap_or_default().trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let length = text.parse().ok().filter(|_| digits);
    let length = length.ok_or_else(|| protocol("the length of the answer is not a number"))?;
    if before.is_some_and(|before| before != length) {
        return Err(protocol("the answer has two different lengths"));
    }
    Ok(length)
}

fn is_chunked(value: &[u8]) -> Result<bool, Fault> {
    if value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
        return Ok(true);
    }
    Err(protocol(format!("transfer encoding {:?} was not asked for", String::from_utf8_lossy(value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Head>, Fault> {
        parse(text.as_bytes(), false)
    }

    #[test]
    fn a_head_tells_status_framing_and_the_apps_time() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nServer-Timing: app;dur=1.5\r\n\r\nhello";
        let head = read(text).unwrap().unwrap();
        let expected = Head {
            len: text.len() - 5,
            status: 200,
            framing: Framing::Length(12),
            keep_alive: true,
            app_us: Some(1_500),
        };
        assert_eq!(head, expected);
    }

    #[test]
    fn a_head_that_is_not_whole_waits_for_more() {
        assert_eq!(read("HTTP/1.1 200 OK\r\nContent-Le"), Ok(None));
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn the_connection_ends_where_the_answer_says_so_or_has_no_other_end() {
        let keeps = |text: &str| read(text).unwrap().unwrap().keep_alive;
        assert!(keeps("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"));
        assert!(!keeps("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"));
        assert!(keeps("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n"));
        assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
    }

    #[test]
    fn answers_without_a_body_are_known() {
        let framing = |text: &str, head| parse(text.as_bytes(), head).unwrap().unwrap().framing;
        assert_eq!(framing("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", true), Framing::Length(0));
        assert_eq!(framing("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", false), Framing::Length(0));
        assert_eq!(framing("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", false), Framing::Chunked);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            assert!(read(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_head_without_end_is_refused_at_64_kib() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(MAX_HEAD));
        assert!(read(&endless).unwrap_err().detail.contains("longer than 65536 bytes"));
    }
}
