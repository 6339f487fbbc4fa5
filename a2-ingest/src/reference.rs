//! The reference implementation of A2.

mod batch;
mod catalogue;
mod dlq;
mod event;
mod forward;
mod ingest;
mod page;
mod queue;
mod read;
mod scholarships;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::Method;
use axum::routing::{get, post};
use common::ids::AppId;
use common::service::{AppDef, Ctx, RequestContext};

use self::queue::Queue;

/// Everything needed to start A2.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: event::TABLES, router }
}

/// What A2's handlers share beyond the kit.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    ctx: Ctx,
    queue: Queue,
    /// Events taken so far, counted for the deliberate defect alone.
    taken: Arc<AtomicU64>,
}

impl FromRef<Shared> for Ctx {
    fn from_ref(shared: &Shared) -> Self {
        shared.ctx.clone()
    }
}

fn router(ctx: Ctx) -> Router {
    let queue = Queue::of(&ctx.config);
    add_ready_checks(&ctx, &queue);
    Router::new()
        .route("/api/v1/events", post(ingest::one))
        .route("/api/v1/events/batch", post(batch::many))
        .route("/api/v1/events/{id}", get(read::event))
        .route("/api/v1/lineage/{trace_id}", get(read::lineage))
        .route("/api/v1/scholarships", get(scholarships::search))
        .route("/api/v1/dlq", get(dlq::list))
        .route("/api/v1/dlq/replay", post(dlq::replay))
        // The kit limits bodies by the contract; axum's own 2 MB limit would undercut the batch's.
        .layer(DefaultBodyLimit::disable())
        .with_state(Shared { ctx, queue, taken: Arc::default() })
}

fn add_ready_checks(ctx: &Ctx, queue: &Queue) {
    let queue = queue.clone();
    ctx.ready.add("queue", move || {
        let has_room = queue.has_room();
        async move { has_room }
    });
    if ctx.upstream.base(AppId::A8).is_none() {
        return;
    }
    let upstream = ctx.upstream.clone();
    ctx.ready.add("upstream:a8", move || {
        let upstream = upstream.clone();
        async move {
            let context = RequestContext::internal("/ready");
            let Ok(request) = upstream.request(&context, AppId::A8, Method::GET, "/health") else {
                return false;
            };
            request.send().await.is_ok_and(|response| response.status().is_success())
        }
    });
}
