//! The agent's own record of who did what, and the autonomy clock that is read from it.

use common::args;
use common::service::{Db, DbError, Tx};

/// Who acted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Actor {
    Human,
    Agent,
}

impl Actor {
    fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
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
    now_ms: i64,
) -> Result<(), DbError> {
    let id = uuid::Uuid::now_v7().to_string();
    let sql = "INSERT INTO journal (entry_id, at_ms, actor, action, detail) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![id, now_ms, actor.as_str(), action, detail]).await.map(drop)
}

/// Notes that a human put the agent to work, at its very first start.
pub(crate) async fn commission(db: &Db, now_ms: i64) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    if tx.query("SELECT entry_id FROM journal LIMIT 1", vec![]).await?.is_empty() {
        write(&mut tx, Actor::Human, "commissioned", None, now_ms).await?;
    }
    tx.commit().await
}

/// When a human last intervened; `None` before the agent was commissioned.
pub(crate) async fn last_intervention(db: &Db) -> Result<Option<Intervention>, DbError> {
    let sql = "SELECT at_ms, action FROM journal WHERE actor = 'human' ORDER BY at_ms DESC LIMIT 1";
    let row = db.query_one(sql, vec![]).await?;
    row.map(|row| Ok(Intervention { at_ms: row.int("at_ms")?, action: row.text("action")? })).transpose()
}
