//! What a check asserts and sees.

use std::fmt::{Debug, Display};

use serde::{Deserialize, Serialize};

use crate::client::Reply;
use crate::curl::is_secret_name;
use crate::ids::TraceId;
use crate::redact::scrub;

/// How much of an answer stands in a finding, in characters.
const BODY_CHARS: usize = 200;

/// One assertion of a check. What its makers here write into it is scrubbed: findings are kept and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What should be so, `the fee on 1,000.00 USD`.
    pub what: String,
    /// True if it is.
    pub holds: bool,
    /// What was expected.
    pub expected: String,
    /// What was seen.
    pub seen: String,
    /// The trace of the request that showed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// The request as a curl line without secrets; kept for broken assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capsule: Option<String>,
}

impl Finding {
    /// A broken assertion.
    #[must_use]
    pub fn broken(what: &str, expected: &str, seen: impl Display) -> Self {
        Self {
            what: scrub(what),
            holds: false,
            expected: scrub(expected),
            seen: scrub(&seen.to_string()),
            trace_id: None,
            capsule: None,
        }
    }

    /// `the fee on 1,000.00 USD: expected 3000, saw 2900 (trace …)`.
    #[must_use]
    pub fn line(&self) -> String {
        let trace = self.trace_id.map(|id| format!(" (trace {id})")).unwrap_or_default();
        format!("{}: expected {}, saw {}{trace}", self.what, self.expected, self.seen)
    }
}

/// The assertions of one check, in order.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    list: Vec<Finding>,
    about: Option<(TraceId, Option<String>)>,
}

impl Findings {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The following assertions are about this answer: its trace and request are kept with them.
    pub fn about(&mut self, reply: &Reply) -> &mut Self {
        self.about = Some((reply.trace, Some(reply.capsule().curl)));
        self
    }

    /// The following assertions are about this trace, as that of a stream, of which no request is kept.
    pub fn about_trace(&mut self, trace: TraceId) -> &mut Self {
        self.about = Some((trace, None));
        self
    }

    /// Asserts that `seen` equals the literal `expected`.
    pub fn equal<T: PartialEq<U> + Debug + ?Sized, U: Debug + ?Sized>(
        &mut self,
        what: &str,
        expected: &T,
        seen: &U,
    ) -> bool {
        self.push(what, expected == seen, format!("{expected:?}"), format!("{seen:?}"))
    }

    /// Asserts a condition; `seen` says what was there instead.
    pub fn holds(&mut self, what: &str, holds: bool, seen: impl Display) -> bool {
        self.push(what, holds, "yes".into(), seen.to_string())
    }

    /// Asserts the status of an answer.
    pub fn status(&mut self, what: &str, expected: u16, reply: &Reply) -> bool {
        self.about(reply);
        let seen = if reply.status == expected { reply.status.to_string() } else { shown(reply) };
        self.push(what, reply.status == expected, expected.to_string(), seen)
    }

    /// Asserts that the JSON answer has `expected` at a pointer. Of another secret than
    /// that only that it is there is told.
    pub fn json_at(&mut self, what: &str, reply: &Reply, pointer: &str, expected: &serde_json::Value) -> bool {
        self.about(reply);
        let seen = reply.pointer(pointer);
        let shown = seen.as_ref().map_or_else(|| format!("nothing at {pointer}"), ToString::to_string);
        let holds = seen.as_ref() == Some(expected);
        let is_secret = pointer.rsplit('/').next().is_some_and(is_secret_name);
        let shown = if is_secret && !holds && seen.is_some() { "something else".to_owned() } else { shown };
        self.push(what, holds, expected.to_string(), shown)
    }

    fn push(&mut self, what: &str, holds: bool, expected: String, seen: String) -> bool {
        let (trace_id, capsule) = self.about.clone().map_or((None, None), |(trace, line)| (Some(trace), line));
        let capsule = capsule.filter(|_| !holds).map(|line| scrub(&line));
        let (what, expected, mut seen) = (scrub(what), scrub(&expected), scrub(&seen));
        if !holds && seen == expected {
            seen.push_str(", another one");
        }
        self.list.push(Finding { what, holds, expected, seen, trace_id, capsule });
        holds
    }

    /// The assertions.
    #[must_use]
    pub fn into_vec(self) -> Vec<Finding> {
        self.list
    }
}

/// Status and beginning of an answer. The capsule names secrets by their field, the scrubbing finds the rest by its form;
/// both before anything is cut, for half a token is still one.
fn shown(reply: &Reply) -> String {
    let body: String = scrub(&reply.capsule().response).chars().take(BODY_CHARS).collect();
    format!("{} {body}", reply.status)
}

#[cfg(test)]
mod tests;
