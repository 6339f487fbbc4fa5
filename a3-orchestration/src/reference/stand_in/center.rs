//! The communications center: takes a message for a campaign, once for its key, and shows it.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use common::clock;
use common::contract::header;
use common::service::{Ctx, Json, Path, Problem};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::kept;
use crate::reference::party::Party;

pub(super) fn router(ctx: Ctx) -> Router {
    let messages = "/auto-com/v1/messages";
    Router::new().route(messages, post(send)).route(&format!("{messages}/{{id}}"), get(show)).with_state(ctx)
}

/// A message as a caller describes it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct NewMessage {
    #[serde(default)]
    campaign: Option<String>,
    text: String,
    link: String,
}

async fn send(
    State(ctx): State<Ctx>,
    headers: HeaderMap,
    Json(message): Json<NewMessage>,
) -> Result<Response, Problem> {
    if message.text.trim().is_empty() {
        return Err(Problem::invalid("/text", "a message has a text"));
    }
    let key = headers.get(header::IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
    let key = key.ok_or_else(|| Problem::precondition_required(header::IDEMPOTENCY_KEY))?;
    let body = json!(message);
    let kept = kept::keep(&ctx, Party::AutoComCenter, Some(key), &body).await?;
    if kept.body != body {
        return Err(Problem::conflict("idempotency-key-reused", "this key was used for another message"));
    }
    Ok((StatusCode::CREATED, Json(json!({ "message_id": kept.id, "state": "queued" }))).into_response())
}

async fn show(State(ctx): State<Ctx>, Path(id): Path<String>) -> Result<Response, Problem> {
    let kept = kept::find(&ctx, Party::AutoComCenter, &id).await?;
    let kept = kept.ok_or_else(|| Problem::not_found("there is no message with this id"))?;
    let at = clock::rfc3339(kept.created_ms);
    Ok(Json(json!({ "message_id": kept.id, "state": "sent", "created_at": at, "message": kept.body })).into_response())
}
