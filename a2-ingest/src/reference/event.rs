//! The domain event: its wire form, what makes sense in it, and how it is stored.

use common::args;
use common::clock;
use common::service::{DbError, Problem, RequestContext, Row, Tx};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The most bytes of one payload: 64 KiB.
const MAX_PAYLOAD_BYTES: usize = 64 << 10;

/// A2's tables. `event_id` is a UUIDv7 drawn by the only writer, so that its order is the order of storing.
pub(crate) const TABLES: &[&str] = &["CREATE TABLE events (
        event_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, tenant_id TEXT NOT NULL, namespace TEXT NOT NULL,
        event_type TEXT NOT NULL, subject TEXT NOT NULL, payload TEXT NOT NULL, occurred_at TEXT NOT NULL,
        stored_ms BIGINT NOT NULL, forwarded_as TEXT);
     CREATE INDEX events_by_trace ON events (trace_id, event_id)"];

/// The columns that [`show`] needs.
pub(crate) const COLUMNS: &str =
    "event_id, trace_id, tenant_id, namespace, event_type, subject, payload, occurred_at, stored_ms, forwarded_as";

/// An event as a client sends it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEvent {
    pub(crate) event_type: String,
    subject: String,
    payload: Map<String, Value>,
    #[serde(default)]
    occurred_at: Option<String>,
}

/// A field that does not make sense.
#[derive(Debug)]
pub(crate) struct Senseless {
    pub(crate) pointer: &'static str,
    pub(crate) reason: String,
}

impl From<Senseless> for Problem {
    fn from(senseless: Senseless) -> Self {
        Self::invalid(senseless.pointer, senseless.reason)
    }
}

impl NewEvent {
    /// Looks for the first field that does not make sense.
    pub(crate) fn check(&self) -> Result<(), Senseless> {
        let refuse = |pointer, reason: String| Err(Senseless { pointer, reason });
        let name = &self.event_type;
        let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
        if name.is_empty() || name.len() > 64 || !plain {
            let reason = "`event_type` is 1 to 64 lower-case letters, digits, `_` and `.`, as `lead`";
            return refuse("/event_type", reason.into());
        }
        if self.subject.is_empty() || self.subject.len() > 200 {
            return refuse("/subject", "`subject` is 1 to 200 bytes: whom or what the event is about".into());
        }
        if self.payload_text().len() > MAX_PAYLOAD_BYTES {
            return refuse("/payload", format!("`payload` is at most {MAX_PAYLOAD_BYTES} bytes: send a reference"));
        }
        match &self.occurred_at {
            Some(text) if clock::parse_rfc3339(text).is_err() => {
                refuse("/occurred_at", "`occurred_at` is RFC 3339 with an offset, as 2026-01-15T12:00:00Z".into())
            }
            _ => Ok(()),
        }
    }

    fn payload_text(&self) -> String {
        serde_json::to_string(&self.payload).unwrap_or_default()
    }
}

/// What storing an event gave it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) event_id: String,
    pub(crate) stored_ms: i64,
}

/// Writes a checked event; it is there once the transaction commits.
pub(crate) async fn store(
    tx: &mut Tx,
    context: &RequestContext,
    event: &NewEvent,
    forwarded_as: Option<&str>,
    now_ms: i64,
) -> Result<Stored, DbError> {
    let stored = Stored { event_id: uuid::Uuid::now_v7().to_string(), stored_ms: now_ms };
    store_as(tx, context, event, forwarded_as, &stored).await?;
    Ok(stored)
}

/// Writes an event whose id and time are settled.
pub(crate) async fn store_as(
    tx: &mut Tx,
    context: &RequestContext,
    event: &NewEvent,
    forwarded_as: Option<&str>,
    stored: &Stored,
) -> Result<(), DbError> {
    let occurred_at = event.occurred_at.clone().unwrap_or_else(|| clock::rfc3339(stored.stored_ms));
    let sql = format!("INSERT INTO events ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values = args![
        &stored.event_id,
        context.trace.trace.to_string(),
        &context.tenant,
        context.namespace.as_str(),
        &event.event_type,
        &event.subject,
        event.payload_text(),
        occurred_at,
        stored.stored_ms,
        forwarded_as,
    ];
    tx.execute(&sql, values).await.map(drop)
}

/// A stored event as it is shown.
pub(crate) fn show(row: &Row) -> Result<Value, Problem> {
    let payload: Value = serde_json::from_str(&row.text("payload")?)
        .map_err(|_| Problem::unavailable("a stored payload cannot be read: tell the owner of A2"))?;
    Ok(json!({
        "event_id": row.text("event_id")?,
        "trace_id": row.text("trace_id")?,
        "tenant_id": row.text("tenant_id")?,
        "namespace": row.text("namespace")?,
        "event_type": row.text("event_type")?,
        "subject": row.text("subject")?,
        "payload": payload,
        "occurred_at": row.text("occurred_at")?,
        "stored_at": clock::rfc3339(row.int("stored_ms")?),
        "forwarded_as": row.opt_text("forwarded_as")?,
    }))
}
