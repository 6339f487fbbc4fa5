//! Listings: drafted, then published once.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::service::{Emit, Json, Path, Problem, RequestContext, Row, Tx, Unit};
use common::telemetry::EventName;
use common::{args, clock};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::rates::MAX_MINOR;

const COLUMNS: &str = "listing_id, provider_id, title, award_minor, currency, published_ms";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    provider_id: String,
    title: String,
    award_minor: i64,
}

/// `POST /api/listings`.
pub(crate) async fn draft(State(app): State<App>, unit: Unit, Json(body): Json<Draft>) -> Result<Response, Problem> {
    if body.title.trim().is_empty() || body.title.len() > 200 {
        return Err(Problem::invalid("/title", "`title` is 1 to 200 characters"));
    }
    if !(1..=MAX_MINOR).contains(&body.award_minor) {
        return Err(Problem::invalid("/award_minor", format!("`award_minor` is 1 to {MAX_MINOR} cents")));
    }
    let id = format!("lst_{}", uuid::Uuid::now_v7());
    let mut tx = unit.tx().await?;
    want_provider(&mut tx, &body.provider_id).await?;
    tx.execute(
        "INSERT INTO listings (listing_id, provider_id, title, award_minor, currency, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
        args![&id, &body.provider_id, body.title.trim(), body.award_minor, "USD", app.ctx.clock.unix_ms()],
    )
    .await?;
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM listings WHERE listing_id = $1"), args![&id]).await?;
    let row = rows.first().ok_or_else(|| unknown(&id))?;
    Ok((StatusCode::CREATED, Json(shown(row)?)).into_response())
}

/// `GET /api/listings/{id}`.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM listings WHERE listing_id = $1");
    let row = app.ctx.db.query_one(&sql, args![&id]).await?.ok_or_else(|| unknown(&id))?;
    Ok(Json(shown(&row)?).into_response())
}

/// `POST /api/listings/{id}/publish`.
pub(crate) async fn publish(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = unit.tx().await?;
    let publish = "UPDATE listings SET published_ms = $1 WHERE listing_id = $2 AND published_ms IS NULL";
    let changed = tx.execute(publish, args![app.ctx.clock.unix_ms(), &id]).await?;
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM listings WHERE listing_id = $1"), args![&id]).await?;
    let row = rows.first().ok_or_else(|| unknown(&id))?;
    if changed == 1 {
        app.ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::ProviderListingPublished)).await?;
    }
    Ok(Json(shown(row)?).into_response())
}

/// Refuses a provider that is not registered.
pub(crate) async fn want_provider(tx: &mut Tx, id: &str) -> Result<(), Problem> {
    let known = tx.query("SELECT provider_id FROM providers WHERE provider_id = $1", args![id]).await?;
    if known.is_empty() {
        return Err(Problem::invalid("/provider_id", format!("there is no provider {id:?}: register first")));
    }
    Ok(())
}

fn shown(row: &Row) -> Result<Value, Problem> {
    let published = row.opt_int("published_ms")?;
    Ok(json!({
        "listing_id": row.text("listing_id")?,
        "provider_id": row.text("provider_id")?,
        "title": row.text("title")?,
        "award_minor": row.int("award_minor")?,
        "currency": row.text("currency")?,
        "status": if published.is_some() { "published" } else { "draft" },
        "published_at": published.map(clock::rfc3339),
    }))
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no listing {id:?}: draft one with `POST /api/listings`"))
}
