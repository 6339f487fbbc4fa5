//! A failed or slow request written down so that somebody can repeat it, without what must not be seen.

use std::fmt::Write;

use http::{HeaderMap, Method};

use super::report::Capsule;

const BODY_BYTES: usize = 300;
const REDACTED: &str = "[redacted]";
const SECRET_WORDS: [&str; 9] =
    ["authorization", "cookie", "key", "secret", "token", "password", "signature", "code", "session"];
const HARMLESS: [&str; 2] = ["x-idempotency-key", "idempotency_key"];

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
    Capsule { curl: curl(sent), status, body: redact_body(&start_of(body)) }
}

fn start_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES)]).into_owned();
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '·' } else { c }).collect()
}

fn curl(sent: &Sent<'_>) -> String {
    let mut line = format!("curl -sS -i -X {}", sent.method);
    for (name, value) in sent.headers {
        if name == http::header::HOST {
            continue;
        }
        let value = if is_secret(name.as_str()) { REDACTED } else { value.to_str().unwrap_or("[binary]") };
        let quoted = quote(&format!("{name}: {value}"));
        write!(line, " -H {quoted}").expect("writing to a string does not fail");
    }
    if !sent.body.is_empty() {
        let body = String::from_utf8_lossy(sent.body);
        line = format!("{line} --data-raw {}", quote(&redact_body(&body)));
    }
    format!("{line} {}", quote(&format!("http://{}{}", sent.authority, redact_query(sent.path))))
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !HARMLESS.contains(&name.as_str()) && SECRET_WORDS.iter().any(|word| name.contains(word))
}

fn redact_query(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    format!("{path}?{}", redact_pairs(query))
}

fn redact_pairs(pairs: &str) -> String {
    let redacted = pairs.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
        _ => pair.to_owned(),
    });
    redacted.collect::<Vec<_>>().join("&")
}

/// Takes secrets out of JSON (whole or cut off), forms and plain text: values under telling names, JWTs, e-mail addresses.
fn redact_body(text: &str) -> String {
    let looks_like_form =
        !text.starts_with(['{', '[', '<']) && text.contains('=') && !text.contains(char::is_whitespace);
    if looks_like_form { redact_pairs(text) } else { redact_words(&redact_json_values(text)) }
}

fn redact_json_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_string(rest) {
        out.push_str(before);
        write!(out, "\"{name}\"").expect("writing to a string does not fail");
        rest = after;
        let value = after.trim_start();
        let Some(value) = value.strip_prefix(':').map(str::trim_start) else { continue };
        if is_secret(name) && value.starts_with('"') {
            write!(out, ":\"{REDACTED}\"").expect("writing to a string does not fail");
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

fn redact_words(text: &str) -> String {
    let is_edge = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '(' | ')');
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if is_edge(c) {
            let is_mail = word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
            let is_jwt = word.starts_with("eyJ") && word.len() > 20;
            out.push_str(if is_mail || is_jwt { REDACTED } else { &word });
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
mod tests {
    use super::*;

    #[test]
    fn a_capsule_repeats_the_request_without_its_secrets() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer abc".parse().unwrap());
        headers.insert("x-idempotency-key", "k1".parse().unwrap());
        headers.insert("x-telemetry-key", "t0p".parse().unwrap());
        let sent = Sent {
            method: &Method::POST,
            authority: "127.0.0.1:1",
            path: "/a?code=123&page=2",
            headers: &headers,
            body: br#"{"password":"hunter2","note":"it's"}"#,
        };
        let body = br#"{"access_token":"eyJhbGciOiJIUzI1NiJ9.e30.x","mail":"zoe@example.org","n":3}"#;
        let capsule = capsule(&sent, Some(500), body);
        assert_eq!(
            capsule.curl,
            r#"curl -sS -i -X POST -H 'authorization: [redacted]' -H 'x-idempotency-key: k1' -H 'x-telemetry-key: [redacted]' --data-raw '{"password":"[redacted]","note":"it'\''s"}' 'http://127.0.0.1:1/a?code=[redacted]&page=2'"#
        );
        assert_eq!(capsule.body, r#"{"access_token":"[redacted]","mail":"[redacted]","n":3}"#);
    }

    #[test]
    fn a_secret_that_is_cut_off_is_still_redacted() {
        assert_eq!(redact_body(r#"{"a":1,"token":"abcdef"#), r#"{"a":1,"token":"[redacted]""#);
        assert_eq!(redact_body("grant=x&client_secret=abc"), "grant=x&client_secret=[redacted]");
    }

    #[test]
    fn only_the_start_of_a_long_body_is_kept() {
        assert_eq!(start_of(&[b'x'; 5_000]).len(), 300);
    }
}
