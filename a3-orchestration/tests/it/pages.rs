//! A stand-in for A7: builds and publishes pages, once for a key, and reports them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use common::args;
use common::contract::{Contract, Route};
use common::ids::AppId;
use common::service::{AppDef, Ctx, Emit, Json, Problem, RequestContext, Unit};
use common::telemetry::EventName;
use serde_json::{Value, json};

pub(crate) fn stand_in() -> AppDef {
    let build = Route::post("/api/pages", "Builds and publishes a page.").json(json!({})).hardened().success(&[201]);
    AppDef {
        contract: Contract::new(AppId::A7, "tests", "Stands in for A7.").route(build),
        migrations: &["CREATE TABLE pages (slug TEXT PRIMARY KEY, title TEXT NOT NULL)"],
        router: |ctx| Router::new().route("/api/pages", post(publish)).with_state(ctx),
    }
}

async fn publish(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    let (slug, title) = (body["slug"].as_str().unwrap_or_default(), body["title"].as_str().unwrap_or_default());
    let mut tx = unit.tx().await?;
    tx.execute("INSERT INTO pages (slug, title) VALUES ($1, $2)", args![slug, title]).await?;
    ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::PagePublished).status(201)).await?;
    Ok((StatusCode::CREATED, Json(json!({ "slug": slug, "url": format!("/p/{slug}") }))).into_response())
}
