//! The reference implementation of A5: pages rendered here, people signed in by A1, questions answered by A4, money
//! taken by Stripe, or by its stand-in.

mod analysis;
mod callback;
mod checkout;
mod cookies;
mod credits;
mod crm;
mod dashboard;
mod documents;
mod id_token;
mod jobs;
mod ledger;
mod money;
mod nonces;
mod onboarding;
mod orders;
mod outside;
mod pages;
mod plans;
mod provider;
mod sessions;
mod sign_ups;
mod signature;
mod stand_in;
mod state;
mod store;
mod stripe;
mod transactions;
mod visits;
mod webhooks;
mod welcome;

use axum::Router;
use axum::routing::{any, get, post};
use common::service::{AppDef, Ctx};

use state::A5;

/// The app, ready to be served. Options: `public_base_url` (where browsers find A5), `issuer` (A1's), `stripe_base_url`,
/// `stripe_secret_key`, `stripe_webhook_secret`, `payment_page_base` (where browsers pay), `crm_base_url`, `crm_token`.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: store::MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let stand_ins = stand_in::router(ctx.clone());
    let app = A5::new(ctx);
    store::start_forgetting(&app);
    jobs::start(&app);
    onboarding::start(&app);
    let own = pages().merge(people()).merge(money_routes()).route("/{*path}", any(pages::nowhere));
    own.with_state(app).merge(stand_ins)
}

fn pages() -> Router<A5> {
    Router::new()
        .route("/", get(pages::landing))
        .route("/pricing", get(pages::pricing))
        .route("/dashboard", get(dashboard::page))
        .route("/onboarding", get(onboarding::page).post(onboarding::ask))
        .route("/documents", get(documents::list).post(documents::take_in))
        .route("/documents/{id}", get(documents::show))
        .route("/assets/app.css", get(pages::style_sheet))
        .route("/assets/app.js", get(pages::script))
        .route("/assets/icon.svg", get(pages::icon))
}

fn people() -> Router<A5> {
    Router::new()
        .route("/signup", get(callback::sign_up))
        .route("/login", get(callback::log_in))
        .route("/auth/callback", get(callback::callback))
        .route("/logout", post(sessions::log_out))
        .route("/signed-out", get(pages::signed_out))
        .route("/api/me", get(sessions::me))
}

fn money_routes() -> Router<A5> {
    Router::new()
        .route("/checkout", post(checkout::begin))
        .route("/checkout/return", get(checkout::come_back))
        .route("/checkout/cancelled", get(checkout::cancelled))
        .route("/webhooks/stripe", post(webhooks::receive))
        .route("/credits", get(credits::page))
        .route("/api/credits", get(credits::data))
        .route("/api/transactions/{trace_id}", get(transactions::of_trace))
        .route("/api/webhooks", get(transactions::webhooks))
}
