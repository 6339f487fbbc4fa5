//! The durable queue of welcome e-mails and its worker: back-off per e-mail, one breaker for the provider.

use std::time::Duration;

use common::ids::{TraceId, TraceParent};
use common::service::{Ctx, DbError, Emit, RequestContext, Row, Tx};
use common::telemetry::{EventName, Namespace};
use common::{args, clock};
use tracing::Instrument;

use super::breaker::Breaker;
use super::mail::Mailer;

/// How often the worker looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most e-mails on their way at once.
const BATCH: i64 = 20;
/// The first pause of an e-mail after a failure; it doubles.
const FIRST_PAUSE_MS: i64 = 200;
/// The longest pause.
const LONGEST_PAUSE_MS: i64 = 5_000;

/// Queues the e-mail of a lead in the lead's own transaction.
pub(crate) async fn enqueue(tx: &mut Tx, lead: &str, context: &RequestContext, now_ms: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO mail_queue (lead_id, trace_id, tenant_id, namespace, test_run, source, attempts, next_ms)
               VALUES ($1, $2, $3, $4, $5, $6, 0, $7)";
    let trace = context.trace.trace.to_string();
    let namespace = context.namespace.as_str();
    let values = args![lead, trace, &context.tenant, namespace, context.test_run, context.source.clone(), now_ms];
    tx.execute(sql, values).await.map(drop)
}

/// Starts the worker.
pub(crate) fn start(ctx: &Ctx, mailer: &Mailer) {
    let mut worker = Worker { ctx: ctx.clone(), mailer: mailer.clone(), breaker: Breaker::default() };
    ctx.tasks.spawn(|stop| async move {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            if let Err(error) = worker.round().await {
                tracing::warn!(%error, "e-mails wait in the queue");
            }
        }
    });
}

struct Worker {
    ctx: Ctx,
    mailer: Mailer,
    breaker: Breaker,
}

/// One e-mail that is due.
struct Due {
    lead: String,
    address: String,
    attempts: i64,
    context: RequestContext,
}

impl Due {
    fn read(row: &Row) -> Result<Self, DbError> {
        let internal = RequestContext::internal("/api/leads");
        let context = RequestContext {
            trace: row.text("trace_id")?.parse::<TraceId>().map_or(internal.trace, TraceParent::of),
            tenant: row.text("tenant_id")?,
            namespace: Namespace::parse(&row.text("namespace")?).unwrap_or(Namespace::Live),
            test_run: row.int("test_run")? != 0,
            source: row.opt_text("source")?,
            ..internal
        };
        Ok(Self { lead: row.text("lead_id")?, address: row.text("email")?, attempts: row.int("attempts")?, context })
    }
}

impl Worker {
    /// Sends what is due; while the breaker tries the provider out, only one.
    async fn round(&mut self) -> Result<(), DbError> {
        let sql = "SELECT q.lead_id, q.trace_id, q.tenant_id, q.namespace, q.test_run, q.source, q.attempts, l.email
                   FROM mail_queue q JOIN leads l ON l.lead_id = q.lead_id
                   WHERE q.next_ms <= $1 ORDER BY q.lead_id LIMIT $2";
        let rows = self.ctx.db.query(sql, args![self.ctx.clock.unix_ms(), BATCH]).await?;
        let before = self.breaker.state();
        if rows.is_empty() || !self.breaker.lets_pass(clock::monotonic()) {
            return Ok(());
        }
        self.tell_transition(before).await?;
        let trying = self.breaker.state() != common::telemetry::BreakerState::Closed;
        let mut sending = tokio::task::JoinSet::new();
        for row in rows.iter().take(if trying { 1 } else { rows.len() }) {
            let (due, mailer) = (Due::read(row)?, self.mailer.clone());
            let span = tracing::info_span!("welcome_mail", lead_id = due.lead, trace_id = %due.context.trace.trace);
            let send = async move {
                let outcome = mailer.welcome(&due.context, &due.lead, &due.address).await;
                (due, outcome)
            };
            sending.spawn(send.instrument(span));
        }
        while let Some(done) = sending.join_next().await {
            let Ok((due, outcome)) = done else { continue };
            let before = self.breaker.state();
            self.breaker.note(outcome.is_ok(), clock::monotonic());
            self.note(&due, outcome).await?;
            self.tell_transition(before).await?;
        }
        Ok(())
    }

    async fn note(&self, due: &Due, outcome: Result<(), String>) -> Result<(), DbError> {
        let mut tx = self.ctx.db.begin().await?;
        match outcome {
            Ok(()) => {
                tx.execute("UPDATE leads SET status = 'mailed' WHERE lead_id = $1", args![&due.lead]).await?;
                tx.execute("DELETE FROM mail_queue WHERE lead_id = $1", args![&due.lead]).await?;
            }
            Err(reason) => {
                tracing::warn!(lead_id = due.lead, reason, "a welcome e-mail waits");
                let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << due.attempts.clamp(0, 10)).min(LONGEST_PAUSE_MS);
                let sql = "UPDATE mail_queue SET attempts = attempts + 1, reason = $1, next_ms = $2 WHERE lead_id = $3";
                tx.execute(sql, args![reason, self.ctx.clock.unix_ms() + pause_ms, &due.lead]).await?;
            }
        }
        tx.commit().await
    }

    /// Reports a change of the breaker's state.
    async fn tell_transition(&self, before: common::telemetry::BreakerState) -> Result<(), DbError> {
        let now = self.breaker.state();
        if now == before {
            return Ok(());
        }
        self.ctx.telemetry.set_breaker(now);
        let mut tx = self.ctx.db.begin().await?;
        let context = RequestContext::internal("breaker:email");
        self.ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::BreakerTransition).breaker(now)).await?;
        tx.commit().await
    }
}
