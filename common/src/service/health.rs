//! Liveness, readiness and flags: the routes that every app has.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Ctx, Json, Path, Problem, RequestContext};
use crate::clock;
use crate::contract::header;

/// How long an answer of `/ready` is given again.
const CACHED_FOR: Duration = Duration::from_secs(1);
/// How long one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_millis(800);

/// The answer of `/ready`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyReport {
    /// `ready` or `not_ready`.
    pub status: String,
    /// The release.
    pub version: String,
    /// Each check with its own finding.
    pub checks: Vec<ReadyCheck>,
}

/// One check of readiness.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReadyCheck {
    /// `database`, `queue`, `upstream:a8`.
    pub name: String,
    /// `pass` or `fail`.
    pub status: String,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// RFC 3339, when it was made.
    pub observed_at: String,
}

type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

/// What must work before the app calls itself ready.
#[derive(Clone, Default)]
pub struct ReadyChecks {
    checks: Arc<Mutex<Vec<(String, Probe)>>>,
    last: Arc<Mutex<Option<(Instant, ReadyReport)>>>,
}

impl fmt::Debug for ReadyChecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadyChecks")
    }
}

impl ReadyChecks {
    /// Adds a critical check; `true` from the probe is a pass.
    pub fn add<F, P>(&self, name: &str, probe: P)
    where
        P: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = bool> + Send + 'static,
    {
        let probe: Probe = Arc::new(move || Box::pin(probe()));
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push((name.to_owned(), probe));
    }

    /// Makes the checks, or gives the last answer if it is younger than a second.
    pub(crate) async fn report(&self, version: &str) -> ReadyReport {
        if let Some((at, report)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < CACHED_FOR
        {
            return report.clone();
        }
        let probes = self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut checks = Vec::with_capacity(probes.len());
        for (name, probe) in probes {
            let started = clock::monotonic();
            let passed = tokio::time::timeout(CHECK_TIMEOUT, probe()).await.unwrap_or(false);
            checks.push(ReadyCheck {
                name,
                status: if passed { "pass" } else { "fail" }.to_owned(),
                latency_ms: super::outbox::took_ms(started.elapsed()),
                observed_at: clock::rfc3339(clock::unix_ms()),
            });
        }
        let ready = checks.iter().all(|check| check.status == "pass");
        let status = if ready { "ready" } else { "not_ready" }.to_owned();
        let report = ReadyReport { status, version: version.to_owned(), checks };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((clock::monotonic(), report.clone()));
        report
    }
}

/// The routes of the kit.
pub(crate) fn routes(ctx: Ctx) -> Router {
    let db = ctx.db.clone();
    ctx.ready.add("database", move || {
        let db = db.clone();
        async move { db.query("SELECT 1 AS one", vec![]).await.is_ok() }
    });
    Router::new()
        .route("/health", get(health))
        .route("/healthz", get(health))
        .route("/ready", get(ready))
        .route("/flags", get(list_flags))
        .route("/flags/{name}", put(set_flag))
        .with_state(ctx)
}

async fn health(State(ctx): State<Ctx>) -> Response {
    Json(json!({
        "status": "ok",
        "app": ctx.config.app,
        "release": ctx.config.release,
        "uptime_sec": ctx.telemetry.uptime_sec(),
    }))
    .into_response()
}

async fn ready(State(ctx): State<Ctx>) -> Response {
    // Known issue A: until the flag is on, A2 calls itself ready without looking.
    let contract_flag = "a2_ready_contract";
    if ctx.contract.flags.iter().any(|flag| flag.name == contract_flag) && !ctx.flags.on(contract_flag) {
        return Json(json!({ "status": "ok" })).into_response();
    }
    let report = ctx.ready.report(&ctx.config.release).await;
    let status = if report.status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::to_value(&report).unwrap_or_default();
    if status == StatusCode::OK {
        return Json(body).into_response();
    }
    Problem::unavailable("a critical check fails, see `checks`").with("checks", body["checks"].clone()).into_response()
}

async fn list_flags(State(ctx): State<Ctx>) -> Response {
    Json(json!({ "flags": ctx.flags.list() })).into_response()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFlag {
    enabled: bool,
}

async fn set_flag(
    State(ctx): State<Ctx>,
    context: RequestContext,
    headers: HeaderMap,
    Path(name): Path<String>,
    Json(body): Json<SetFlag>,
) -> Result<Response, Problem> {
    want_admin(&ctx, &headers)?;
    let now = ctx.clock.unix_ms();
    if !ctx.flags.set(&ctx.db, &name, body.enabled, now, context.trace.trace).await? {
        return Err(Problem::not_found(format!("there is no flag {name:?}: `GET /flags` lists those there are")));
    }
    Ok(Json(json!({ "name": name, "enabled": body.enabled })).into_response())
}

/// Refuses whoever does not send the administrator's key.
///
/// # Errors
/// 401, with the name of the header.
pub fn want_admin(ctx: &Ctx, headers: &HeaderMap) -> Result<(), Problem> {
    if ctx.has_admin_key(headers) {
        Ok(())
    } else {
        Err(Problem::unauthorized(format!("this route needs the administrator's key in {}", header::ADMIN_KEY)))
    }
}
