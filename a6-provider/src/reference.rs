//! The reference implementation of A6.

mod billing;
mod forward;
mod listings;
mod pool;
mod providers;
mod rates;
mod settlements;
mod transactions;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use pool::DirectoryPool;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    ctx: Ctx,
    directory: DirectoryPool,
}

/// The app, ready to be started.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let directory = DirectoryPool::start(&ctx);
    forward::start(&ctx);
    Router::new()
        .route("/register", post(providers::register))
        .route("/api/providers/{id}", get(providers::show))
        .route("/api/providers/{id}/stage", post(providers::move_stage))
        .route("/api/listings", post(listings::draft))
        .route("/api/listings/{id}", get(listings::show))
        .route("/api/listings/{id}/publish", post(listings::publish))
        .route("/api/billing", get(billing::facts))
        .route("/api/billing/quote", post(billing::quote))
        .route("/api/billing/settle", post(settlements::settle))
        .route("/api/settlements/{id}", get(settlements::show))
        .route("/api/transactions/{trace_id}", get(transactions::of_trace))
        .with_state(App { ctx, directory })
}

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE providers (
        provider_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
        country TEXT NOT NULL, stage TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE INDEX providers_email ON providers (tenant_id, email);
     CREATE TABLE stage_moves (
        move_id TEXT PRIMARY KEY, provider_id TEXT NOT NULL, from_stage TEXT NOT NULL, to_stage TEXT NOT NULL,
        at_ms BIGINT NOT NULL)",
    "CREATE TABLE listings (
        listing_id TEXT PRIMARY KEY, provider_id TEXT NOT NULL, title TEXT NOT NULL, award_minor BIGINT NOT NULL,
        currency TEXT NOT NULL, created_ms BIGINT NOT NULL, published_ms BIGINT)",
    "CREATE TABLE settlements (
        revenue_event_id TEXT PRIMARY KEY, provider_id TEXT NOT NULL, listing_id TEXT, trace_id TEXT NOT NULL,
        gross_minor BIGINT NOT NULL, fee_minor BIGINT NOT NULL, ai_cost_minor BIGINT NOT NULL,
        ai_price_minor BIGINT NOT NULL, currency TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE settlement_entries (
        revenue_event_id TEXT NOT NULL, position BIGINT NOT NULL, account TEXT NOT NULL, debit_minor BIGINT NOT NULL,
        credit_minor BIGINT NOT NULL, PRIMARY KEY (revenue_event_id, position))",
    "CREATE TABLE forward_queue (
        revenue_event_id TEXT PRIMARY KEY, body TEXT NOT NULL, trace_id TEXT NOT NULL, tenant_id TEXT NOT NULL,
        namespace TEXT NOT NULL, test_run BIGINT NOT NULL, source TEXT, attempts BIGINT NOT NULL, state TEXT NOT NULL,
        reason TEXT, next_ms BIGINT NOT NULL);
     CREATE INDEX forward_due ON forward_queue (state, next_ms)",
    "ALTER TABLE providers ADD COLUMN trace_id TEXT;
     CREATE INDEX providers_of_trace ON providers (trace_id);
     CREATE INDEX settlements_of_trace ON settlements (trace_id)",
];
