//! A request in the making: permitted, labelled and traced from the start.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::capsule::Sent;
use super::error::{self, ClientError};
use super::invariants::{self, Asked};
use super::reply::Reply;
use super::session::Jar;
use super::stream::Stream;
use super::{Client, TIMEOUT};
use crate::clock;
use crate::contract::header;
use crate::guard::{Permit, is_mutation};
use crate::ids::{TraceId, TraceParent};

/// A request in the making. Whatever is wrong with it shows when it is sent.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: Client,
    state: Result<Draft, ClientError>,
}

#[derive(Debug)]
struct Draft {
    permit: Permit,
    headers: HeaderMap,
    body: Option<Bytes>,
    trace: Option<TraceId>,
    native_errors: bool,
    timeout: Duration,
    jar: Option<Arc<Jar>>,
}

impl Request {
    pub(super) fn new(client: Client, permit: Result<Permit, ClientError>) -> Self {
        Self { client, state: permit.and_then(Draft::new) }
    }

    pub(super) fn with_jar(mut self, jar: &Arc<Jar>) -> Self {
        if let Ok(draft) = &mut self.state {
            draft.jar = Some(Arc::clone(jar));
        }
        self
    }

    fn edit(mut self, change: impl FnOnce(&mut Draft) -> Result<(), ClientError>) -> Self {
        self.state = self.state.and_then(|mut draft| change(&mut draft).map(|()| draft));
        self
    }

    /// Sets a header in place of what it held. Headers that would change where or what the request is, and the synthetic
    /// labels, are refused.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.edit(|draft| {
            let parsed: HeaderName = name.parse().map_err(|_| draft.malformed("a header name", name))?;
            draft.permit.check_header(&parsed)?;
            draft.set(parsed, value)
        })
    }

    /// Sends a JSON body.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.edit(|draft| {
            let bytes = serde_json::to_vec(body).map_err(|error| draft.malformed("the body", &error.to_string()))?;
            draft.body = Some(bytes.into());
            draft.set(http::header::CONTENT_TYPE, "application/json")
        })
    }

    /// Sends a form.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.body(body, "application/x-www-form-urlencoded")
    }

    /// Sends these bytes as `content_type`.
    pub fn body(self, bytes: impl Into<Bytes>, content_type: &str) -> Self {
        let bytes = bytes.into();
        self.edit(|draft| {
            draft.body = Some(bytes);
            draft.set(http::header::CONTENT_TYPE, content_type)
        })
    }

    /// Names the effect that must happen once; a mutating request has a fresh key unless this is called.
    pub fn idempotency_key(self, key: &str) -> Self {
        self.header(header::IDEMPOTENCY_KEY, key)
    }

    /// Leaves the idempotency key out.
    pub fn without_idempotency_key(self) -> Self {
        self.edit(|draft| {
            draft.headers.remove(header::IDEMPOTENCY_KEY);
            Ok(())
        })
    }

    /// Continues a trace; a request starts a fresh one unless this is called.
    pub fn trace(self, trace: TraceId) -> Self {
        self.edit(|draft| draft.set_trace(trace))
    }

    /// Leaves both trace headers out. The reply must then carry a trace that the app drew.
    pub fn without_trace(self) -> Self {
        self.edit(|draft| {
            draft.trace = None;
            draft.headers.remove(header::TRACEPARENT);
            draft.headers.remove(header::TRACE_ID);
            Ok(())
        })
    }

    /// Acts with a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Takes errors in the form that a standard prescribes for this route (OAuth, OpenAI) instead of a problem document.
    /// All other rules still hold.
    pub fn native_errors(self) -> Self {
        self.edit(|draft| {
            draft.native_errors = true;
            Ok(())
        })
    }

    /// Changes how long the request may take, [`TIMEOUT`] unless this is called.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.edit(|draft| {
            draft.timeout = timeout;
            Ok(())
        })
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Errors
    /// [`ClientError`] when it may not leave or no complete answer comes; a status of 400 and above is a reply, no error.
    pub async fn send(self) -> Result<Reply, ClientError> {
        self.stream().await?.into_reply().await
    }

    /// Sends the request and reads the head of the answer. The timeout runs on until the stream's end.
    ///
    /// # Errors
    /// [`ClientError`] when it may not leave or no head comes.
    pub async fn stream(self) -> Result<Stream, ClientError> {
        let client = self.client;
        let draft = self.state?;
        let started = clock::monotonic();
        // The runtime's clock, which a test may have paused.
        let deadline = tokio::time::sleep(draft.timeout).deadline();
        let (sent, asked) = draft.seal();
        let mut request = client.http.request(sent.method.clone(), sent.url.clone()).headers(sent.headers.clone());
        if let Some(body) = &sent.body {
            request = request.body(body.clone());
        }
        let response = tokio::time::timeout_at(deadline, request.send())
            .await
            .map_err(|_| ClientError::Timeout { request: error::name(&draft.permit), after: draft.timeout })?
            .map_err(|error| ClientError::transport(error, &draft.permit, draft.timeout))?;
        if let Some(jar) = &draft.jar {
            jar.store(&sent.url, response.headers());
        }
        let named = || response.headers().get(header::TRACE_ID)?.to_str().ok()?.parse().ok();
        let trace = draft.trace.or_else(named).unwrap_or_else(TraceId::fresh);
        let violations = invariants::of_head(&asked, response.status(), response.headers(), trace);
        client.note(&violations);
        Ok(Stream::new(
            client,
            response,
            super::stream::Head {
                permit: draft.permit,
                sent,
                asked,
                trace,
                started,
                deadline,
                timeout: draft.timeout,
                violations,
            },
        ))
    }
}

