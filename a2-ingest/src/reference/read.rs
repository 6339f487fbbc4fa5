//! Finding again what was stored: one event by its id, all events of a trace.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::ids::TraceId;
use common::service::{Ctx, Json, Path, Problem, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::event::{COLUMNS, show};
use super::page;

/// The most events of one page of a lineage, and what a page has unless asked.
const MOST: i64 = 1_000;

pub(crate) async fn event(State(ctx): State<Ctx>, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE event_id = $1");
    let row = ctx.db.query_one(&sql, args![&id]).await?;
    let row = row.ok_or_else(|| Problem::not_found("there is no event with this id"))?;
    Ok(Json(show(&row)?).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct LineagePage {
    after: Option<String>,
    limit: Option<i64>,
}

pub(crate) async fn lineage(
    State(ctx): State<Ctx>,
    Path(trace_id): Path<String>,
    Query(asked): Query<LineagePage>,
) -> Result<Response, Problem> {
    let trace: TraceId = trace_id.parse().map_err(|error| Problem::invalid("/trace_id", format!("{error}")))?;
    let limit = page::limit(asked.limit, MOST, MOST)?;
    let after = asked.after.unwrap_or_default();
    let sql = format!("SELECT {COLUMNS} FROM events WHERE trace_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3");
    let mut rows = ctx.db.query(&sql, args![trace.to_string(), &after, limit + 1]).await?;
    if rows.is_empty() && after.is_empty() {
        return Err(Problem::not_found("no event of this trace is stored here"));
    }
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    if more {
        rows.pop();
    }
    let events = rows.iter().map(show).collect::<Result<Vec<Value>, _>>()?;
    let next = if more { events.last().map(|event| event["event_id"].clone()) } else { None };
    Ok(Json(json!({ "trace_id": trace, "events": events, "next": next })).into_response())
}
