//! What every response of every app must keep, checked on each one.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::capsule::MIN_SECRET;
use crate::contract::{PROTOCOL_VERSION, header};
use crate::ids::{AppId, TraceId};

/// A rule of the shared protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `X-Trace-Id` gives back the trace that was sent, or a fresh one.
    TraceEchoed,
    /// `X-Protocol-Version` is the version of the protocol.
    ProtocolVersion,
    /// `X-App-Id` is the app that was asked.
    AppId,
    /// An error is a problem document (RFC 9457) with type, title, the same status and the same trace.
    ProblemDocument,
    /// No panic message or stack trace in a body.
    NoStackTrace,
    /// No secret of the request in an error's body.
    NoSecretEchoed,
}

/// One response that breaks a rule of the shared protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The app that was asked.
    pub app: AppId,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The status of the response.
    pub status: u16,
    /// The trace of the request.
    pub trace: TraceId,
    /// What was seen and what was expected.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, method, path, status, trace, detail, .. } = self;
        write!(f, "{app} {method} {path} → {status}: {detail} (trace {trace})")
    }
}

/// What was asked, as far as the rules care.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) app: AppId,
    pub(super) method: Method,
    pub(super) path: String,
    /// The trace that was sent, if one was.
    pub(super) sent_trace: Option<TraceId>,
    /// True where a standard prescribes another form of errors.
    pub(super) native_errors: bool,
    /// Values of headers that no error may repeat.
    pub(super) secrets: Vec<String>,
}

/// Checks the rules that the head of a response must keep.
pub(super) fn of_head(asked: &Asked, status: StatusCode, headers: &HeaderMap, trace: TraceId) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut report =
        |rule, detail: Option<String>| found.extend(detail.map(|d| violation(asked, status, trace, rule, d)));
    let shown = |name: &str| text(headers, name).map_or_else(|| "no".to_owned(), |value| format!("{value:?} as"));
    let echoed = text(headers, header::TRACE_ID);
    report(
        Rule::TraceEchoed,
        match (asked.sent_trace, echoed) {
            (Some(sent), Some(echoed)) if echoed == sent.to_string() => None,
            (Some(_), _) => Some(format!("{} x-trace-id, sent {trace}", shown(header::TRACE_ID))),
            (None, Some(fresh)) if fresh.parse::<TraceId>().is_ok() => None,
            (None, _) => Some(format!("{} x-trace-id, expected a fresh trace id", shown(header::TRACE_ID))),
        },
    );
    for (rule, name, expected) in [
        (Rule::ProtocolVersion, header::PROTOCOL_VERSION, PROTOCOL_VERSION),
        (Rule::AppId, header::APP_ID, asked.app.as_str()),
    ] {
        let differs = text(headers, name) != Some(expected);
        report(rule, differs.then(|| format!("{} {name}, expected {expected:?}", shown(name))));
    }
    found
}

/// Checks the rules that the body of a response must keep.
pub(super) fn of_body(
    asked: &Asked,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
    trace: TraceId,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut report =
        |rule, detail: Option<String>| found.extend(detail.map(|d| violation(asked, status, trace, rule, d)));
    let is_error = status.as_u16() >= 400;
    if is_error && !asked.native_errors && asked.method != Method::HEAD {
        // Without a trace sent, the head's rule tells whether there is one; the document must name the same.
        let trace = text(headers, header::TRACE_ID).and_then(|value| value.parse().ok()).unwrap_or(trace);
        report(Rule::ProblemDocument, problem_fault(status, headers, body, asked.sent_trace.unwrap_or(trace)));
    }
    for mark in ["panicked at", "stack backtrace"] {
        report(Rule::NoStackTrace, contains(body, mark).then(|| format!("the body holds {mark:?}")));
    }
    let echoed = is_error && asked.secrets.iter().any(|secret| secret.len() >= MIN_SECRET && contains(body, secret));
    report(Rule::NoSecretEchoed, echoed.then(|| "the body repeats a secret of the request".to_owned()));
    found
}

fn violation(asked: &Asked, status: StatusCode, trace: TraceId, rule: Rule, detail: String) -> Violation {
    Violation {
        rule,
        app: asked.app,
        method: asked.method.to_string(),
        path: asked.path.clone(),
        status: status.as_u16(),
        trace,
        detail,
    }
}

/// What keeps an error from being the problem document it must be.
fn problem_fault(status: StatusCode, headers: &HeaderMap, body: &Bytes, trace: TraceId) -> Option<String> {
    let content_type = text(headers, "content-type").unwrap_or("none");
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/problem+json") {
        return Some(format!("an error of content type {content_type:?}, expected application/problem+json"));
    }
    let Ok(document) = serde_json::from_slice::<Value>(body) else {
        return Some("an error whose body is not JSON".to_owned());
    };
    let mut faults: Vec<String> = ["type", "title"]
        .into_iter()
        .filter(|name| document[*name].as_str().is_none_or(str::is_empty))
        .map(|name| format!("no {name}"))
        .collect();
    if document["status"] != status.as_u16() {
        faults.push(format!("status {}, expected {}", document["status"], status.as_u16()));
    }
    if document["trace_id"].as_str() != Some(&trace.to_string()) {
        faults.push(format!("trace_id {}, expected {trace}", document["trace_id"]));
    }
    (!faults.is_empty()).then(|| format!("a problem document with {}", faults.join("; ")))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn contains(body: &[u8], mark: &str) -> bool {
    let mark = mark.as_bytes();
    body.len() >= mark.len() && body.windows(mark.len()).any(|window| window == mark)
}
