//! A complete response with what was measured and what the shared protocol says about it.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::capsule::{Capsule, Sent};
use super::error::ClientError;
use super::invariants::Violation;
use crate::contract::header;
use crate::ids::{AppId, TraceId};
use crate::units::Micros;

/// A complete response.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The app that was asked.
    pub app: AppId,
    /// The status, 100 to 599.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, at most [`super::MAX_REPLY_BYTES`].
    pub body: Bytes,
    /// From sending to the last byte of the body.
    pub elapsed: Micros,
    /// The trace that was sent. If none was sent, the one that the app drew; if it named none either (a violation), a
    /// fresh one that leads nowhere.
    pub trace: TraceId,
    /// What the app itself measured, from `Server-Timing: app;dur=1.234`.
    pub app_duration: Option<Micros>,
    /// Rules of the shared protocol that this response breaks.
    pub violations: Vec<Violation>,
    pub(super) sent: Sent,
    /// App, method and path, for messages.
    pub(super) request: String,
}

impl Reply {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`ClientError::NotJson`] when it is not, with the status and content type that came instead.
    pub fn json(&self) -> Result<Value, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::NotJson {
            request: self.request.clone(),
            status: self.status,
            content_type: self.header("content-type").unwrap_or("no content type").to_owned(),
            why: error.to_string(),
        })
    }

    /// What a JSON pointer (RFC 6901, `/a/b/0`) leads to in the body; `None` too if the body is not JSON.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<Value> {
        serde_json::from_slice::<Value>(&self.body).ok()?.pointer_mut(pointer).map(Value::take)
    }

    /// The body as text, with a replacement mark for what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header that are text, as the lines of `Set-Cookie`.
    #[must_use]
    pub fn header_all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }

    /// Where the request went.
    #[must_use]
    pub fn url(&self) -> &url::Url {
        &self.sent.url
    }

    /// App, method and path, as messages name the request: `A6 POST /register`.
    #[must_use]
    pub fn request(&self) -> &str {
        &self.request
    }

    /// True for 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// True if this is a stored answer given again.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.header(header::IDEMPOTENCY_REPLAYED).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The exchange as a redacted curl line and an excerpt of the response, for a finding.
    #[must_use]
    pub fn capsule(&self) -> Capsule {
        Capsule {
            curl: self.sent.curl(),
            status: self.status,
            trace: self.trace,
            elapsed_us: self.elapsed,
            response: self.sent.response(&self.body),
        }
    }
}

/// Reads the duration of the `app` metric from `Server-Timing` (milliseconds; W3C Server Timing, section 3).
pub(super) fn app_duration(headers: &HeaderMap) -> Option<Micros> {
    let lines = headers.get_all(header::SERVER_TIMING).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).find_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        if parts.next() != Some("app") {
            return None;
        }
        let duration = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("dur").then(|| value.trim().trim_matches('"'))
        })?;
        let ms: f64 = duration.parse().ok()?;
        // An hour is far above any answer; beyond it the figure is no duration.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3.6e9")]
        (0.0..=3_600_000.0).contains(&ms).then(|| Micros((ms * 1_000.0).round() as u64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(value: &str) -> Option<Micros> {
        app_duration(&[(header::SERVER_TIMING.parse().unwrap(), value.parse().unwrap())].into_iter().collect())
    }

    #[test]
    fn the_app_duration_is_found_among_other_metrics() {
        assert_eq!(duration("app;dur=1.234"), Some(Micros(1_234)));
        assert_eq!(duration("db;dur=9, app;desc=\"all\"; dur=\"2\""), Some(Micros(2_000)));
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for value in ["db;dur=9", "app", "app;dur=x", "app;dur=-1", "app;dur=NaN", "app;dur=inf", "app;dur=1e12"] {
            assert_eq!(duration(value), None, "{value}");
        }
    }
}
