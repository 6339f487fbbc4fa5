//! One request and its answer, untouched or disturbed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::header::HOST;
use axum::http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use super::active::{Active, Facts, Hit};
use super::answer;
use super::body::{Body, BodyError, streamed};
use super::head::drop_hop_headers;
use super::origin;
use super::plan::Plan;
use super::proxy::Shared;
use super::record::Applied;
use super::upstream::{Link, LinkError};
use crate::clock;
use crate::ids::TraceId;

/// The caller's connection is cut in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("a rule ends the connection here")]
pub(super) struct Severed;

/// Why a request cannot be passed on.
#[derive(Debug, thiserror::Error)]
pub(super) enum PassError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the body of the request cannot be passed on: {0}")]
    Body(#[from] BodyError),
    #[error("the body of its answer cannot be passed on: {0}")]
    Answer(BodyError),
}

/// What passes the requests of one connection on, one after the other.
#[derive(Debug)]
pub(super) struct Exchanger {
    pub(super) shared: Arc<Shared>,
    /// Asks for a reset when the connection ends.
    pub(super) reset: Arc<AtomicBool>,
    link: Link,
}

impl Exchanger {
    pub(super) fn new(shared: Arc<Shared>, reset: Arc<AtomicBool>) -> Self {
        Self { shared, reset, link: Link::default() }
    }

    /// Answers a request as the rules say, else as the app does.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Severed> {
        let active = self.shared.active();
        if active.is_empty() {
            return Ok(self.untouched(request).await);
        }
        let now = clock::monotonic();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let facts = Facts::new(&method, &path, request.headers());
        let trace = facts.trace;
        let hits = active.hits(facts, now);
        if hits.is_empty() {
            return Ok(self.untouched(request).await);
        }
        let noted = Noted::new(self, &hits, method.as_str(), &path, trace);
        self.disturbed(request, &active, &hits, noted, now).await
    }

    async fn disturbed(
        &self,
        request: Request<Incoming>,
        active: &Active,
        hits: &[Hit<'_>],
        mut noted: Noted<'_>,
        now: std::time::Instant,
    ) -> Result<Response<Body>, Severed> {
        let plan = Plan::of(hits, active.age(now));
        for index in &plan.sure {
            noted.note(*index);
        }
        if !plan.wait.is_zero() {
            tokio::time::sleep(plan.wait).await;
        }
        if let Some(ending) = plan.ending {
            return self.end(request, ending, noted.trace).await;
        }
        let trace = noted.trace;
        let passed = self.act(request, &plan, hits, &mut noted).await;
        Ok(passed.unwrap_or_else(|error| self.failed(&error, trace)))
    }

    async fn untouched(&self, request: Request<Incoming>) -> Response<Body> {
        let trace = Facts::new(request.method(), "", request.headers()).trace;
        let sent = self.send(request.map(streamed)).await;
        sent.map_or_else(|error| self.failed(&error.into(), trace), |answer| answer.map(streamed))
    }

    /// Sends a request on and makes the head of its answer that of the caller's connection.
    pub(super) async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, LinkError> {
        let (upstream, stop) = (&self.shared.upstream, &self.shared.stop);
        drop_hop_headers(request.headers_mut());
        *request.version_mut() = Version::HTTP_11;
        if let Some(path) = upstream.path(request.uri()) {
            *request.uri_mut() = path;
        }
        // An app on this machine sees the name that its caller used, so that its absolute links lead through the proxy.
        if (upstream.is_deployed() || !request.headers().contains_key(HOST))
            && let Some(host) = upstream.host()
        {
            request.headers_mut().insert(HOST, host);
        }
        let mut answer = self.link.send(upstream, request, stop).await?;
        drop_hop_headers(answer.headers_mut());
        if upstream.is_deployed() {
            origin::seen_from_proxy(answer.headers_mut(), upstream.base(), &self.shared.url);
        }
        Ok(answer)
    }

    fn failed(&self, error: &PassError, trace: Option<TraceId>) -> Response<Body> {
        let (status, who) = match error {
            PassError::Body(_) => (StatusCode::BAD_REQUEST, "the request"),
            PassError::Link(_) | PassError::Answer(_) => (StatusCode::BAD_GATEWAY, "the app"),
        };
        let (at, to) = (self.shared.address, self.shared.upstream.base());
        let detail = format!("the fault proxy at {at} got nothing from {who} behind it, {to}: {error}");
        answer::refusal(status, &detail, trace)
    }

    pub(super) fn sever(&self) -> Severed {
        self.reset.store(true, Ordering::SeqCst);
        Severed
    }
}

/// Writes the record of one request: each rule once, when it has done something.
pub(super) struct Noted<'a> {
    shared: &'a Shared,
    rules: Vec<Option<&'a str>>,
    method: &'a str,
    path: &'a str,
    pub(super) trace: Option<TraceId>,
}

impl<'a> Noted<'a> {
    fn new(exchanger: &'a Exchanger, hits: &[Hit<'a>], method: &'a str, path: &'a str, trace: Option<TraceId>) -> Self {
        let rules = hits.iter().map(|hit| Some(hit.rule().id.as_str())).collect();
        Self { shared: &exchanger.shared, rules, method, path, trace }
    }

    /// The rule of this place did something.
    pub(super) fn note(&mut self, index: usize) {
        let Some(rule) = self.rules.get_mut(index).and_then(Option::take) else { return };
        self.shared.record.add(Applied {
            rule: rule.to_owned(),
            trace_id: self.trace,
            at_unix_ms: clock::unix_ms(),
            method: self.method.to_owned(),
            path: self.path.to_owned(),
        });
    }
}
