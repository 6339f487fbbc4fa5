//! Reports to the command center that survive its absence and our own crash.
//!
//! An event of an effect is written in the effect's transaction ([`Telemetry::emit`]). Reports of single requests are
//! collected in memory and written in batches. A worker sends what is written and deletes what was acknowledged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value as JsonValue, json};
use tokio_util::sync::CancellationToken;

use super::route_stats::RouteStats;
use super::{AppConfig, Db, DbError, Defect, RequestContext, Tx, Upstream};
use crate::args;
use crate::clock::{self, Clock};
use crate::contract::header;
use crate::ids::AppId;
use crate::telemetry::{
    BanditMetrics, BreakerState, BusinessMetrics, Event, EventName, FinanceMetrics, SCHEMA_VERSION, StripeMode,
    is_reported, sample_rate,
};

/// How often the worker looks for something to send.
const SEND_EVERY: Duration = Duration::from_millis(200);
/// How often the figures of each route are reported.
const SNAPSHOT_EVERY: Duration = Duration::from_secs(5);
/// The most events in one batch.
const BATCH: i64 = 500;
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The `x-source` of the reports themselves, so that reporting does not report itself.
pub(crate) const REPORTER: &str = "telemetry";

/// An app's reports.
#[derive(Debug, Clone)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: AppId,
    env: String,
    release: String,
    clock: Clock,
    started: Instant,
    stats: RouteStats,
    pending: Mutex<Vec<Event>>,
    breaker: Mutex<BreakerState>,
    /// True for the deliberate defect alone: events of effects wait among the pending ones.
    forgetful: bool,
}

/// An event as a handler states it; what all events share is added by [`Telemetry`].
#[derive(Debug, Clone)]
pub struct Emit {
    name: EventName,
    status: u16,
    key: Option<String>,
    finance: Option<FinanceMetrics>,
    revenue_event_id: Option<String>,
    business: Option<BusinessMetrics>,
    breaker: Option<BreakerState>,
    bandit: Option<BanditMetrics>,
    stripe_mode: Option<StripeMode>,
}

impl Emit {
    /// An event of this name, with status 200 and the request's idempotency key.
    #[must_use]
    pub fn new(name: EventName) -> Self {
        Self {
            name,
            status: 200,
            key: None,
            finance: None,
            revenue_event_id: None,
            business: None,
            breaker: None,
            bandit: None,
            stripe_mode: None,
        }
    }

    /// The status that the request is answered with.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The natural key of the effect, where there is a better one than the request's.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The money, and the id of the revenue event it belongs to.
    #[must_use]
    pub fn finance(mut self, revenue_event_id: impl Into<String>, finance: FinanceMetrics) -> Self {
        self.revenue_event_id = Some(revenue_event_id.into());
        self.finance = Some(finance);
        self
    }

    /// Growth figures.
    #[must_use]
    pub fn business(mut self, business: BusinessMetrics) -> Self {
        self.business = Some(business);
        self
    }

    /// The state of a breaker.
    #[must_use]
    pub fn breaker(mut self, state: BreakerState) -> Self {
        self.breaker = Some(state);
        self
    }

    /// How a bandit chooses.
    #[must_use]
    pub fn bandit(mut self, bandit: BanditMetrics) -> Self {
        self.bandit = Some(bandit);
        self
    }

    /// Whether money is real.
    #[must_use]
    pub fn stripe_mode(mut self, mode: StripeMode) -> Self {
        self.stripe_mode = Some(mode);
        self
    }
}

impl Telemetry {
    pub(crate) fn new(config: &AppConfig) -> Self {
        Self(Arc::new(Inner {
            app: config.app,
            env: config.env.clone(),
            release: config.release.clone(),
            clock: config.clock.clone(),
            started: clock::monotonic(),
            stats: RouteStats::default(),
            pending: Mutex::default(),
            breaker: Mutex::new(BreakerState::Closed),
            forgetful: config.defects.contains(&Defect::OutboxInMemory),
        }))
    }

