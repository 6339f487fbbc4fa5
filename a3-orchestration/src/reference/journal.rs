//! The agent's own record of who did what, and the autonomy clock that is read from it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::ids::TraceId;
use common::service::{Ctx, Db, DbError, Json, Problem, Row, Tx};
use common::{args, clock};
use serde_json::json;

/// Who acted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Actor {
    Human,
    Agent,
    /// A test: what it does to things of its own is no intervention.
    Test,
}

impl Actor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::Test => "test",
        }
    }
}

/// The last human intervention.
#[derive(Debug)]
pub(crate) struct Intervention {
    pub(crate) at_ms: i64,
    pub(crate) action: String,
}

/// Adds an entry in the transaction of what it tells of.
pub(crate) async fn write(
    tx: &mut Tx,
    actor: Actor,
    action: &str,
    detail: Option<&str>,
    trace: Option<TraceId>,
    now_ms: i64,
) -> Result<(), DbError> {
    let id = uuid::Uuid::now_v7().to_string();
    let sql = "INSERT INTO journal (entry_id, at_ms, actor, action, detail, trace_id) VALUES ($1, $2, $3, $4, $5, $6)";
    let trace = trace.map(|trace| trace.to_string());
    tx.execute(sql, args![id, now_ms, actor.as_str(), action, detail, trace]).await.map(drop)
}

/// How many of its entries are shown.
const SHOWN: i64 = 100;

/// `GET /orchestration/journal`: the last entries, newest first.
pub(crate) async fn show(State(ctx): State<Ctx>) -> Result<Response, Problem> {
    let sql = "SELECT * FROM journal ORDER BY at_ms DESC, entry_id DESC LIMIT $1";
    let read = |row: &Row| {
        Ok(json!({
            "entry_id": row.text("entry_id")?,
            "at": clock::rfc3339(row.int("at_ms")?),
            "actor": row.text("actor")?,
            "action": row.text("action")?,
            "detail": row.opt_text("detail")?,
            "trace_id": row.opt_text("trace_id")?,
        }))
    };
    let entries = ctx.db.query(sql, args![SHOWN]).await?;
    let entries = entries.iter().map(read).collect::<Result<Vec<_>, DbError>>()?;
    Ok(Json(json!({ "entries": entries })).into_response())
}

/// Notes that a human put the agent to work, at its very first start.
pub(crate) async fn commission(db: &Db, now_ms: i64) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    if tx.query("SELECT entry_id FROM journal LIMIT 1", vec![]).await?.is_empty() {
        write(&mut tx, Actor::Human, "commissioned", None, None, now_ms).await?;
    }
    tx.commit().await
}

/// When a human last intervened; `None` before the agent was commissioned.
pub(crate) async fn last_intervention(db: &Db) -> Result<Option<Intervention>, DbError> {
    let sql = "SELECT at_ms, action FROM journal WHERE actor = 'human' ORDER BY at_ms DESC LIMIT 1";
    let row = db.query_one(sql, vec![]).await?;
    row.map(|row| Ok(Intervention { at_ms: row.int("at_ms")?, action: row.text("action")? })).transpose()
}
