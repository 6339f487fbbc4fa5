//! Settlements: each is a balanced set of entries in cents, reported to A8 and sent to A2, in one transaction.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::service::{Defect, Emit, Json, Path, Problem, RequestContext, Tx, Unit};
use common::telemetry::{EventName, FinanceMetrics};
use common::{args, clock};
use serde::Deserialize;
use serde_json::{Value, json};

use super::rates::{Bill, Rates};
use super::{App, forward, listings};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettleRequest {
    provider_id: String,
    #[serde(default)]
    listing_id: Option<String>,
    gross_minor: i64,
    #[serde(default)]
    ai_cost_minor: i64,
}

/// `POST /api/billing/settle`.
pub(crate) async fn settle(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<SettleRequest>,
) -> Result<Response, Problem> {
    let bill = Rates::of(&app.ctx).bill(body.gross_minor, body.ai_cost_minor)?;
    if bill.total_minor == 0 {
        return Err(Problem::invalid("/gross_minor", "there is nothing to settle: both amounts are 0"));
    }
    let mut tx = unit.tx().await?;
    listings::want_provider(&mut tx, &body.provider_id).await?;
    if let Some(listing) = &body.listing_id {
        want_listing(&mut tx, listing, &body.provider_id).await?;
    }
    let id = format!("rev_{}", uuid::Uuid::now_v7());
    book(&mut tx, &id, &body, bill, &context, app.ctx.clock.unix_ms()).await?;
    if !app.ctx.has(Defect::A6SilentSettlement) {
        let emit = Emit::new(EventName::RevenueSettled).status(201).finance(&id, finance(bill));
        app.ctx.telemetry.emit(&mut tx, &context, emit).await?;
    }
    let event = json!({
        "event_type": "revenue_settled",
        "subject": &id,
        "payload": { "revenue_event_id": &id, "provider_id": &body.provider_id, "bill": bill },
        "occurred_at": clock::rfc3339(app.ctx.clock.unix_ms()),
    });
    forward::enqueue(&mut tx, &id, &event, &context, app.ctx.clock.unix_ms()).await?;
    let mut answer = json!({ "revenue_event_id": id, "provider_id": body.provider_id, "listing_id": body.listing_id });
    merge(&mut answer, &json!(bill));
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn want_listing(tx: &mut Tx, listing: &str, provider: &str) -> Result<(), Problem> {
    let sql = "SELECT listing_id FROM listings WHERE listing_id = $1 AND provider_id = $2";
    if tx.query(sql, args![listing, provider]).await?.is_empty() {
        let detail = format!("provider {provider:?} has no listing {listing:?}");
        return Err(Problem::invalid("/listing_id", detail));
    }
    Ok(())
}

/// Writes the settlement and its entries: what the provider owes, and to whom each part of it goes.
async fn book(
    tx: &mut Tx,
    id: &str,
    body: &SettleRequest,
    bill: Bill,
    context: &RequestContext,
    now_ms: i64,
) -> Result<(), Problem> {
    tx.execute(
        "INSERT INTO settlements (revenue_event_id, provider_id, listing_id, trace_id, gross_minor, fee_minor,
         ai_cost_minor, ai_price_minor, currency, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            id,
            &body.provider_id,
            body.listing_id.clone(),
            context.trace.trace.to_string(),
            bill.gross_minor,
            bill.fee_minor,
            bill.ai_cost_minor,
            bill.ai_price_minor,
            bill.currency.to_string(),
            now_ms,
        ],
    )
    .await?;
    let entries = [
        ("provider_receivable", bill.total_minor, 0),
        ("award_payable", 0, bill.gross_minor),
        ("platform_fee", 0, bill.fee_minor),
        ("ai_cost_payable", 0, bill.ai_cost_minor),
        ("ai_margin", 0, bill.ai_margin_minor),
    ];
    for (position, (account, debit, credit)) in (1_i64..).zip(entries) {
        tx.execute(
            "INSERT INTO settlement_entries (revenue_event_id, position, account, debit_minor, credit_minor)
             VALUES ($1, $2, $3, $4, $5)",
            args![id, position, account, debit, credit],
        )
        .await?;
    }
    Ok(())
}

fn finance(bill: Bill) -> FinanceMetrics {
    FinanceMetrics {
        provider_fee_pct: 3.0,
        ai_markup_factor: 4.0,
        gross_minor: bill.gross_minor,
        fee_minor: bill.fee_minor,
        ai_cost_minor: bill.ai_cost_minor,
        ai_price_minor: bill.ai_price_minor,
        currency: bill.currency,
    }
}

/// `GET /api/settlements/{id}`.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = "SELECT s.provider_id, s.listing_id, s.trace_id, s.gross_minor, s.fee_minor, s.ai_cost_minor,
               s.ai_price_minor, s.currency, s.created_ms, f.state FROM settlements s
               LEFT JOIN forward_queue f ON f.revenue_event_id = s.revenue_event_id WHERE s.revenue_event_id = $1";
    let row = app.ctx.db.query_one(sql, args![&id]).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("there is no settlement {id:?}")))?;
    Ok(Json(json!({
        "revenue_event_id": id,
        "provider_id": row.text("provider_id")?,
        "listing_id": row.opt_text("listing_id")?,
        "trace_id": row.text("trace_id")?,
        "currency": row.text("currency")?,
        "gross_minor": row.int("gross_minor")?,
        "fee_minor": row.int("fee_minor")?,
        "ai_cost_minor": row.int("ai_cost_minor")?,
        "ai_price_minor": row.int("ai_price_minor")?,
        "entries": entries(&app, &id).await?,
        "settled_at": clock::rfc3339(row.int("created_ms")?),
        "sent_to_a2": row.opt_text("state")?,
    }))
    .into_response())
}

async fn entries(app: &App, id: &str) -> Result<Vec<Value>, Problem> {
    let sql = "SELECT account, debit_minor, credit_minor FROM settlement_entries
               WHERE revenue_event_id = $1 ORDER BY position";
    let rows = app.ctx.db.query(sql, args![id]).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        entries.push(json!({
            "account": row.text("account")?,
            "debit_minor": row.int("debit_minor")?,
            "credit_minor": row.int("credit_minor")?,
        }));
    }
    Ok(entries)
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}
