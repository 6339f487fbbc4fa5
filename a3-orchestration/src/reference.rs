//! The reference implementation of A3.

mod attempts;
mod attribution;
mod backoff;
mod bandit;
mod beta;
mod breaker;
mod budget;
pub(crate) mod dice;
mod favours;
mod journal;
mod page;
pub(crate) mod party;
mod plan;
mod preflight;
mod progress;
mod run;
mod stand_in;
mod steps;
mod tables;
pub(crate) mod transport;
mod upstreams;
pub(crate) mod worker;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use self::breaker::Breakers;
use self::budget::Budgets;
use self::dice::Dice;
use self::favours::ServiceToken;
use self::preflight::Preflight;
use self::transport::{Http, Transport};

/// Everything needed to start A3. Options: `breaker_open_ms`, `side_jobs_apart_ms`, `run_deadline_ms`, `email_base_url`,
/// `email_api_key`, `email_from`, `email_to`, `auto_com_base_url`, and `client_id` and `client_secret` for a token of A1.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: tables::TABLES, router }
}

/// What A3's handlers and its worker share beyond the kit.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) ctx: Ctx,
    breakers: Breakers,
    budgets: Budgets,
    dice: Dice,
    preflight: Preflight,
    token: ServiceToken,
    transport: Arc<dyn Transport>,
}

impl Shared {
    /// What one process of A3 keeps, with this way to other parties and these draws.
    pub(crate) fn new(ctx: Ctx, transport: Arc<dyn Transport>, dice: Dice) -> Self {
        Self {
            breakers: Breakers::of(&ctx.config),
            budgets: Budgets::full(ctx.clock.monotonic()),
            dice,
            preflight: Preflight::default(),
            token: ServiceToken::default(),
            transport,
            ctx,
        }
    }
}

impl FromRef<Shared> for Ctx {
    fn from_ref(shared: &Shared) -> Self {
        shared.ctx.clone()
    }
}

fn router(ctx: Ctx) -> Router {
    let shared = Shared::new(ctx.clone(), Arc::new(Http::of(&ctx)), Dice::fresh());
    worker::start(&shared);
    routes(shared).merge(stand_in::router(ctx))
}

/// A3's own routes.
pub(crate) fn routes(shared: Shared) -> Router {
    Router::new()
        .route("/preflight", get(preflight::show))
        .route("/orchestration/run", post(run::start))
        .route("/orchestration/runs/{id}", get(run::show))
        .route("/orchestration/progress", get(progress::show))
        .route("/orchestration/journal", get(journal::show))
        .route("/breakers", get(breaker::list))
        .route("/bandit", get(bandit::show))
        .route("/bandit/reward", post(bandit::reward))
        .route("/bandit/levers", post(bandit::pull))
        .route("/bandit/experiments", post(bandit::create))
        .route("/bandit/experiments/{id}/choose", post(bandit::choose))
        .with_state(shared)
}
