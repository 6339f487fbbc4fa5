//! Errors as RFC 9457 problem documents. A handler names the problem; the protocol layer adds the trace id.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{DbError, UpstreamError};

/// What went wrong, for the caller.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A short stable name, `illegal-move`.
    pub kind: String,
    /// What happened and what to do, for a person.
    pub detail: String,
    /// Further members of the document.
    pub members: Map<String, Value>,
    /// Seconds after which a retry makes sense.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem of this status, kind and explanation.
    #[must_use]
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self { status, kind: kind.to_owned(), detail: detail.into(), members: Map::new(), retry_after_s: None }
    }

    /// 400: the request cannot be read.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 401: who is calling is not known.
    #[must_use]
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 404: there is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 409: not in this state.
    #[must_use]
    pub fn conflict(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    /// 422: readable, but it does not make sense; `pointer` names the field.
    #[must_use]
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with("pointer", pointer.into())
    }

    /// 428: a header that this route requires is missing.
    #[must_use]
    pub fn precondition_required(header: &str) -> Self {
        Self::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", format!("send the header {header}"))
            .with("header", header.into())
    }

    /// 429: come back later.
    #[must_use]
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
        problem.retry_after_s = Some(retry_after_s);
        problem
    }

    /// 503: a dependency does not answer.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after_s = Some(1);
        problem
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// The document for this trace.
    pub(crate) fn document(&self, trace_id: &str) -> Value {
        let mut document = json!({
            "type": format!("urn:handshake:problem:{}", self.kind),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "trace_id": trace_id,
        });
        if let Some(object) = document.as_object_mut() {
            object.extend(self.members.clone());
        }
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "storage failed");
        Self::unavailable("the app cannot reach its storage at the moment: retry with the same idempotency key")
    }
}

impl From<UpstreamError> for Problem {
    fn from(error: UpstreamError) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "upstream", error.to_string())
    }
}
