//! The tables of A5, and the worker that forgets what has expired.

use std::time::Duration;

use common::args;
use common::service::DbError;

use super::stand_in;
use super::state::A5;

/// Session tokens and browser tokens are stored as digests only.
pub(super) const MIGRATIONS: &[&str] = &[PEOPLE, MONEY, FIRST_STEPS, stand_in::TABLES, VISITS];

const PEOPLE: &str = "CREATE TABLE students (
        sub TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, plan TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE sign_ins (
        state TEXT PRIMARY KEY, browser_digest TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, plan TEXT,
        expires_ms BIGINT NOT NULL);
     CREATE TABLE sessions (
        digest TEXT PRIMARY KEY, sub TEXT NOT NULL, id_token TEXT NOT NULL, expires_ms BIGINT NOT NULL)";

/// An entry is made once for its cause, an order once for its form and plan, an event taken once for its id.
const MONEY: &str = "CREATE TABLE ledger_entries (
        entry_id TEXT PRIMARY KEY, cause TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, debit_account TEXT NOT NULL,
        credit_account TEXT NOT NULL, credits BIGINT NOT NULL, reason TEXT NOT NULL, trace_id TEXT NOT NULL,
        at_ms BIGINT NOT NULL);
     CREATE INDEX ledger_debits ON ledger_entries (debit_account, credits);
     CREATE INDEX ledger_credits ON ledger_entries (credit_account, credits);
     CREATE INDEX ledger_traces ON ledger_entries (trace_id);
     CREATE TABLE orders (
        order_id TEXT PRIMARY KEY, sub TEXT NOT NULL, nonce TEXT NOT NULL, plan TEXT NOT NULL,
        amount_minor BIGINT NOT NULL, currency TEXT NOT NULL, credits BIGINT NOT NULL, state TEXT NOT NULL,
        session_id TEXT UNIQUE, session_url TEXT, context TEXT NOT NULL, trace_id TEXT NOT NULL,
        created_ms BIGINT NOT NULL, paid_ms BIGINT, UNIQUE (nonce, plan));
     CREATE INDEX orders_of_student ON orders (sub);
     CREATE INDEX orders_of_trace ON orders (trace_id);
     CREATE TABLE webhook_events (
        event_id TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT, duplicates BIGINT NOT NULL,
        at_ms BIGINT NOT NULL);
     CREATE INDEX webhook_events_of_order ON webhook_events (order_id);
     CREATE TABLE webhook_refusals (
        id BIGINT PRIMARY KEY, refused BIGINT NOT NULL, reason TEXT NOT NULL, at_ms BIGINT NOT NULL)";

/// A sign-up, an activation and a document keep the trace they belong to; a job the whole context.
const FIRST_STEPS: &str = "ALTER TABLE sign_ins ADD COLUMN source_slug TEXT;
     CREATE TABLE sign_ups (
        sub TEXT PRIMARY KEY, source_slug TEXT, plan TEXT NOT NULL, trace_id TEXT NOT NULL, at_ms BIGINT NOT NULL);
     CREATE INDEX sign_ups_of_trace ON sign_ups (trace_id);
     CREATE TABLE activations (
        sub TEXT PRIMARY KEY, ttfv_ms BIGINT NOT NULL, trace_id TEXT NOT NULL, at_ms BIGINT NOT NULL);
     CREATE INDEX activations_of_trace ON activations (trace_id);
     CREATE TABLE actions (
        nonce TEXT PRIMARY KEY, sub TEXT NOT NULL, goal TEXT NOT NULL, answer TEXT, expires_ms BIGINT NOT NULL);
     CREATE INDEX actions_of_student ON actions (sub);
     CREATE TABLE documents (
        document_id TEXT PRIMARY KEY, sub TEXT NOT NULL, nonce TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
        body TEXT NOT NULL, state TEXT NOT NULL, outcome TEXT, trace_id TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE INDEX documents_of_student ON documents (sub);
     CREATE INDEX documents_of_trace ON documents (trace_id);
     CREATE TABLE jobs (
        job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, context TEXT NOT NULL,
        trace_id TEXT NOT NULL, state TEXT NOT NULL, result TEXT, attempts BIGINT NOT NULL, due_ms BIGINT NOT NULL,
        created_ms BIGINT NOT NULL, UNIQUE (kind, subject));
     CREATE INDEX jobs_due ON jobs (state, due_ms)";

/// Which showing of a page led to a student.
const VISITS: &str = "ALTER TABLE sign_ins ADD COLUMN visit TEXT;
     ALTER TABLE sign_ups ADD COLUMN visit TEXT";

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
