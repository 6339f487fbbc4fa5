//! The transaction log: what one trace registered and booked, so that somebody else can look for it record by record.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::ids::TraceId;
use common::service::{Json, Path, Problem};
use serde_json::{Value, json};

use super::App;

/// The most records of a kind that are shown of one trace.
const MOST: i64 = 1_000;

/// `GET /api/transactions/{trace_id}`; a trace that stored nothing has empty lists.
pub(crate) async fn of_trace(State(app): State<App>, Path(trace_id): Path<String>) -> Result<Response, Problem> {
    let trace: TraceId = trace_id.parse().map_err(|error| Problem::invalid("/trace_id", format!("{error}")))?;
    let (registrations, settlements) = (registrations(&app, trace).await?, settlements(&app, trace).await?);
    Ok(Json(json!({ "trace_id": trace, "registrations": registrations, "settlements": settlements })).into_response())
}

async fn registrations(app: &App, trace: TraceId) -> Result<Vec<Value>, Problem> {
    let sql = "SELECT provider_id, name, country, created_ms FROM providers WHERE trace_id = $1
               ORDER BY provider_id LIMIT $2";
    let rows = app.ctx.db.query(sql, args![trace.to_string(), MOST]).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(json!({
            "provider_id": row.text("provider_id")?,
            "name": row.text("name")?,
            "country": row.text("country")?,
            "created_at": common::clock::rfc3339(row.int("created_ms")?),
        }));
    }
    Ok(shown)
}

async fn settlements(app: &App, trace: TraceId) -> Result<Vec<Value>, Problem> {
    let sql = "SELECT revenue_event_id, provider_id, gross_minor, fee_minor, ai_cost_minor, ai_price_minor, currency,
               created_ms FROM settlements WHERE trace_id = $1 ORDER BY revenue_event_id LIMIT $2";
    let rows = app.ctx.db.query(sql, args![trace.to_string(), MOST]).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        shown.push(json!({
            "revenue_event_id": row.text("revenue_event_id")?,
            "provider_id": row.text("provider_id")?,
            "gross_minor": row.int("gross_minor")?,
            "fee_minor": row.int("fee_minor")?,
            "ai_cost_minor": row.int("ai_cost_minor")?,
            "ai_price_minor": row.int("ai_price_minor")?,
            "currency": row.text("currency")?,
            "settled_at": common::clock::rfc3339(row.int("created_ms")?),
        }));
    }
    Ok(shown)
}
