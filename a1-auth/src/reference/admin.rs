//! What only the administrator may do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use common::contract::header;
use common::service::{Json, Problem};
use serde_json::json;

use super::keys::KeySet;
use super::state::A1;

/// Signs with a new key from now on.
pub(super) async fn rotate(State(app): State<A1>, headers: HeaderMap) -> Result<Response, Problem> {
    if !app.ctx().has_admin_key(&headers) {
        let detail = format!("this route needs the administrator's key in {}", header::ADMIN_KEY);
        return Err(Problem::unauthorized(detail));
    }
    app.keys().await?;
    let keys = KeySet::rotate(&app.ctx().db, app.now_ms()).await.map_err(|error| {
        tracing::error!(%error, "the key is not rotated");
        Problem::unavailable("the key is not rotated: the old one signs on")
    })?;
    let kid = keys.current_kid().to_owned();
    app.set_keys(keys);
    Ok(Json(json!({ "kid": kid })).into_response())
}
