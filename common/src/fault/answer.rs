//! Answers that the app did not give: those of rules, those remembered, and the proxy's own.

use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::Answer;
use super::body::{Body, whole};
use crate::contract::header;
use crate::ids::TraceId;

/// An answer kept to be given again.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Remembered {
    pub(super) fn response(self) -> Response<Body> {
        let mut response = Response::new(whole(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().remove(CONTENT_LENGTH);
        response
    }
}

impl Answer {
    /// The answer, with the caller's trace.
    pub(super) fn response(&self, trace: Option<TraceId>) -> Response<Body> {
        let status = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, text) = match &self.body {
            Some(body) => (self.content_type.as_deref().unwrap_or("application/json"), body.clone()),
            None if status.as_u16() < 400 => ("", String::new()),
            None => (PROBLEM, problem(status, "a fault that was asked for", trace).to_string()),
        };
        let mut response = of(status, kind, text, trace);
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

const PROBLEM: &str = "application/problem+json";

/// The proxy's own answer: it cannot do what is asked.
pub(super) fn refusal(status: StatusCode, detail: &str, trace: Option<TraceId>) -> Response<Body> {
    of(status, PROBLEM, problem(status, detail, trace).to_string(), trace)
}

fn of(status: StatusCode, kind: &str, text: String, trace: Option<TraceId>) -> Response<Body> {
    let mut response = Response::new(whole(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind)
        && !kind.is_empty()
    {
        headers.insert(CONTENT_TYPE, kind);
    }
    if let Some(trace) = trace.and_then(|trace| HeaderValue::from_str(&trace.to_string()).ok()) {
        headers.insert(header::TRACE_ID, trace);
    }
    response
}

/// An RFC 9457 problem document.
fn problem(status: StatusCode, detail: &str, trace: Option<TraceId>) -> Value {
    json!({
        "type": "urn:handshake:problem:fault-proxy",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
        "trace_id": trace,
    })
}
