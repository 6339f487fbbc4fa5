//! A failed exchange in a form that somebody else can repeat and that shows no secret.

use std::fmt::Write as _;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::header;
use crate::curl::{END, MARK, form_without_secrets, is_secret_name, marked, quoted, variable};
use crate::ids::TraceId;
use crate::target::SecretNames;
use crate::units::Micros;

/// How much of a body is kept, in bytes.
const MAX_EXCERPT: usize = 2_048;

/// Shorter values are too likely to stand in a body by chance.
pub(super) const MIN_SECRET: usize = 8;

/// A request as a curl line and what came back, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capsule {
    /// Runs in a POSIX shell once the named variables are set; secrets stand as `${NAME:?}`.
    pub curl: String,
    /// The status that came back.
    pub status: u16,
    /// The trace of the request.
    pub trace: TraceId,
    /// From sending to the last byte, in microseconds.
    pub elapsed_us: Micros,
    /// The beginning of the body that came back, with secrets as `$NAME`.
    pub response: String,
}

/// What was sent, kept for a capsule.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) method: http::Method,
    pub(super) url: url::Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<bytes::Bytes>,
    pub(super) names: SecretNames,
}

impl Sent {
    pub(super) fn curl(&self) -> String {
        let mut line = format!("curl -sS -X {}", self.method);
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let shown = self.header(name.as_str(), &value);
            let _ = write!(line, " -H {}", quoted(&format!("{name}: {shown}")));
        }
        if let Some(body) = &self.body {
            let _ = write!(line, " --data-binary {}", quoted(&excerpt(body)));
        }
        let _ = write!(line, " {}", quoted(&url_without_secrets(&self.url)));
        line
    }

    /// Values that no error may repeat: keys, tokens and cookies as sent.
    pub(super) fn secrets(&self) -> Vec<String> {
        let is_secret = |name: &str| self.header(name, "").contains(MARK);
        let values = self.headers.iter().filter(|(name, _)| is_secret(name.as_str()));
        let text = values.filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
        text.flat_map(|(name, value)| {
            let is_cookie = *name == http::header::COOKIE;
            let parts = if is_cookie { value.split("; ").collect() } else { vec![value] };
            parts.into_iter().map(move |part| match part.split_once('=').filter(|_| is_cookie) {
                Some((_, cookie)) => cookie.to_owned(),
                None => part.strip_prefix("Bearer ").unwrap_or(part).to_owned(),
            })
        })
        .collect()
    }

    /// The beginning of a body that came back, with secrets marked out, those that were sent included.
    pub(super) fn response(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        for secret in self.secrets().iter().filter(|secret| secret.len() >= MIN_SECRET) {
            text = text.replace(secret, "[redacted]");
        }
        excerpt(text.as_bytes()).replace(MARK, "$").replace(END, "")
    }

    fn header(&self, name: &str, value: &str) -> String {
        let named = |given: &Option<String>, usual: &str| marked(given.as_deref().unwrap_or(usual));
        match name {
            "authorization" if value.starts_with("Bearer ") => format!("Bearer {}", marked("TOKEN")),
            "authorization" => marked("AUTHORIZATION"),
            "cookie" => marked("COOKIE"),
            header::TELEMETRY_KEY => named(&self.names.telemetry_key_env, "HANDSHAKE_TELEMETRY_KEY"),
            header::ADMIN_KEY => named(&self.names.admin_key_env, "HANDSHAKE_ADMIN_KEY"),
            "stripe-signature" => marked("STRIPE_SIGNATURE"),
            _ if is_secret_name(name) => marked(&variable(name)),
            _ => value.to_owned(),
        }
    }
}

fn url_without_secrets(url: &url::Url) -> String {
    let Some(query) = url.query() else { return url.to_string() };
    format!("{}?{}", &url[..url::Position::AfterPath], form_without_secrets(query))
}

