//! One request of an iteration.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::header;
use crate::ids::AppId;

use super::{BodyTemplate, Expect, Extract, ExtractFrom, RequestTemplate, StreamRules, executor::whole_ms};

/// One request of an iteration, and what is expected of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Unique within the scenario, as `quote`.
    pub name: String,
    /// The app it goes to, if not the scenario's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The contract's name of the route it is judged under, `POST /api/billing/quote`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// What is sent.
    pub request: RequestTemplate,
    /// What the answer must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expect>,
    /// What later steps take from the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extract: Vec<Extract>,
    /// How many redirects it follows at most; a redirect is an answer like any other where it is 0.
    #[serde(default, skip_serializing_if = "is_none")]
    pub follow_redirects: u8,
    /// The answer is a stream of events, measured piece by piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamKind>,
    /// What a stream is held to.
    #[serde(default, skip_serializing_if = "StreamRules::is_default")]
    pub stream_rules: StreamRules,
    /// The pause after it, in milliseconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub think_time_ms: u64,
}

/// What kind of stream an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// Server-sent events of a chat completion, ended by `data: [DONE]`.
    Sse,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(value: &u8) -> bool {
    *value == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Step {
    /// A step of any method.
    #[must_use]
    pub fn new(name: &str, method: &str, path: &str) -> Self {
        let request =
            RequestTemplate { method: method.to_owned(), path: path.to_owned(), headers: BTreeMap::new(), body: None };
        Self {
            name: name.to_owned(),
            app: None,
            route: None,
            request,
            expect: Vec::new(),
            extract: Vec::new(),
            follow_redirects: 0,
            stream: None,
            stream_rules: StreamRules::default(),
            think_time_ms: 0,
        }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(name: &str, path: &str) -> Self {
        Self::new(name, "GET", path)
    }

    /// A `POST`.
    #[must_use]
    pub fn post(name: &str, path: &str) -> Self {
        Self::new(name, "POST", path)
    }

    /// A `PUT`.
    #[must_use]
    pub fn put(name: &str, path: &str) -> Self {
        Self::new(name, "PUT", path)
    }

    /// Sends it to another app than the scenario's.
    #[must_use]
    pub fn app(mut self, app: AppId) -> Self {
        self.app = Some(app);
        self
    }

    /// Names the contract's route where the path is not the pattern, as `GET /pages/{slug}`.
    #[must_use]
    pub fn route(mut self, route: &str) -> Self {
        self.route = Some(route.to_owned());
        self
    }

    /// Sends a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.insert(name.to_ascii_lowercase(), value.to_owned());
        self
    }

    /// Sends JSON.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.request.body = Some(BodyTemplate::Json(body));
        self
    }

    /// Sends a form.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.request.body = Some(BodyTemplate::Form(fields));
        self
    }

    /// Sends text.
    #[must_use]
    pub fn text(mut self, body: &str) -> Self {
        self.request.body = Some(BodyTemplate::Text(body.to_owned()));
        self
    }

    /// Sends an idempotency key of its own with each request, as hardened routes require.
    #[must_use]
    pub fn hardened(self) -> Self {
        self.header(header::IDEMPOTENCY_KEY, "{{idempotency_key}}")
    }

    /// Adds an expectation.
    #[must_use]
    pub fn expect(mut self, expect: Expect) -> Self {
        self.expect.push(expect);
        self
    }

    /// Expects one of these statuses.
    #[must_use]
    pub fn expect_status(self, statuses: &[u16]) -> Self {
        self.expect(Expect::Status(statuses.to_vec()))
    }

    /// Expects this JSON value at the pointer.
    #[must_use]
    pub fn expect_json(self, pointer: &str, value: impl Into<Value>) -> Self {
        self.expect(Expect::JsonEquals { pointer: pointer.to_owned(), value: value.into() })
    }

    /// Expects some JSON value at the pointer.
    #[must_use]
    pub fn expect_json_exists(self, pointer: &str) -> Self {
        self.expect(Expect::JsonExists { pointer: pointer.to_owned() })
    }

    /// Expects a header that matches the pattern.
    #[must_use]
    pub fn expect_header(self, name: &str, pattern: &str) -> Self {
        self.expect(Expect::Header { name: name.to_owned(), matches: pattern.to_owned() })
    }

    /// Expects this text in the body.
    #[must_use]
    pub fn expect_body(self, text: &str) -> Self {
        self.expect(Expect::BodyContains(text.to_owned()))
    }

    /// Takes the JSON value at the pointer as `{{var.NAME}}`.
    #[must_use]
    pub fn extract_json(mut self, name: &str, pointer: &str) -> Self {
        self.extract.push(Extract { name: name.to_owned(), from: ExtractFrom::Json(pointer.to_owned()) });
        self
    }

    /// Takes a header as `{{var.NAME}}`.
    #[must_use]
    pub fn extract_header(mut self, name: &str, header: &str) -> Self {
        self.extract.push(Extract { name: name.to_owned(), from: ExtractFrom::Header(header.to_owned()) });
        self
    }

    /// Takes a value from elsewhere in the answer as `{{var.NAME}}`.
    #[must_use]
    pub fn extract(mut self, name: &str, from: ExtractFrom) -> Self {
        self.extract.push(Extract { name: name.to_owned(), from });
        self
    }

    /// Follows up to this many redirects.
    #[must_use]
    pub fn follow_redirects(mut self, most: u8) -> Self {
        self.follow_redirects = most;
        self
    }

    /// Reads the answer as a stream of server-sent events.
    #[must_use]
    pub fn sse(mut self) -> Self {
        self.stream = Some(StreamKind::Sse);
        self
    }

    /// Holds the stream to these rules.
    #[must_use]
    pub fn stream_rules(mut self, rules: StreamRules) -> Self {
        self.stream_rules = rules;
        self
    }

    /// Pauses after it.
    #[must_use]
    pub fn think(mut self, pause: Duration) -> Self {
        self.think_time_ms = whole_ms(pause);
        self
    }

    /// The route it is judged under: as said, or method and path without the query.
    #[must_use]
    pub fn route_name(&self) -> String {
        self.route.clone().unwrap_or_else(|| {
            let path = self.request.path.split('?').next().unwrap_or_default();
            format!("{} {path}", self.request.method)
        })
    }
}
