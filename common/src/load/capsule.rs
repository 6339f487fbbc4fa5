//! A failed or slow request written down so that somebody can repeat it, without what must not be seen.

use std::fmt::Write;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, Method};

use super::report::Capsule;
use crate::contract::header;
use crate::curl::{END, MARK, form_without_secrets, header_without_secrets, is_secret_name, marked, quoted, variable};

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
    pub(crate) authority: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

pub(crate) fn capsule(sent: &Sent<'_>, status: Option<u16>, body: &[u8]) -> Capsule {
    Capsule { curl: curl(sent), status, body: redact_body(&start_of(body), &in_answer) }
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
        let value = value.to_str().unwrap_or("[binary]").replace([MARK, END], "");
        let header = match (name.as_str(), value.as_str()) {
            (name, "") => quoted(&format!("{name};")),
            (header::IDEMPOTENCY_KEY, key)
                if key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') =>
            {
                format!("\"{name}: ${{IDEMPOTENCY_KEY:-{key}}}\"")
            }
            (name, value) => quoted(&format!("{name}: {}", header_without_secrets(name, value))),
        };
        write!(line, " -H {header}").expect("writing to a string does not fail");
    }
    if sent.body.len() > LINE_BYTES {
        // What is too long for a line has to come from somewhere else.
        let rest = quoted(&format!("the {} bytes of the request, which are not kept", sent.body.len()));
        write!(line, " --data-binary @\"${{BODY_FILE:?{}}}\"", rest.trim_matches('\''))
            .expect("writing to a string does not fail");
    } else if !sent.body.is_empty() {
        let body = String::from_utf8_lossy(sent.body).replace([MARK, END], "");
        write!(line, " --data-raw {}", quoted(&redact_body(&body, &in_shell)))
            .expect("writing to a string does not fail");
    }
    let path = sent.path.replace([MARK, END], "");
    let path =
        path.split_once('?').map_or(path.clone(), |(path, query)| format!("{path}?{}", form_without_secrets(query)));
    format!("{line} {}", quoted(&format!("http://{}{path}", sent.authority)))
}

/// Headers that curl makes itself.
const IMPLIED: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

/// What stands for a secret of this name.
type Stand<'a> = &'a dyn Fn(&str) -> String;

/// In a line, a variable that whoever runs it sets. Addresses of nobody are no secret, and apps check them.
fn in_shell(name: &str) -> String {
    marked(&variable(name))
}

fn in_answer(_: &str) -> String {
    REDACTED.to_owned()
}

/// Takes secrets out of JSON (whole or cut off), forms and plain text: values under telling names, JWTs, e-mail addresses.
fn redact_body(text: &str, stand: Stand<'_>) -> String {
    let looks_like_form =
        !text.starts_with(['{', '[', '<']) && text.contains('=') && !text.contains(char::is_whitespace);
    if looks_like_form { redact_pairs(text, stand) } else { redact_words(&redact_json_values(text, stand), stand) }
}

fn redact_pairs(pairs: &str, stand: Stand<'_>) -> String {
    let redacted = pairs.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret_name(name) => format!("{name}={}", stand(name)),
        _ => pair.to_owned(),
    });
    redacted.collect::<Vec<_>>().join("&")
}

fn redact_json_values(text: &str, stand: Stand<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_string(rest) {
        out.push_str(before);
        write!(out, "\"{name}\"").expect("writing to a string does not fail");
        rest = after;
        let value = after.trim_start();
        let Some(value) = value.strip_prefix(':').map(str::trim_start) else { continue };
        if is_secret_name(name) && value.starts_with('"') {
            write!(out, ":\"{}\"", stand(name)).expect("writing to a string does not fail");
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

fn redact_words(text: &str, stand: Stand<'_>) -> String {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '(' | ')');
    let in_line = stand("") != REDACTED;
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if is_edge(c) {
            let is_mail = word.split_once('@').is_some_and(|(name, host)| {
                let nobody = in_line && RESERVED.iter().any(|domain| host.ends_with(domain));
                !name.is_empty() && host.contains('.') && !nobody
            });
            let is_jwt = word.starts_with("eyJ") && word.len() > 20;
            match (is_jwt, is_mail) {
                (true, _) => out.push_str(&stand("token")),
                (_, true) => out.push_str(&stand("email")),
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
