//! What a bill would be.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::service::{Json, Problem};
use serde::Deserialize;
use serde_json::json;

use super::App;
use super::rates::Rates;

/// `GET /api/billing`.
pub(crate) async fn facts() -> Response {
    Json(json!({ "provider_fee_pct": 3, "ai_markup_factor": 4.0, "currency": "USD" })).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteRequest {
    gross_minor: i64,
    #[serde(default)]
    ai_cost_minor: i64,
}

/// `POST /api/billing/quote`.
pub(crate) async fn quote(State(app): State<App>, Json(body): Json<QuoteRequest>) -> Result<Response, Problem> {
    let bill = Rates::of(&app.ctx).bill(body.gross_minor, body.ai_cost_minor)?;
    Ok(Json(bill).into_response())
}
