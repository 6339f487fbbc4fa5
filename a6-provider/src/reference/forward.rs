//! The way of a settlement to A2: queued in the settlement's own transaction, sent by a worker until A2 has it.

use std::time::Duration;

use common::args;
use common::contract::header;
use common::ids::{AppId, TraceId, TraceParent};
use common::service::{Ctx, DbError, RequestContext, Row, Tx};
use common::telemetry::Namespace;
use serde_json::Value;

/// How often the worker looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most events sent in one look.
const BATCH: i64 = 50;
/// The first pause after a failure; it doubles.
const FIRST_PAUSE_MS: i64 = 200;
/// The longest pause.
const LONGEST_PAUSE_MS: i64 = 5_000;

/// Queues an event for A2 under the settlement's id.
pub(crate) async fn enqueue(
    tx: &mut Tx,
    id: &str,
    event: &Value,
    context: &RequestContext,
    now_ms: i64,
) -> Result<(), DbError> {
    let sql = "INSERT INTO forward_queue (revenue_event_id, body, trace_id, tenant_id, namespace, test_run, source,
               attempts, state, next_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 'waiting', $8)";
    let values = args![
        id,
        event.to_string(),
        context.trace.trace.to_string(),
        &context.tenant,
        context.namespace.as_str(),
        context.test_run,
        context.source.clone(),
        now_ms,
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Starts the worker, if A2 is known.
pub(crate) fn start(ctx: &Ctx) {
    if ctx.upstream.base(AppId::A2).is_none() {
        return;
    }
    let ctx = ctx.clone();
    ctx.tasks.clone().spawn(|stop| async move {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            if let Err(error) = send_due(&ctx).await {
                tracing::warn!(%error, "settlements wait for A2");
            }
        }
    });
}

async fn send_due(ctx: &Ctx) -> Result<(), DbError> {
    let sql = "SELECT revenue_event_id, body, trace_id, tenant_id, namespace, test_run, source, attempts
               FROM forward_queue WHERE state = 'waiting' AND next_ms <= $1 ORDER BY revenue_event_id LIMIT $2";
    for row in ctx.db.query(sql, args![ctx.clock.unix_ms(), BATCH]).await? {
        let id = row.text("revenue_event_id")?;
        let outcome = send(ctx, &id, row.text("body")?, &context_of(&row)?).await;
        note(ctx, &id, row.int("attempts")?, outcome).await?;
    }
    Ok(())
}

/// The context of the request that queued the event, so that trace and labels go on.
fn context_of(row: &Row) -> Result<RequestContext, DbError> {
    let internal = RequestContext::internal("/api/billing/settle");
    Ok(RequestContext {
        trace: row.text("trace_id")?.parse::<TraceId>().map_or(internal.trace, TraceParent::of),
        tenant: row.text("tenant_id")?,
        namespace: Namespace::parse(&row.text("namespace")?).unwrap_or(Namespace::Live),
        test_run: row.int("test_run")? != 0,
        source: row.opt_text("source")?,
        ..internal
    })
}

enum Outcome {
    Delivered,
    /// A2 will never take it.
    Refused(String),
    /// Worth another try.
    Failed(String),
}

async fn send(ctx: &Ctx, id: &str, body: String, context: &RequestContext) -> Outcome {
    let request = match ctx.upstream.request(context, AppId::A2, axum::http::Method::POST, "/api/v1/events") {
        Ok(request) => request.header(header::IDEMPOTENCY_KEY, id).header("content-type", "application/json"),
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    match request.body(body).send().await {
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(answer) => match answer.status().as_u16() {
            200..=299 => Outcome::Delivered,
            status @ (408 | 409 | 425 | 429 | 500..) => Outcome::Failed(format!("A2 answered {status}")),
            status => Outcome::Refused(format!("A2 answered {status}")),
        },
    }
}

async fn note(ctx: &Ctx, id: &str, attempts: i64, outcome: Outcome) -> Result<(), DbError> {
    let (state, reason) = match outcome {
        Outcome::Delivered => ("delivered", None),
        Outcome::Refused(reason) => ("refused", Some(reason)),
        Outcome::Failed(reason) => ("waiting", Some(reason)),
    };
    if let Some(reason) = &reason {
        tracing::warn!(revenue_event_id = id, state, reason, "A2 has not taken a settlement");
    }
    let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << attempts.clamp(0, 10)).min(LONGEST_PAUSE_MS);
    let sql =
        "UPDATE forward_queue SET state = $1, reason = $2, attempts = $3, next_ms = $4 WHERE revenue_event_id = $5";
    ctx.db.execute(sql, args![state, reason, attempts + 1, ctx.clock.unix_ms() + pause_ms, id]).await.map(drop)
}
