//! The reference implementation of A5: pages rendered here, people signed in by A1.

mod callback;
mod cookies;
mod id_token;
mod pages;
mod plans;
mod provider;
mod sessions;
mod stand_in;
mod state;
mod store;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use state::A5;

/// The app, ready to be served.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: store::MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let stand_ins = stand_in::router(ctx.clone());
    let app = A5::new(ctx);
    store::start_forgetting(&app);
    Router::new()
        .route("/", get(pages::landing))
        .route("/pricing", get(pages::pricing))
        .route("/dashboard", get(pages::dashboard))
        .route("/signed-out", get(pages::signed_out))
        .route("/assets/app.css", get(pages::style_sheet))
        .route("/signup", get(callback::sign_up))
        .route("/login", get(callback::log_in))
        .route("/auth/callback", get(callback::callback))
        .route("/logout", post(sessions::log_out))
        .route("/api/me", get(sessions::me))
        .with_state(app)
        .merge(stand_ins)
}
