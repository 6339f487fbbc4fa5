//! One line: how it is written, and how its hash is taken from its bytes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::LedgerError;

/// `prev` of the first line.
pub const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Comes before the digest at the end of a line.
const BEFORE_HASH: &[u8] = b",\"hash\":\"";

/// `,"hash":"sha256:<64 hex>"}`
const TAIL: usize = BEFORE_HASH.len() + GENESIS.len() + 2;

/// A line as it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The position, from 0.
    pub seq: u64,
    /// When it was written, RFC 3339 in UTC with milliseconds.
    pub at: String,
    /// The hash of the line before, or [`GENESIS`].
    pub prev: String,
    /// What the body is.
    pub kind: String,
    /// The figures.
    pub body: Value,
    /// `sha256:` and 64 hex digits over the bytes before it.
    pub hash: String,
}

/// Writes a line with its line feed; gives its hash too.
pub(super) fn encode(
    seq: u64,
    at: &str,
    prev: &str,
    kind: &str,
    body: &impl Serialize,
) -> Result<(Vec<u8>, String), LedgerError> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.';
    if kind.is_empty() || kind.len() > 64 || !kind.bytes().all(fits) {
        return Err(LedgerError::Kind(kind.to_owned()));
    }
    let mut bytes = format!(r#"{{"seq":{seq},"at":"{at}","prev":"{prev}","kind":"{kind}","body":"#).into_bytes();
    serde_json::to_writer(&mut bytes, body).map_err(|source| LedgerError::Body { kind: kind.to_owned(), source })?;
    let hash = digest(&bytes);
    bytes.extend_from_slice(BEFORE_HASH);
    bytes.extend_from_slice(hash.as_bytes());
    bytes.extend_from_slice(b"\"}\n");
    Ok((bytes, hash))
}

/// Writes lines that follow each other from the first, as a record of its own has them.
///
/// # Errors
/// [`LedgerError::Kind`] or [`LedgerError::Body`] for what cannot be a line.
pub fn chain<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str, Value)>) -> Result<Vec<u8>, LedgerError> {
    let (mut out, mut prev) = (Vec::new(), GENESIS.to_owned());
    for (seq, (at, kind, body)) in (0..).zip(lines) {
        let (bytes, hash) = encode(seq, at, &prev, kind, &body)?;
        out.extend(bytes);
        prev = hash;
    }
    Ok(out)
}

/// Reads a line (without its line feed) and holds its hash against its bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Line, String> {
    let line: Line = serde_json::from_slice(bytes).map_err(|error| format!("is no line of a record: {error}"))?;
    let open = bytes.len().checked_sub(TAIL).map(|at| &bytes[..at]);
    let Some(open) = open.filter(|open| bytes[open.len()..].starts_with(BEFORE_HASH)) else {
        return Err("does not end in its hash".to_owned());
    };
    let hash = digest(open);
    if hash != line.hash || bytes[open.len() + BEFORE_HASH.len()..] != *format!("{hash}\"}}").as_bytes() {
        return Err(format!("has the hash {} and not {hash} as its bytes do", line.hash));
    }
    Ok(line)
}

/// SHA-256 of an open line and its closing brace.
fn digest(open: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut sha = Sha256::new();
    sha.update(open);
    sha.update(b"}");
    let mut text = "sha256:".to_owned();
    for byte in sha.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
