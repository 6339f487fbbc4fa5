//! Calls to action: seen and clicked; and what visitors complain of or cannot do.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, DbError, Defect, Emit, Json, Problem, RequestContext, Tx, Unit};
use common::telemetry::{BusinessMetrics, EventName};
use serde::Deserialize;
use serde_json::json;

use super::signals::{self, Signal};
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
    Complaint,
    /// Something that the visitor asked for failed.
    Error,
}

impl Kind {
    /// Its name, the click-through rate that its event tells, and what A3 is told of it. A click alone earns nothing.
    fn told(self) -> (&'static str, Option<f64>, Option<Signal>) {
        match self {
            Self::Impression => ("impression", Some(0.0), Some(Signal::Seen)),
            Self::Click => ("click", Some(1.0), None),
            Self::Complaint => ("complaint", None, Some(Signal::Complaint)),
            Self::Error => ("error", None, Some(Signal::Failed)),
        }
    }
}

/// `POST /api/cta`. The event tells impression from click by its click-through rate, 0 or 1; complaints and errors have none.
pub(crate) async fn record(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<Beacon>,
) -> Result<Response, Problem> {
    let (kind, ctr, signal) = body.kind.told();
    let mut tx = unit.tx().await?;
    leads::want_page(&mut tx, &body.slug).await?;
    let id = format!("cta_{}", uuid::Uuid::now_v7());
    let sql = "INSERT INTO cta_events (cta_id, slug, kind, at_ms) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![&id, &body.slug, kind, app.ctx.clock.unix_ms()]).await?;
    if let Some(signal) = signal {
        signals::leave(&app.ctx, &mut tx, &context, &body.slug, signal).await?;
    }
    if ctr.is_some() {
        report(&app.ctx, &mut tx, &context, &id, ctr).await?;
    }
    Ok((StatusCode::CREATED, Json(json!({ "cta_id": id, "kind": kind }))).into_response())
}

async fn report(ctx: &Ctx, tx: &mut Tx, context: &RequestContext, id: &str, ctr: Option<f64>) -> Result<(), DbError> {
    let business = BusinessMetrics { ctr, ..BusinessMetrics::default() };
    let emit = Emit::new(EventName::CtaImpression).status(201).business(business);
    if ctx.has(Defect::A7CtaCountedTwice) {
        ctx.telemetry.emit(tx, context, emit.clone().key(format!("{id}-again"))).await?;
    }
    if ctx.has(Defect::A7CtaLost) {
        return Ok(());
    }
    ctx.telemetry.emit(tx, context, emit).await
}
