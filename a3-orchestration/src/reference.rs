//! The reference implementation of A3.

mod attribution;
mod backoff;
mod bandit;
mod beta;
mod breaker;
mod journal;
mod page;
mod plan;
mod preflight;
mod progress;
mod run;
mod steps;
mod tables;
mod upstreams;
mod worker;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use self::breaker::Breakers;
use self::preflight::Preflight;

/// Everything needed to start A3.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: tables::TABLES, router }
}

/// What A3's handlers and its worker share beyond the kit.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    ctx: Ctx,
    breakers: Breakers,
    preflight: Preflight,
}

impl FromRef<Shared> for Ctx {
    fn from_ref(shared: &Shared) -> Self {
        shared.ctx.clone()
    }
}

fn router(ctx: Ctx) -> Router {
    let shared = Shared { breakers: Breakers::of(&ctx.config), preflight: Preflight::default(), ctx };
    worker::start(&shared);
    Router::new()
        .route("/preflight", get(preflight::show))
        .route("/orchestration/run", post(run::start))
        .route("/orchestration/runs/{id}", get(run::show))
        .route("/orchestration/progress", get(progress::show))
        .route("/breakers", get(breaker::list))
        .route("/bandit", get(bandit::show))
        .route("/bandit/reward", post(bandit::reward))
        .with_state(shared)
}
