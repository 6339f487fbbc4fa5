//! Which deliveries were taken, came again, or were refused.

use common::args;
use common::clock;
use common::ids::TraceId;
use common::service::{Db, DbError, Tx};
use serde_json::{Value, json};

use super::Event;
use crate::reference::orders::Order;
use crate::reference::state::A5;

/// Writes an event down under its id. False if it was there, which is counted.
pub(super) async fn enter(tx: &mut Tx, event: &Event, order: Option<&Order>, now_ms: i64) -> Result<bool, DbError> {
    let sql = "INSERT INTO webhook_events (event_id, kind, order_id, duplicates, at_ms) VALUES ($1, $2, $3, 0, $4)
               ON CONFLICT (event_id) DO NOTHING";
    let order_id = order.map(|order| order.order_id.as_str());
    if tx.execute(sql, args![&event.id, &event.kind, order_id, now_ms]).await? > 0 {
        return Ok(true);
    }
    tx.execute("UPDATE webhook_events SET duplicates = duplicates + 1 WHERE event_id = $1", args![&event.id]).await?;
    Ok(false)
}

/// Counts a delivery that was not believed; one row, however many come.
pub(super) async fn refuse(app: &A5, reason: &str) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_refusals (id, refused, reason, at_ms) VALUES (1, 1, $1, $2)
               ON CONFLICT (id) DO UPDATE SET refused = webhook_refusals.refused + 1, reason = $1, at_ms = $2";
    app.ctx().db.execute(sql, args![reason, app.now_ms()]).await.map(drop)
}

const COUNTS: &str = "CAST(COUNT(*) AS BIGINT) AS accepted, CAST(COALESCE(SUM(duplicates), 0) AS BIGINT) AS duplicates";

/// `{accepted, duplicates}` of the orders of a trace.
pub(in crate::reference) async fn of_trace(db: &Db, trace: TraceId) -> Result<Value, DbError> {
    let sql = format!(
        "SELECT {COUNTS} FROM webhook_events WHERE order_id IN (SELECT order_id FROM orders WHERE trace_id = $1)"
    );
    let row = db.query_one(&sql, args![trace.to_string()]).await?;
    counts(row.as_ref())
}

/// `{accepted, duplicates, refused, last_refusal, last_refused_at}` over all deliveries.
pub(in crate::reference) async fn totals(db: &Db) -> Result<Value, DbError> {
    let row = db.query_one(&format!("SELECT {COUNTS} FROM webhook_events"), vec![]).await?;
    let mut totals = counts(row.as_ref())?;
    let refusal = db.query_one("SELECT refused, reason, at_ms FROM webhook_refusals", vec![]).await?;
    let (refused, reason, at) = match refusal {
        Some(row) => (row.int("refused")?, Some(row.text("reason")?), Some(clock::rfc3339(row.int("at_ms")?))),
        None => (0, None, None),
    };
    totals["refused"] = json!(refused);
    totals["last_refusal"] = json!(reason);
    totals["last_refused_at"] = json!(at);
    Ok(totals)
}

fn counts(row: Option<&common::service::Row>) -> Result<Value, DbError> {
    let (accepted, duplicates) = match row {
        Some(row) => (row.int("accepted")?, row.int("duplicates")?),
        None => (0, 0),
    };
    Ok(json!({ "accepted": accepted, "duplicates": duplicates }))
}
