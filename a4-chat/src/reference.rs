//! The reference implementation of A4.

mod chat;
mod documents;
mod errors;
mod model;
mod policy;
mod provider;
mod stream;
mod wire;

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};

use provider::Provider;

/// What the handlers share.
#[derive(Debug, Clone)]
struct App {
    ctx: Ctx,
    provider: Option<Provider>,
    /// The embedded model's time for a token.
    pace: Duration,
}

/// The app, ready to be started. Options: `llm_base_url` and `llm_api_key` (any OpenAI-compatible provider instead of
/// the embedded model), `token_pace_ms` (of the embedded model, 2 unless said).
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: &[], router }
}

fn router(ctx: Ctx) -> Router {
    let pace_ms = ctx.config.options.get("token_pace_ms").and_then(|text| text.parse().ok()).unwrap_or(2);
    let provider = Provider::of(&ctx);
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/chat/completions", post(chat::complete))
        .route("/v1/models", get(chat::models))
        .route("/documents/analyze", post(documents::analyze))
        .with_state(App { ctx, provider, pace: Duration::from_millis(pace_ms) })
}