    /// Writes an event in the transaction of its effect: it is reported if, and only if, the effect happens.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn emit(&self, tx: &mut Tx, context: &RequestContext, emit: Emit) -> Result<(), DbError> {
        let took = context.started.elapsed();
        let event = self.event(context, emit, took);
        if self.0.forgetful {
            self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).push(event);
            return Ok(());
        }
        write(tx, &event).await
    }

    /// Sets the state that snapshots report as the worst breaker of the app.
    pub fn set_breaker(&self, state: BreakerState) {
        *self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Seconds since the app started.
    #[must_use]
    pub fn uptime_sec(&self) -> u64 {
        self.0.started.elapsed().as_secs()
    }

    /// Takes note of an answered request.
    pub(crate) fn observe(&self, context: &RequestContext, status: u16, took: Duration) {
        if context.source.as_deref() == Some(REPORTER) {
            return;
        }
        self.0.stats.record(&context.method, &context.route, status, took);
        if !is_reported(context.trace.trace, status) {
            return;
        }
        let mut event = self.event(context, Emit::new(EventName::RequestCompleted).status(status), took);
        event.idempotency_key.clone_from(&event.event_id);
        event.p50_ms = Some(event.p95_ms);
        event.sample_rate = sample_rate(status);
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    fn event(&self, context: &RequestContext, emit: Emit, took: Duration) -> Event {
        let event_id = uuid::Uuid::now_v7().to_string();
        let key = emit.key.or_else(|| context.idempotency_key.clone()).unwrap_or_else(|| event_id.clone());
        Event {
            schema_version: SCHEMA_VERSION,
            timestamp: clock::rfc3339(self.0.clock.unix_ms()),
            app_id: self.0.app,
            env: self.0.env.clone(),
            namespace: context.namespace,
            tenant_id: context.tenant.clone(),
            release: self.0.release.clone(),
            event: emit.name,
            route: context.route.clone(),
            method: context.method.clone(),
            status: emit.status,
            p50_ms: None,
            p95_ms: took_ms(took),
            error_rate_pct: None,
            uptime_sec: Some(self.uptime_sec()),
            circuit_breaker_state: emit.breaker,
            trace_id: context.trace.trace,
            idempotency_key: key,
            finance_metrics: emit.finance,
            revenue_event_id: emit.revenue_event_id,
            business_metrics: emit.business,
            bandit_metrics: emit.bandit,
            test_run: context.test_run,
            source: context.source.clone(),
            stripe_mode: emit.stripe_mode,
            sample_rate: 1.0,
            event_id,
        }
    }

    fn snapshots(&self) -> Vec<Event> {
        let breaker = *self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = self.0.stats.take();
        let events = windows.into_iter().map(|((method, route), window)| {
            let context = RequestContext { method, ..RequestContext::internal(&route) };
            let emit = Emit::new(EventName::RouteSnapshot).status(window.last_status).breaker(breaker);
            let mut event = self.event(&context, emit, Duration::ZERO);
            event.p50_ms = Some(window.percentile_ms(50));
            event.p95_ms = window.percentile_ms(95);
            event.error_rate_pct = Some(percent(window.errors, window.count()));
            event
        });
        events.collect()
    }

    /// The worker: writes what is pending, sends what is written, until told to stop; then a last round.
    pub(crate) async fn report(self, db: Db, upstream: Upstream, key: String, stop: CancellationToken) {
        let mut pause = SEND_EVERY;
        let mut last_snapshot = clock::monotonic();
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(pause) => false,
            };
            if stopping || last_snapshot.elapsed() >= SNAPSHOT_EVERY {
                last_snapshot = clock::monotonic();
                let snapshots = self.snapshots();
                self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).extend(snapshots);
            }
            let sent = match self.write_pending(&db).await {
                Ok(()) => self.send(&db, &upstream, &key).await,
                Err(error) => Err(error.to_string()),
            };
            pause = match sent {
                Ok(()) => SEND_EVERY,
                Err(reason) => {
                    tracing::debug!(app = %self.0.app, reason, "telemetry waits in the outbox");
                    (pause * 2).min(LONGEST_PAUSE)
                }
            };
            if stopping {
                return;
            }
        }
    }

    async fn write_pending(&self, db: &Db) -> Result<(), DbError> {
        let pending = std::mem::take(&mut *self.0.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if pending.is_empty() {
            return Ok(());
        }
        let written = async {
            let mut tx = db.begin().await?;
            for event in &pending {
                write(&mut tx, event).await?;
            }
            tx.commit().await
        };
        let result = written.await;
        if result.is_err() {
            self.0.pending.lock().unwrap_or_else(PoisonError::into_inner).extend(pending);
        }
        result
    }

    async fn send(&self, db: &Db, upstream: &Upstream, key: &str) -> Result<(), String> {
        loop {
            let rows = db.query("SELECT event_id, body FROM outbox ORDER BY event_id LIMIT $1", args![BATCH]).await;
            let rows = rows.map_err(|error| error.to_string())?;
            let mut ids = Vec::with_capacity(rows.len());
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                ids.push(row.text("event_id").map_err(|error| error.to_string())?);
                let body = row.text("body").map_err(|error| error.to_string())?;
                events.push(serde_json::from_str::<JsonValue>(&body).map_err(|error| error.to_string())?);
            }
            if events.is_empty() {
                return Ok(());
            }
            let rejected = post(upstream, key, self.0.app, &events).await?;
            settle(db, &ids, &rejected).await.map_err(|error| error.to_string())?;
        }
    }
}

