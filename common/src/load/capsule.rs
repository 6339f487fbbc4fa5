//! A failed or slow request written down so that somebody can repeat it, without what must not be seen.

use std::fmt::Write;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Method};

use super::report::Capsule;
use crate::contract::header;
use crate::curl::{END, MARK, form_without_secrets, header_without_secrets, is_secret_name, marked, quoted, variable};
use crate::redact;

/// Bytes of an answer that are kept.
const BODY_BYTES: usize = 300;
/// The longest request body that stands in a line; shells take arguments of 128 KiB at most.
const LINE_BYTES: usize = 16_384;
const REDACTED: &str = "[redacted]";
/// Domains that no person has an address at (RFC 2606).
const RESERVED: [&str; 7] =
    ["example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".localhost"];

/// What was sent.
#[derive(Debug)]
pub(crate) struct Sent<'a> {
    pub(crate) method: &'a Method,
    pub(crate) tls: bool,
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

pub(crate) fn capsule(sent: &Sent<'_>, status: Option<u16>, body: &[u8]) -> Capsule {
    let (curl, body) = (curl(sent), redact_body(&start_of(body), Shown::Answer));
    Capsule { curl: redact::scrub(&curl), status, body: redact::scrub(&body) }
}

fn start_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES)]).into_owned();
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '·' } else { c }).collect()
}

/// The line sends what was sent, under the same trace and with the same idempotency key. So an app that stored its
/// answer gives that answer again (with `idempotency-replayed: true`), and one that failed before it stored anything
/// tries again. `IDEMPOTENCY_KEY=$(uuidgen)` before the line makes the effect afresh, to see whether it still fails.
fn curl(sent: &Sent<'_>) -> String {
    let mut line = match *sent.method {
        Method::HEAD => "curl -sS -g --path-as-is --head".to_owned(),
        _ => format!("curl -sS -g --path-as-is -i -X {}", sent.method),
    };
    for (name, value) in sent.headers.iter().filter(|(name, _)| !IMPLIED.contains(name)) {
        line = format!("{line} -H {}", header_argument(name.as_str(), value.to_str().unwrap_or("[binary]")));
    }
    line.push_str(&body_argument(sent.body));
    let scheme = if sent.tls { "https" } else { "http" };
    let path = match sent.path.split_once('?') {
        Some((path, query)) => format!("{path}?{}", form_without_secrets(query)),
        None => sent.path.to_owned(),
    };
    format!("{line} {}", quoted(&format!("{scheme}://{}{path}", sent.authority)))
}

/// Headers that curl makes itself.
const IMPLIED: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

fn header_argument(name: &str, value: &str) -> String {
    let is_word = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match value {
        "" => quoted(&format!("{name};")),
        key if name == header::IDEMPOTENCY_KEY && is_word => format!("\"{name}: ${{IDEMPOTENCY_KEY:-{key}}}\""),
        _ => quoted(&format!("{name}: {}", header_without_secrets(name, value))),
    }
}

fn body_argument(body: &[u8]) -> String {
    match body.len() {
        0 => String::new(),
        long if long > LINE_BYTES => {
            format!(" --data-binary @\"${{BODY_FILE:?a file of the {long} bytes that were sent, which are not kept}}\"")
        }
        _ => {
            let text = String::from_utf8_lossy(body).replace([MARK, END], "");
            format!(" --data-raw {}", quoted(&redact_body(&text, Shown::Line)))
        }
    }
}

/// Where a redacted text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// In a line, where a secret is a variable that whoever runs it sets. Addresses that are nobody's stay, those of
    /// made-up people aside: apps check them.
    Line,
    /// In the answer, where nobody needs it.
    Answer,
}

impl Shown {
    /// What stands for a secret of this name.
    fn secret(self, name: &str) -> String {
        match self {
            Self::Line => marked(&variable(name)),
            Self::Answer => REDACTED.to_owned(),
        }
    }

    fn is_address(self, word: &str) -> bool {
        word.split_once('@').is_some_and(|(name, host)| {
            let nobodys = self == Self::Line
                && RESERVED.iter().any(|domain| host.ends_with(domain))
                && redact::found(word.as_bytes()).is_empty();
            !name.is_empty() && host.contains('.') && !nobodys
        })
    }
}

/// Takes secrets out of JSON (whole or cut off), forms and plain text: values under telling names, JWTs, e-mail addresses.
fn redact_body(text: &str, shown: Shown) -> String {
    let looks_like_form =
        !text.starts_with(['{', '[', '<']) && text.contains('=') && !text.contains(char::is_whitespace);
    if looks_like_form { redact_pairs(text, shown) } else { redact_words(&redact_json_values(text, shown), shown) }
}

fn redact_pairs(pairs: &str, shown: Shown) -> String {
    let redacted = pairs.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}={}", shown.secret(name)),
        _ => pair.to_owned(),
    });
    redacted.collect::<Vec<_>>().join("&")
}

fn redact_json_values(text: &str, shown: Shown) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_string(rest) {
        out.push_str(before);
        write!(out, "\"{name}\"").expect("writing to a string does not fail");
        rest = after;
        let value = after.trim_start();
        let Some(value) = value.strip_prefix(':').map(str::trim_start) else { continue };
        if is_secret_name(name) && value.starts_with('"') {
            write!(out, ":\"{}\"", shown.secret(name)).expect("writing to a string does not fail");
            rest = next_string(value).map_or("", |(_, _, after)| after);
        }
    }
    out.push_str(rest);
    out
}

/// Splits at the next JSON string: what stands before it, its content, what comes after it.
fn next_string(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find('"')?;
    let inside = &text[open + 1..];
    let mut escaped = false;
    let close = inside.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some((&text[..open], &inside[..close], &inside[close + 1..]))
}

fn redact_words(text: &str, shown: Shown) -> String {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '(' | ')');
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if is_edge(c) {
            let is_jwt = word.starts_with("eyJ") && word.len() > 20;
            match (is_jwt, shown.is_address(&word)) {
                (true, _) => out.push_str(&shown.secret("token")),
                (_, true) => out.push_str(&shown.secret("email")),
                _ => out.push_str(&word),
            }
            out.push(c);
            word.clear();
        } else {
            word.push(c);
        }
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests;