impl Draft {
    fn new(permit: Permit) -> Result<Self, ClientError> {
        let mut draft = Self {
            headers: HeaderMap::new(),
            body: None,
            trace: None,
            native_errors: false,
            timeout: TIMEOUT,
            jar: None,
            permit,
        };
        draft.set_trace(TraceId::fresh())?;
        for (name, value) in draft.permit.labels().clone().headers() {
            draft.set(HeaderName::from_static(name), value)?;
        }
        if is_mutation(draft.permit.method()) {
            let key = uuid::Uuid::new_v4().to_string();
            draft.set(HeaderName::from_static(header::IDEMPOTENCY_KEY), &key)?;
        }
        Ok(draft)
    }

    fn set(&mut self, name: HeaderName, value: &str) -> Result<(), ClientError> {
        let what = format!("header {name}");
        let value = HeaderValue::from_str(value).map_err(|_| self.malformed(&what, "it has a control character"))?;
        self.headers.insert(name, value);
        Ok(())
    }

    fn set_trace(&mut self, trace: TraceId) -> Result<(), ClientError> {
        self.trace = Some(trace);
        self.set(HeaderName::from_static(header::TRACEPARENT), &TraceParent::of(trace).to_string())?;
        self.set(HeaderName::from_static(header::TRACE_ID), &trace.to_string())
    }

    fn malformed(&self, what: &str, why: &str) -> ClientError {
        ClientError::Malformed { app: self.permit.app(), what: what.to_owned(), why: why.to_owned() }
    }

    /// What goes out, and what the answer is held against.
    fn seal(&self) -> (Sent, Asked) {
        let mut headers = self.headers.clone();
        if let Some(cookies) = self.jar.as_ref().and_then(|jar| jar.header(self.permit.url())) {
            headers.entry(http::header::COOKIE).or_insert(cookies);
        }
        let sent = Sent {
            method: self.permit.method().clone(),
            url: self.permit.url().clone(),
            headers,
            body: self.body.clone(),
            names: self.permit.secrets().clone(),
        };
        let asked = Asked {
            app: self.permit.app(),
            method: self.permit.method().clone(),
            path: self.permit.url().path().to_owned(),
            sent_trace: self.trace,
            native_errors: self.native_errors,
            secrets: sent.secrets(),
        };
        (sent, asked)
    }
}