#[derive(Debug, Deserialize)]
struct Receipt {
    /// Always there: an answer without it is somebody else's, and acknowledges nothing.
    rejected: Vec<Rejection>,
}

#[derive(Debug, Deserialize)]
struct Rejection {
    index: usize,
    errors: JsonValue,
}

async fn post(upstream: &Upstream, key: &str, app: AppId, events: &[JsonValue]) -> Result<Vec<Rejection>, String> {
    let mut context = RequestContext::internal("/api/telemetry");
    context.source = Some(REPORTER.to_owned());
    let request = upstream
        .request(&context, AppId::A8, reqwest::Method::POST, "/api/telemetry")
        .map_err(|error| error.to_string())?
        .header(header::TELEMETRY_KEY, key)
        .header(header::APP_ID, app.as_str())
        .json(&json!({ "events": events }));
    let response = request.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    if status != StatusCode::OK && status != StatusCode::UNPROCESSABLE_ENTITY {
        return Err(format!("A8 answered {status}"));
    }
    let rejected = response.json::<Receipt>().await.map_err(|error| error.to_string())?.rejected;
    if status == StatusCode::UNPROCESSABLE_ENTITY && rejected.is_empty() {
        return Err("A8 refused the batch and named no event of it".to_owned());
    }
    Ok(rejected)
}

/// Deletes what was acknowledged; what A8 refuses is kept aside with the reason.
async fn settle(db: &Db, ids: &[String], rejected: &[Rejection]) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    for rejection in rejected {
        let Some(id) = ids.get(rejection.index) else { continue };
        let reason = rejection.errors.to_string();
        tracing::warn!(event_id = id, reason, "A8 refused an event");
        tx.execute(
            "INSERT INTO outbox_rejected (event_id, body, reason) SELECT event_id, body, $2 FROM outbox WHERE event_id = $1",
            args![id, reason],
        )
        .await?;
    }
    for id in ids {
        tx.execute("DELETE FROM outbox WHERE event_id = $1", args![id]).await?;
    }
    tx.commit().await
}

async fn write(tx: &mut Tx, event: &Event) -> Result<(), DbError> {
    let body = serde_json::to_string(event).unwrap_or_default();
    tx.execute("INSERT INTO outbox (event_id, body) VALUES ($1, $2)", args![&event.event_id, body]).await.map(drop)
}

/// Milliseconds with microsecond resolution, as the `Server-Timing` header states them.
pub(crate) fn took_ms(took: Duration) -> f64 {
    let us = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
    f64::from(us) / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of one interval are far below 2^53")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
