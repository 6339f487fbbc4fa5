//! `GET /preflight`: which other apps answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::ids::AppId;
use common::service::{Ctx, Json, RequestContext};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::Shared;

/// Whom a run needs, and whom it would like.
const LOOKED_AT: [(AppId, bool); 5] =
    [(AppId::A1, false), (AppId::A2, true), (AppId::A4, false), (AppId::A7, true), (AppId::A8, false)];
/// How long an app may take to answer.
const TIMEOUT: Duration = Duration::from_millis(500);
/// How long an answer is given again.
const CACHED_FOR: Duration = Duration::from_secs(1);

/// The last look. Its lock lets one look at a time out; the others wait for it and take its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preflight(Arc<Mutex<Option<(Instant, Value)>>>);

pub(crate) async fn show(State(shared): State<Shared>, context: RequestContext) -> Response {
    let mut last = shared.preflight.0.lock().await;
    if let Some((at, report)) = &*last
        && shared.ctx.clock.monotonic().saturating_duration_since(*at) < CACHED_FOR
    {
        return Json(report.clone()).into_response();
    }
    let report = look(&shared.ctx, &context).await;
    *last = Some((shared.ctx.clock.monotonic(), report.clone()));
    Json(report).into_response()
}

async fn look(ctx: &Ctx, context: &RequestContext) -> Value {
    let mut looks = JoinSet::new();
    for (app, needed) in LOOKED_AT {
        let (ctx, context) = (ctx.clone(), context.clone());
        looks.spawn(async move { probe(&ctx, &context, app, needed).await });
    }
    let mut seen = looks.join_all().await;
    seen.sort_by_key(|look| look.app);
    let ready = seen.iter().all(|look| !look.needed || look.status == "answers");
    let shown: Vec<_> = seen
        .iter()
        .map(|look| {
            json!({ "app": look.app, "needed": look.needed, "status": look.status, "latency_ms": look.latency_ms })
        })
        .collect();
    json!({ "ready": ready, "observed_at": clock::rfc3339(ctx.clock.unix_ms()), "upstreams": shown })
}

struct Look {
    app: AppId,
    needed: bool,
    status: &'static str,
    latency_ms: Option<f64>,
}

async fn probe(ctx: &Ctx, context: &RequestContext, app: AppId, needed: bool) -> Look {
    let Ok(request) = ctx.upstream.request(context, app, Method::GET, "/health") else {
        return Look { app, needed, status: "not_configured", latency_ms: None };
    };
    let started = clock::monotonic();
    let answers = request.timeout(TIMEOUT).send().await.is_ok_and(|response| response.status().is_success());
    let latency_ms = common::units::Micros::from(started.elapsed()).as_ms();
    Look { app, needed, status: if answers { "answers" } else { "silent" }, latency_ms: Some(latency_ms) }
}
