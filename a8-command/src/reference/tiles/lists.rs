//! Tiles that list what happened, the newest first; an empty list means that nothing was reported.

use common::clock::rfc3339;
use common::service::{Db, DbError};
use serde_json::{Value, json};

use super::{Members, members};
use crate::reference::scope::Scope;

/// The most entries listed.
const SHOWN: usize = 100;

/// Events of these names, the newest first.
pub(super) async fn newest(db: &Db, scope: &Scope, names: &[&str]) -> Result<Vec<Value>, DbError> {
    let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT seq, at_ms, event, app_id, route, status, trace_id, idempotency_key FROM events
         WHERE {} AND event IN ({list}) AND {} ORDER BY at_ms DESC, seq DESC LIMIT {SHOWN}",
        scope.condition(),
        scope.real()
    );
    let rows = db.query(&sql, scope.values()).await?;
    rows.iter()
        .map(|row| {
            Ok(json!({
                "seq": row.int("seq")?,
                "at": rfc3339(row.int("at_ms")?),
                "event": row.text("event")?,
                "app_id": row.text("app_id")?,
                "route": row.text("route")?,
                "status": row.int("status")?,
                "trace_id": row.text("trace_id")?,
                "key": row.text("idempotency_key")?,
            }))
        })
        .collect()
}

pub(super) async fn approvals(db: &Db, scope: &Scope) -> Result<Members, DbError> {
    Ok(members(json!({ "approvals": newest(db, scope, &["hitl_approval"]).await? })))
}

pub(super) async fn validation(db: &Db, scope: &Scope) -> Result<Members, DbError> {
    Ok(members(json!({ "reports": newest(db, scope, &["validation_status"]).await? })))
}
