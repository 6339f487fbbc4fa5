//! How a call reaches its party: over HTTP, or in a simulation without a network.

mod http;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use common::service::RequestContext;
use serde_json::Value;

use super::party::Party;

pub(crate) use http::Http;

/// How long one call may take.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// One call, always a `POST`.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) party: Party,
    pub(crate) path: &'static str,
    /// Names the effect that must happen once.
    pub(crate) idempotency_key: String,
    pub(crate) body: Body,
    /// The token that proves who calls, where the party wants one.
    pub(crate) bearer: Option<String>,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// The body, null if it is not JSON.
    pub(crate) body: Value,
}

/// Nothing came back: why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) String);

/// What comes of a call.
pub(crate) type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answer, Broken>> + Send + 'a>>;

/// A way to other parties.
pub(crate) trait Transport: Debug + Send + Sync {
    /// True if this deployment knows where the party is.
    fn reaches(&self, party: Party) -> bool;

    /// Sends a call in the trace and with the labels of `context`.
    fn send<'a>(&'a self, context: &'a RequestContext, call: &'a Call) -> Sending<'a>;
}
