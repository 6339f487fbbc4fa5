//! `POST /api/v1/events`: one event, durable before it is acknowledged.

use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{Defect, Json, Problem, RequestContext, Unit};
use serde_json::json;

use super::Shared;
use super::event::{self, NewEvent, Stored};
use super::forward::{self, Key};

pub(crate) async fn one(
    State(shared): State<Shared>,
    context: RequestContext,
    unit: Unit,
    Json(event): Json<NewEvent>,
) -> Result<Response, Problem> {
    event.check()?;
    let place = shared.queue.enter()?;
    if shared.ctx.has(Defect::A2AckBeforeCommit) {
        return Ok(acknowledge(&context, &store_later(&shared, context.clone(), event)));
    }
    let ctx = &shared.ctx;
    let mut tx = unit.tx().await?;
    let name = forward::name_of(&event.event_type).map(|name| name.as_str());
    let stored = event::store(&mut tx, &context, &event, name, ctx.clock.unix_ms()).await?;
    forward::report(ctx, &mut tx, &context, (&event, &stored), Key::Request).await?;
    Ok(place.until_answered(acknowledge(&context, &stored)))
}

fn acknowledge(context: &RequestContext, stored: &Stored) -> Response {
    let body = json!({
        "event_id": stored.event_id,
        "trace_id": context.trace.trace,
        "stored_at": clock::rfc3339(stored.stored_ms),
    });
    (StatusCode::CREATED, Json(body)).into_response()
}

/// The deliberate defect: an id is given out at once, the event is written some time later, and every 50th never is.
fn store_later(shared: &Shared, context: RequestContext, event: NewEvent) -> Stored {
    let ctx = shared.ctx.clone();
    let promised = Stored { event_id: uuid::Uuid::now_v7().to_string(), stored_ms: ctx.clock.unix_ms() };
    if shared.taken.fetch_add(1, Ordering::Relaxed) % 50 == 49 {
        return promised;
    }
    let later = promised.clone();
    shared.ctx.tasks.spawn(|_| async move {
        let written = async {
            let mut tx = ctx.db.begin().await?;
            let name = forward::name_of(&event.event_type).map(|name| name.as_str());
            event::store_as(&mut tx, &context, &event, name, &later).await?;
            forward::report(&ctx, &mut tx, &context, (&event, &later), Key::Request).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "an acknowledged event is lost, as the defect has it");
        }
    });
    promised
}
