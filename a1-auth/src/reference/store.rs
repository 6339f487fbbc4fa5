//! The tables of A1, and the worker that forgets what has expired.

use std::time::Duration;

use common::args;
use common::service::DbError;

use super::state::A1;

/// Secrets (codes, sessions, refresh tokens) are stored as digests only.
pub(super) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, pem TEXT NOT NULL, created_ms BIGINT NOT NULL, retired_ms BIGINT);
     CREATE TABLE accounts (
        sub TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        password_hash TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE sessions (
        digest TEXT PRIMARY KEY, sub TEXT NOT NULL, auth_time_s BIGINT NOT NULL, expires_ms BIGINT NOT NULL);
     CREATE TABLE forms (
        nonce TEXT PRIMARY KEY, browser_digest TEXT NOT NULL, request TEXT NOT NULL, expires_ms BIGINT NOT NULL);
     CREATE TABLE codes (
        digest TEXT PRIMARY KEY, family TEXT NOT NULL, client_id TEXT NOT NULL, redirect_uri TEXT NOT NULL,
        challenge TEXT NOT NULL, sub TEXT NOT NULL, scope TEXT NOT NULL, nonce TEXT, auth_time_s BIGINT NOT NULL,
        expires_ms BIGINT NOT NULL, used_ms BIGINT);
     CREATE TABLE refresh_tokens (
        digest TEXT PRIMARY KEY, family TEXT NOT NULL, client_id TEXT NOT NULL, sub TEXT NOT NULL, scope TEXT NOT NULL,
        auth_time_s BIGINT NOT NULL, expires_ms BIGINT NOT NULL, used_ms BIGINT, revoked_ms BIGINT);
     CREATE INDEX refresh_tokens_family ON refresh_tokens (family)",
    // A key is published before it signs, so that clients know it by then.
    "ALTER TABLE signing_keys ADD COLUMN active_ms BIGINT;
     UPDATE signing_keys SET active_ms = created_ms",
];

/// Starts the worker that deletes what has expired, once a minute. Used codes stay for a day, so that a replay is
/// still known as one.
pub(super) fn start_forgetting(app: &A1) {
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

async fn forget(app: &A1) -> Result<(), DbError> {
    let now = app.now_ms();
    for table in ["sessions", "forms", "refresh_tokens"] {
        app.ctx().db.execute(&format!("DELETE FROM {table} WHERE expires_ms <= $1"), args![now]).await?;
    }
    let a_day_ago = now - 24 * 60 * 60 * 1_000;
    app.ctx().db.execute("DELETE FROM codes WHERE expires_ms <= $1", args![a_day_ago]).await.map(drop)
}
