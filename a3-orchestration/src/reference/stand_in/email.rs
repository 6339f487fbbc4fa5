//! The e-mail provider: Resend's `POST /emails` and `GET /emails/{id}`, with its idempotency keys and its errors.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use common::clock;
use common::service::{Ctx, DbError, OwnErrorForm};
use serde::Deserialize;
use serde_json::{Value, json};

use super::kept;
use crate::reference::party::Party;

pub(super) fn router(ctx: Ctx) -> Router {
    Router::new().route("/emails", post(send)).route("/emails/{id}", get(show)).with_state(ctx)
}

/// A mail as a caller describes it.
#[derive(Debug, Deserialize)]
struct NewMail {
    from: String,
    to: Vec<String>,
    subject: String,
    #[serde(default)]
    text: String,
}

async fn send(State(ctx): State<Ctx>, headers: HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    check_key(&headers)?;
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mail: NewMail = serde_json::from_value(value.clone()).map_err(|error| {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "missing_required_field", format!("Invalid fields: {error}"))
    })?;
    let addresses = std::iter::once(&mail.from).chain(&mail.to);
    if mail.to.is_empty() || addresses.clone().any(|address| !address.contains('@')) {
        let why = "Invalid `from` or `to` field: an address has an `@`.";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_error", why));
    }
    if mail.subject.trim().is_empty() || mail.text.trim().is_empty() {
        let why = "Missing `subject` or `text` field.";
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "missing_required_field", why));
    }
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    let kept = kept::keep(&ctx, Party::Email, key, &value).await?;
    if kept.body != value {
        let why = "Same idempotency key used with a different request payload.";
        return Err(Refusal::new(StatusCode::CONFLICT, "invalid_idempotent_request", why));
    }
    Ok(axum::Json(json!({ "id": kept.id })).into_response())
}

async fn show(State(ctx): State<Ctx>, headers: HeaderMap, Path(id): Path<String>) -> Result<Response, Refusal> {
    check_key(&headers)?;
    let kept = kept::find(&ctx, Party::Email, &id).await?;
    let kept = kept.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "not_found", "Email not found"))?;
    let mut shown = kept.body;
    for (name, value) in [
        ("object", json!("email")),
        ("id", json!(kept.id)),
        ("created_at", json!(clock::rfc3339(kept.created_ms))),
        ("last_event", json!("delivered")),
    ] {
        shown[name] = value;
    }
    Ok(axum::Json(shown).into_response())
}

fn check_key(headers: &HeaderMap) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.strip_prefix("Bearer ").is_some_and(|key| key.starts_with("re_")) {
        return Ok(());
    }
    Err(Refusal::new(StatusCode::UNAUTHORIZED, "missing_api_key", "Missing API key in the authorization header"))
}

/// An error in Resend's form.
struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "the stand-in for e-mail cannot reach its storage");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "application_error", "An unexpected error occurred.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "statusCode": self.status.as_u16(), "name": self.name, "message": self.message });
        let mut response = (self.status, axum::Json(body)).into_response();
        response.extensions_mut().insert(OwnErrorForm);
        response
    }
}
