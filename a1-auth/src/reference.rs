//! The reference implementation of A1: an OIDC provider with ES256 keys, forms without scripts and single-use codes.

mod accounts;
mod admin;
mod authorize;
mod clients;
mod discovery;
mod forms;
mod grants;
mod keys;
mod login;
mod logout;
mod oauth_error;
mod pages;
mod rate;
mod secret;
mod sessions;
mod state;
mod store;
mod token;
mod userinfo;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use state::A1;

/// The app, ready to be served.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: store::MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let app = A1::new(ctx.clone());
    let first = app.clone();
    ctx.tasks.spawn(|_| async move {
        if let Err(error) = first.start().await {
            tracing::error!(%error, "the provider is not set up yet: the next request tries again");
        }
    });
    let probed = app.clone();
    ctx.ready.add("signing_key", move || {
        let app = probed.clone();
        async move { app.start().await.is_ok() }
    });
    store::start_forgetting(&app);
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration))
        .route("/oidc/jwks", get(discovery::jwks))
        .route("/oidc/auth", get(authorize::authorize))
        .route("/oidc/token", post(token::token))
        .route("/oidc/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
        .route("/oidc/logout", get(logout::ask).post(logout::confirm))
        .route("/login", get(login::login_page).post(login::log_in))
        .route("/signup", get(login::signup_page).post(login::sign_up))
        .route("/admin/keys/rotate", post(admin::rotate))
        .route("/assets/app.css", get(pages::style_sheet))
        .with_state(app)
}
