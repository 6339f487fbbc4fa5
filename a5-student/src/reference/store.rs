//! The tables of A5, and the worker that forgets what has expired.

use std::time::Duration;

use common::args;
use common::service::DbError;

use super::stand_in;
use super::state::A5;

/// Session tokens and browser tokens are stored as digests only.
pub(super) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE students (
        sub TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, plan TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE sign_ins (
        state TEXT PRIMARY KEY, browser_digest TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, plan TEXT,
        expires_ms BIGINT NOT NULL);
     CREATE TABLE sessions (
        digest TEXT PRIMARY KEY, sub TEXT NOT NULL, id_token TEXT NOT NULL, expires_ms BIGINT NOT NULL)",
    stand_in::TABLES,
];

/// Starts the worker that deletes what has expired, once a minute.
pub(super) fn start_forgetting(app: &A5) {
    let worker = app.clone();
    app.ctx().tasks.spawn(|stop| async move {
        let mut tick = tokio::time::interval(Duration::from_secs(60));
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = forget(&worker).await {
                tracing::warn!(%error, "expired rows stay for now");
            }
        }
    });
}

async fn forget(app: &A5) -> Result<(), DbError> {
    for table in ["sign_ins", "sessions"] {
        let sql = format!("DELETE FROM {table} WHERE expires_ms <= $1");
        app.ctx().db.execute(&sql, args![app.now_ms()]).await?;
    }
    Ok(())
}
