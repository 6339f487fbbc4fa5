//! Calls to action: seen and clicked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Defect, Emit, Json, Problem, RequestContext, Unit};
use common::telemetry::{BusinessMetrics, EventName};
use serde::Deserialize;
use serde_json::json;

use super::{App, leads};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beacon {
    slug: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Impression,
    Click,
}

/// `POST /api/cta`. The event tells impression from click by its click-through rate, 0 or 1.
pub(crate) async fn record(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<Beacon>,
) -> Result<Response, Problem> {
    let (kind, ctr) = match body.kind {
        Kind::Impression => ("impression", 0.0),
        Kind::Click => ("click", 1.0),
    };
    let mut tx = unit.tx().await?;
    leads::want_page(&mut tx, &body.slug).await?;
    let id = format!("cta_{}", uuid::Uuid::now_v7());
    let sql = "INSERT INTO cta_events (cta_id, slug, kind, at_ms) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![&id, &body.slug, kind, app.ctx.clock.unix_ms()]).await?;
    let business = BusinessMetrics { ctr: Some(ctr), ..BusinessMetrics::default() };
    let emit = Emit::new(EventName::CtaImpression).status(201).business(business);
    if app.ctx.has(Defect::A7CtaCountedTwice) {
        app.ctx.telemetry.emit(&mut tx, &context, emit.clone().key(format!("{id}-again"))).await?;
    }
    if !app.ctx.has(Defect::A7CtaLost) {
        app.ctx.telemetry.emit(&mut tx, &context, emit).await?;
    }
    Ok((StatusCode::CREATED, Json(json!({ "cta_id": id, "kind": kind }))).into_response())
}
