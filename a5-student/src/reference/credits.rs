//! A student's credits: what she has, and what became of them.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{Json, Problem};
use serde_json::json;

use super::ledger::{self, Entry};
use super::pages::{self, Frame};
use super::sessions::Student;
use super::state::A5;

/// The most entries shown.
const MOST: i64 = 200;

#[derive(Template)]
#[template(path = "credits.html")]
struct Credits {
    frame: Frame,
    balance: i64,
    entries: Vec<Entry>,
}

/// `GET /credits`.
pub(super) async fn page(State(app): State<A5>, student: Student) -> Result<Response, Problem> {
    let (balance, entries) = account(&app, &student).await?;
    Ok(pages::respond(StatusCode::OK, &Credits { frame: Frame::signed_in(), balance, entries }))
}

/// `GET /api/credits`.
pub(super) async fn data(State(app): State<A5>, student: Student) -> Result<Response, Problem> {
    let (balance, entries) = account(&app, &student).await?;
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({
                "entry_id": entry.entry_id, "at": clock::rfc3339(entry.at_ms), "kind": entry.kind,
                "credits": entry.change(), "reason": entry.reason, "trace_id": entry.trace_id,
            })
        })
        .collect();
    Ok(Json(json!({ "balance": balance, "entries": entries })).into_response())
}

async fn account(app: &A5, student: &Student) -> Result<(i64, Vec<Entry>), Problem> {
    let db = &app.ctx().db;
    let balance = ledger::balance(db, &ledger::account(&student.sub)).await?;
    Ok((balance, ledger::entries(db, &student.sub, MOST).await?))
}
