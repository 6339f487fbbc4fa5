//! The reference implementation of A7.

mod assets;
mod breaker;
mod cta;
mod leads;
mod mail;
mod publish;
mod queue;
mod seo;
mod signals;
mod site;
mod store;
mod variant;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use mail::Mailer;
use seo::SitemapCache;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    ctx: Ctx,
    mailer: Mailer,
    sitemap: Arc<SitemapCache>,
}

/// The app, ready to be started.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: store::MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let mailer = Mailer::new(&ctx);
    queue::start(&ctx, &mailer);
    signals::start(&ctx);
    Router::new()
        .route("/", get(site::home))
        .route("/browse", get(site::browse))
        .route("/browse/states", get(site::by_state))
        .route("/browse/majors", get(site::by_major))
        .route("/p/{slug}", get(site::page))
        .route("/sitemap.xml", get(seo::sitemap))
        .route("/robots.txt", get(seo::robots))
        .route("/assets/{name}", get(assets::serve))
        .route("/api/pages", post(publish::publish))
        .route("/api/leads", post(leads::capture))
        .route("/api/leads/{id}", get(leads::show))
        .route("/api/cta", post(cta::record))
        .with_state(App { ctx, mailer, sitemap: Arc::default() })
}
