//! Who calls, in which trace, for which tenant, with which labels: read once, passed on with every onward call.

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::contract::header;
use crate::ids::{SYNTHETIC_TENANT, TraceId, TraceParent};
use crate::telemetry::Namespace;

use super::Problem;

/// What the shared protocol says about a request.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The trace, the caller's or a fresh one.
    pub trace: TraceParent,
    /// True if the caller sent a trace header.
    pub traced: bool,
    /// For whom the caller acts.
    pub tenant: String,
    /// The key of the effect, if sent.
    pub idempotency_key: Option<String>,
    /// Which figures the effects may enter.
    pub namespace: Namespace,
    /// True on synthetic traffic.
    pub test_run: bool,
    /// `qa` on synthetic traffic.
    pub source: Option<String>,
    /// The route pattern, `/api/providers/{id}/stage`.
    pub route: String,
    /// The method.
    pub method: String,
    /// When the app took the request on.
    pub started: Instant,
}

/// The trace and labels of a request, kept in a row until work that follows from it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// The trace of whoever asked.
    pub trace_id: TraceId,
    /// For whom.
    pub tenant_id: String,
    /// Which figures the effects may enter.
    pub namespace: Namespace,
    /// True on synthetic traffic.
    pub test_run: bool,
    /// `qa` on synthetic traffic.
    pub source: Option<String>,
}

impl Carried {
    /// The context in which the work goes on, under the name of a route; its time starts now.
    #[must_use]
    pub fn resume(&self, method: &str, route: &str) -> RequestContext {
        RequestContext {
            trace: TraceParent::of(self.trace_id),
            traced: true,
            tenant: self.tenant_id.clone(),
            idempotency_key: None,
            namespace: self.namespace,
            test_run: self.test_run,
            source: self.source.clone(),
            route: route.to_owned(),
            method: method.to_owned(),
            started: clock::monotonic(),
        }
    }
}

impl RequestContext {
    /// Reads the protocol's headers.
    pub(crate) fn read(headers: &HeaderMap, method: &str, route: &str) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let parent = text(header::TRACEPARENT).and_then(|value| value.parse::<TraceParent>().ok());
        let bare = text(header::TRACE_ID).and_then(|value| value.parse::<TraceId>().ok()).map(TraceParent::of);
        let sent = parent.or(bare);
        let test_run = text(header::TEST_RUN).as_deref() == Some("true");
        let namespace = text(header::NAMESPACE).and_then(|value| Namespace::parse(&value));
        Self {
            trace: sent.unwrap_or_else(TraceParent::fresh),
            traced: sent.is_some(),
            tenant: text(header::TENANT_ID).filter(|t| !t.is_empty()).unwrap_or_else(|| SYNTHETIC_TENANT.to_owned()),
            idempotency_key: text(header::IDEMPOTENCY_KEY).filter(|key| !key.is_empty()),
            namespace: namespace.unwrap_or(if test_run { Namespace::PerfTest } else { Namespace::Live }),
            test_run,
            source: text(header::SOURCE),
            route: route.to_owned(),
            method: method.to_owned(),
            started: clock::monotonic(),
        }
    }

    /// What of this context later work goes on with: its trace and labels.
    #[must_use]
    pub fn carry(&self) -> Carried {
        Carried {
            trace_id: self.trace.trace,
            tenant_id: self.tenant.clone(),
            namespace: self.namespace,
            test_run: self.test_run,
            source: self.source.clone(),
        }
    }

    /// The context of work that an app starts by itself, in a trace of its own.
    #[must_use]
    pub fn internal(route: &str) -> Self {
        Self {
            trace: TraceParent::fresh(),
            traced: false,
            tenant: SYNTHETIC_TENANT.to_owned(),
            idempotency_key: None,
            namespace: Namespace::Live,
            test_run: false,
            source: None,
            route: route.to_owned(),
            method: "INTERNAL".to_owned(),
            started: clock::monotonic(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unavailable("the protocol layer is missing"))
    }
}
