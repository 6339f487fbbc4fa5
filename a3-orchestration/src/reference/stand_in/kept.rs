//! What a stand-in keeps: each message once for its key.

use common::args;
use common::service::{Ctx, DbError};
use serde_json::Value;

use crate::reference::party::Party;

/// A message that was taken in.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) body: Value,
    pub(super) created_ms: i64,
}

/// Keeps a message, or gives the one that its key was used for before.
pub(super) async fn keep(ctx: &Ctx, party: Party, key: Option<&str>, body: &Value) -> Result<Kept, DbError> {
    let id = uuid::Uuid::now_v7().to_string();
    let key = key.unwrap_or(&id);
    let mut tx = ctx.db.begin().await?;
    let sql = "SELECT message_id, body, created_ms FROM standin_messages WHERE party = $1 AND idempotency_key = $2";
    if let Some(row) = tx.query(sql, args![party.as_str(), key]).await?.first() {
        return read(row);
    }
    let now = ctx.clock.unix_ms();
    let sql = "INSERT INTO standin_messages (message_id, party, idempotency_key, body, created_ms)
               VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![&id, party.as_str(), key, body.to_string(), now]).await?;
    tx.commit().await?;
    Ok(Kept { id, body: body.clone(), created_ms: now })
}

/// The message of this id.
pub(super) async fn find(ctx: &Ctx, party: Party, id: &str) -> Result<Option<Kept>, DbError> {
    let sql = "SELECT message_id, body, created_ms FROM standin_messages WHERE party = $1 AND message_id = $2";
    let row = ctx.db.query_one(sql, args![party.as_str(), id]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &common::service::Row) -> Result<Kept, DbError> {
    Ok(Kept {
        id: row.text("message_id")?,
        body: serde_json::from_str(&row.text("body")?).unwrap_or_default(),
        created_ms: row.int("created_ms")?,
    })
}