fn excerpt(body: &[u8]) -> String {
    let text = if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
        redact(&mut value);
        // Redaction marks are control characters, which JSON escapes.
        value.to_string().replace("\\u0001", &MARK.to_string()).replace("\\u0002", &END.to_string())
    } else {
        let plain = String::from_utf8_lossy(body).replace([MARK, END], "");
        let is_form = plain.contains('=') && !plain.contains(char::is_whitespace) && !plain.contains('<');
        if is_form { form_without_secrets(&plain) } else { plain }
    };
    cut(text)
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if is_secret_name(name) && matches!(field, Value::String(_)) {
                    *field = Value::String(marked(&variable(name)));
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::String(text) => *text = text.replace([MARK, END], ""),
        _ => {}
    }
}

/// Cuts at a character, and never within the name of a variable.
fn cut(text: String) -> String {
    if text.len() <= MAX_EXCERPT {
        return text;
    }
    let mut end = text.floor_char_boundary(MAX_EXCERPT);
    if let Some(open) = text[..end].rfind(MARK).filter(|&open| !text[open..end].contains(END)) {
        end = open;
    }
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(headers: &[(&'static str, &'static str)], body: Option<&'static str>) -> Sent {
        Sent {
            method: http::Method::POST,
            url: "http://127.0.0.1:7101/cb?code=s3cr3t-a&state=x".parse().unwrap(),
            headers: headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect(),
            body: body.map(bytes::Bytes::from),
            names: SecretNames { telemetry_key_env: Some("HANDSHAKE_T".to_owned()), admin_key_env: None },
        }
    }

    #[test]
    fn a_curl_line_names_secrets_and_shows_none() {
        let sent = sent(
            &[
                ("authorization", "Bearer s3cr3t-b"),
                ("cookie", "sid=s3cr3t-c"),
                ("x-telemetry-key", "s3cr3t-d"),
                ("x-idempotency-key", "k1"),
            ],
            Some(r#"{"user":"it's me","password":"s3cr3t-e","nested":[{"refresh_token":"s3cr3t-f"}]}"#),
        );
        insta::assert_snapshot!(sent.curl(), @r#"curl -sS -X POST -H 'authorization: Bearer '"${TOKEN:?}" -H 'cookie: '"${COOKIE:?}" -H 'x-telemetry-key: '"${HANDSHAKE_T:?}" -H 'x-idempotency-key: k1' --data-binary '{"user":"it'\''s me","password":"'"${PASSWORD:?}"'","nested":[{"refresh_token":"'"${REFRESH_TOKEN:?}"'"}]}' 'http://127.0.0.1:7101/cb?code='"${CODE:?}"'&state=x'"#);
        assert_eq!(sent.secrets(), ["s3cr3t-b", "s3cr3t-c", "s3cr3t-d"]);
    }

    #[test]
    fn secrets_in_forms_are_named() {
        let body = sent(&[], Some("grant_type=refresh_token&refresh_token=s3cr3t&client_secret=s3cr3t")).curl();
        assert!(
            body.contains("grant_type=refresh_token&refresh_token='\"${REFRESH_TOKEN:?}\"'&client_secret="),
            "{body}"
        );
        assert!(!body.contains("s3cr3t&"), "{body}");
    }

    #[test]
    fn a_body_cannot_smuggle_a_command_into_the_line() {
        let body = sent(&[], Some("x\u{1}(reboot)\u{2}y '; reboot; '")).curl();
        assert!(body.contains(r"--data-binary 'x(reboot)y '\''; reboot; '\'''"), "{body}");
        let json = sent(&[], Some(r#"{"a":"\u0001(reboot)\u0002"}"#)).curl();
        assert!(json.contains(r#"'{"a":"(reboot)"}'"#), "{json}");
        let key = sent(&[], Some(r#"{"\u0001(reboot)\u0002":1}"#)).curl();
        assert!(key.contains(r#"'{"''(reboot)":1}'"#), "{key}");
    }

    #[test]
    fn a_long_body_is_cut() {
        let shown = sent(&[], None).response("é".repeat(5_000).as_bytes());
        assert!(shown.len() < 2_200 && shown.ends_with("(10000 bytes in all)"), "{}", shown.len());
    }
}
