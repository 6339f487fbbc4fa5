//! What visitors do on pages that A3 had built, told to A3: a durable queue and its worker. A visit is the trace of the page
//! that was shown; what is told of it says nothing about the visitor.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use common::args;
use common::contract::header;
use common::ids::{AppId, TraceId, TraceParent};
use common::service::{Ctx, DbError, Defect, RequestContext, Row, Tx};
use common::telemetry::Namespace;
use serde_json::{Value, json};
use tracing::Instrument;

/// How often the worker looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most that is told at once.
const BATCH: i64 = 20;
/// The first pause after a failure; it doubles.
const FIRST_PAUSE_MS: i64 = 200;
/// The longest pause.
const LONGEST_PAUSE_MS: i64 = 5_000;

/// What a visitor did, or what befell her.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Seen,
    Lead,
    Complaint,
    Failed,
}

impl Signal {
    const ALL: [Self; 4] = [Self::Seen, Self::Lead, Self::Complaint, Self::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Lead => "lead",
            Self::Complaint => "complaint",
            Self::Failed => "failed",
        }
    }

    /// What A3 is told of it.
    fn told(self) -> Value {
        match self {
            Self::Seen => json!({ "page_view": true }),
            Self::Lead => json!({ "lead": true }),
            Self::Complaint => json!({ "complaint": true }),
            Self::Failed => json!({ "status": 500 }),
        }
    }
}

/// Leaves a signal for the worker in the transaction of what it tells of. Pages that A3 has no arm for teach nothing, and
/// what was told already is told once more at most: A3 counts a visit once.
pub(crate) async fn leave(
    ctx: &Ctx,
    tx: &mut Tx,
    context: &RequestContext,
    slug: &str,
    signal: Signal,
) -> Result<(), DbError> {
    if ctx.upstream.base(AppId::A3).is_none() || ctx.has(Defect::A7RewardsLost) {
        return Ok(());
    }
    let sql =
        "INSERT INTO signals (slug, visit, signal, tenant_id, namespace, test_run, source, at_ms, attempts, next_ms)
               SELECT slug, $2, $3, $4, $5, $6, $7, $8, 0, $8 FROM pages WHERE slug = $1 AND variant IS NOT NULL
               ON CONFLICT (slug, visit, signal) DO NOTHING";
    let (visit, namespace) = (context.trace.trace.to_string(), context.namespace.as_str());
    let now_ms = ctx.clock.unix_ms();
    let source = context.source.clone();
    let values = args![slug, visit, signal.as_str(), &context.tenant, namespace, context.test_run, source, now_ms];
    tx.execute(sql, values).await.map(drop)
}

/// Starts the worker, where there is an A3.
pub(crate) fn start(ctx: &Ctx) {
    if ctx.upstream.base(AppId::A3).is_none() {
        return;
    }
    let ctx = ctx.clone();
    ctx.tasks.clone().spawn(|stop| async move {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            if let Err(error) = round(&ctx).await {
                tracing::warn!(%error, "what visitors did waits in the queue");
            }
        }
    });
}

/// One signal that is due.
struct Due {
    slug: String,
    visit: String,
    signal: String,
    attempts: i64,
    at_ms: i64,
    context: RequestContext,
}

/// How telling went.
enum Told {
    Done,
    /// A3 will never take it.
    Refused(StatusCode),
    Later(String),
}

impl Due {
    fn read(row: &Row) -> Result<Self, DbError> {
        let internal = RequestContext::internal("/api/cta");
        let visit = row.text("visit")?;
        let context = RequestContext {
            trace: visit.parse::<TraceId>().map_or(internal.trace, TraceParent::of),
            tenant: row.text("tenant_id")?,
            namespace: Namespace::parse(&row.text("namespace")?).unwrap_or(Namespace::PerfTest),
            test_run: row.int("test_run")? != 0,
            source: row.opt_text("source")?,
            ..internal
        };
        Ok(Self {
            slug: row.text("slug")?,
            visit,
            signal: row.text("signal")?,
            attempts: row.int("attempts")?,
            at_ms: row.int("at_ms")?,
            context,
        })
    }

    /// Tells A3, under one key however often it is tried.
    async fn tell(&self, ctx: &Ctx) -> Told {
        let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.as_str() == self.signal) else {
            return Told::Refused(StatusCode::NOT_IMPLEMENTED);
        };
        let mut body = signal.told();
        body["slug"] = json!(self.slug);
        body["session_id"] = json!(self.visit);
        body["at_ms"] = json!(self.at_ms);
        let request = match ctx.upstream.request(&self.context, AppId::A3, Method::POST, "/bandit/reward") {
            Ok(request) => request,
            Err(error) => return Told::Later(error.to_string()),
        };
        let key = format!("{}:{}:{}", self.slug, self.visit, self.signal);
        match request.header(header::IDEMPOTENCY_KEY, key).json(&body).send().await {
            Ok(answer) if answer.status().is_success() => Told::Done,
            Ok(answer) if is_final(answer.status()) => Told::Refused(answer.status()),
            Ok(answer) => Told::Later(format!("A3 answered {}", answer.status())),
            Err(error) => Told::Later(error.without_url().to_string()),
        }
    }
}

/// True if asking again cannot help.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 408 | 409 | 425 | 429)
}

/// Tells what is due.
async fn round(ctx: &Ctx) -> Result<(), DbError> {
    let sql = "SELECT * FROM signals WHERE next_ms <= $1 ORDER BY next_ms, at_ms LIMIT $2";
    for row in ctx.db.query(sql, args![ctx.clock.unix_ms(), BATCH]).await? {
        let due = Due::read(&row)?;
        let span = tracing::info_span!("signal", slug = due.slug, trace_id = %due.context.trace.trace);
        let told = due.tell(ctx).instrument(span).await;
        note(ctx, &due, told).await?;
    }
    Ok(())
}

async fn note(ctx: &Ctx, due: &Due, told: Told) -> Result<(), DbError> {
    let place = args![&due.slug, &due.visit, &due.signal];
    match told {
        Told::Done => {}
        Told::Refused(status) => tracing::warn!(slug = due.slug, %status, "A3 does not take what a visitor did"),
        Told::Later(reason) => {
            tracing::warn!(slug = due.slug, reason, "what a visitor did waits for A3");
            let pause_ms = FIRST_PAUSE_MS.saturating_mul(1 << due.attempts.clamp(0, 10)).min(LONGEST_PAUSE_MS);
            let sql = "UPDATE signals SET attempts = attempts + 1, next_ms = $4
                       WHERE slug = $1 AND visit = $2 AND signal = $3";
            let values = [place, args![ctx.clock.unix_ms() + pause_ms]].concat();
            return ctx.db.execute(sql, values).await.map(drop);
        }
    }
    ctx.db.execute("DELETE FROM signals WHERE slug = $1 AND visit = $2 AND signal = $3", place).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_a_name_of_its_own_and_one_thing_to_tell() {
        let names: std::collections::BTreeSet<_> = Signal::ALL.map(Signal::as_str).into();
        assert_eq!(names.len(), Signal::ALL.len());
        assert!(Signal::ALL.into_iter().all(|signal| signal.told().as_object().is_some_and(|told| told.len() == 1)));
    }

    #[test]
    fn a_refusal_is_final_and_a_key_in_flight_is_not() {
        for (status, wanted) in [(422, true), (404, true), (409, false), (429, false), (503, false)] {
            assert_eq!(is_final(StatusCode::from_u16(status).unwrap()), wanted, "{status}");
        }
    }
}
