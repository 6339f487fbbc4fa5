//! `POST /api/v1/events/batch`: up to 1,000 events; the good ones are stored together, each bad one is told.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use common::service::{Defect, Json, Problem, RequestContext, Tx, Unit};
use serde_json::{Value, json};

use super::Shared;
use super::event::{self, NewEvent, Senseless};
use super::forward::{self, Key};

/// The most items of a batch.
const MAX_ITEMS: usize = 1_000;

/// An item that could not be taken.
struct Refused {
    pointer: String,
    reason: String,
}

pub(crate) async fn many(
    State(shared): State<Shared>,
    context: RequestContext,
    unit: Unit,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let items = items(&headers, &body)?;
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(Problem::invalid("", format!("a batch has 1 to {MAX_ITEMS} items, this one has {}", items.len())));
    }
    let place = shared.queue.enter()?;
    let mut results = Vec::with_capacity(items.len());
    let mut failed = false;
    let mut tx = unit.tx().await?;
    for (index, item) in items.into_iter().enumerate() {
        match item.and_then(read) {
            Ok(event) => results.push(stored(&shared, &mut tx, &context, index, &event).await?),
            Err(_) if shared.ctx.has(Defect::A2BatchSilentPartial) => {}
            Err(Refused { pointer, reason }) => {
                failed = true;
                let error = json!({ "pointer": pointer, "reason": reason });
                results.push(json!({ "index": index, "status": 422, "error": error }));
            }
        }
    }
    let status = if failed { StatusCode::MULTI_STATUS } else { StatusCode::OK };
    let answer = (status, Json(json!({ "trace_id": context.trace.trace, "results": results }))).into_response();
    Ok(place.until_answered(answer))
}

async fn stored(
    shared: &Shared,
    tx: &mut Tx,
    context: &RequestContext,
    index: usize,
    event: &NewEvent,
) -> Result<Value, Problem> {
    let name = forward::name_of(&event.event_type).map(|name| name.as_str());
    let stored = event::store(tx, context, event, name, shared.ctx.clock.unix_ms()).await?;
    forward::report(&shared.ctx, tx, context, (event, &stored), Key::EventId).await?;
    Ok(json!({ "index": index, "status": 201, "event_id": stored.event_id }))
}

fn read(item: Value) -> Result<NewEvent, Refused> {
    let event: NewEvent = serde_json::from_value(item)
        .map_err(|error| Refused { pointer: String::new(), reason: format!("the item is no event: {error}") })?;
    match event.check() {
        Ok(()) => Ok(event),
        Err(Senseless { pointer, reason }) => Err(Refused { pointer: pointer.to_owned(), reason }),
    }
}

/// Takes the body apart: a JSON array as a whole, NDJSON line by line, so that a broken line is only its own failure.
fn items(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Result<Value, Refused>>, Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match given.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "application/json" => array(body),
        "application/x-ndjson" => lines(body),
        other => {
            let detail = format!("send the batch as application/json or application/x-ndjson, not as {other:?}");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail))
        }
    }
}

fn array(body: &[u8]) -> Result<Vec<Result<Value, Refused>>, Problem> {
    let whole: Value =
        serde_json::from_slice(body).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    match whole {
        Value::Array(items) => Ok(items.into_iter().map(Ok).collect()),
        _ => Err(Problem::invalid("", "the body of a batch is a JSON array of events")),
    }
}

fn lines(body: &[u8]) -> Result<Vec<Result<Value, Refused>>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    let item = |line: &str| {
        serde_json::from_str(line)
            .map_err(|error| Refused { pointer: String::new(), reason: format!("the line is not JSON: {error}") })
    };
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(item).collect())
}
