//! A5's own record of what happened in a trace, for whoever compares it with another source. Nothing personal is in it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::ids::TraceId;
use common::service::{Db, DbError, Json, Path, Problem};
use common::{args, clock};
use serde_json::{Value, json};

use super::jobs::{self, JobKind};
use super::orders::Order;
use super::state::A5;
use super::{ledger, orders, webhooks};

/// `GET /api/transactions/{trace_id}`.
pub(super) async fn of_trace(State(app): State<A5>, Path(trace): Path<TraceId>) -> Result<Response, Problem> {
    let db = &app.ctx().db;
    Ok(Json(json!({
        "trace_id": trace,
        "sign_ups": sign_ups(db, trace).await?,
        "orders": orders::of_trace(db, trace).await?.iter().map(order).collect::<Vec<_>>(),
        "ledger": entries(db, trace).await?,
        "activations": activations(db, trace).await?,
        "documents": documents(db, trace).await?,
        "webhooks": webhooks::of_trace(db, trace).await?,
        "runs": runs(db, trace).await?,
    }))
    .into_response())
}

/// `GET /api/webhooks`.
pub(super) async fn webhooks(State(app): State<A5>) -> Result<Response, Problem> {
    Ok(Json(webhooks::totals(&app.ctx().db).await?).into_response())
}

async fn sign_ups(db: &Db, trace: TraceId) -> Result<Vec<Value>, DbError> {
    let sql = "SELECT s.at_ms, s.source_slug, s.plan, j.state FROM sign_ups s
               LEFT JOIN jobs j ON j.kind = 'crm' AND j.subject = s.sub WHERE s.trace_id = $1 ORDER BY s.at_ms";
    let rows = db.query(sql, args![trace.to_string()]).await?;
    rows.iter()
        .map(|row| {
            let crm = match row.opt_text("state")?.as_deref() {
                Some("done") => "recorded",
                Some("refused") => "refused",
                _ => "pending",
            };
            let (at, slug) = (clock::rfc3339(row.int("at_ms")?), row.opt_text("source_slug")?);
            Ok(json!({ "at": at, "source_slug": slug, "plan": row.text("plan")?, "crm": crm }))
        })
        .collect()
}

fn order(order: &Order) -> Value {
    json!({
        "order_id": order.order_id,
        "session_id": order.session_id,
        "plan": order.plan,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "state": order.state.as_str(),
        "credits": order.credits,
        "revenue_event_id": order.revenue_event_id(),
        "created_at": clock::rfc3339(order.created_ms),
        "paid_at": order.paid_ms.map(clock::rfc3339),
    })
}

async fn entries(db: &Db, trace: TraceId) -> Result<Vec<Value>, DbError> {
    let entries = ledger::of_trace(db, &trace.to_string()).await?;
    let shown = entries.iter().map(|entry| {
        json!({
            "entry_id": entry.entry_id,
            "kind": entry.kind,
            "credits": entry.credits,
            "debit_account": entry.debit_account,
            "credit_account": entry.credit_account,
            "at": clock::rfc3339(entry.at_ms),
        })
    });
    Ok(shown.collect())
}

async fn activations(db: &Db, trace: TraceId) -> Result<Vec<Value>, DbError> {
    let sql = "SELECT at_ms, ttfv_ms FROM activations WHERE trace_id = $1 ORDER BY at_ms";
    let rows = db.query(sql, args![trace.to_string()]).await?;
    let shown = |row: &common::service::Row| {
        Ok(json!({ "at": clock::rfc3339(row.int("at_ms")?), "ttfv_ms": row.int("ttfv_ms")? }))
    };
    rows.iter().map(shown).collect()
}

async fn documents(db: &Db, trace: TraceId) -> Result<Vec<Value>, DbError> {
    let sql = "SELECT document_id, state, created_ms FROM documents WHERE trace_id = $1 ORDER BY created_ms";
    let rows = db.query(sql, args![trace.to_string()]).await?;
    let shown = |row: &common::service::Row| {
        let at = clock::rfc3339(row.int("created_ms")?);
        Ok(json!({ "document_id": row.text("document_id")?, "state": row.text("state")?, "at": at }))
    };
    rows.iter().map(shown).collect()
}

async fn runs(db: &Db, trace: TraceId) -> Result<Vec<Value>, DbError> {
    let jobs = jobs::of_trace(db, JobKind::Run, trace).await?;
    let shown = jobs.into_iter().map(|(state, run_id)| {
        let state = if state == "done" { "asked" } else { state.as_str() };
        json!({ "state": state, "run_id": run_id })
    });
    Ok(shown.collect())
}
