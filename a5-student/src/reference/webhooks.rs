//! The payment provider's webhooks: believed by their signature, taken once by their event id, in any order. All that
//! an event does is one transaction, so a delivery that breaks off has done nothing and the next one does it.

mod fulfilment;
mod tally;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use common::service::{DbError, Defect, Json, Problem};
use serde::Deserialize;
use serde_json::json;

use super::state::A5;
use super::{orders, signature};

pub(super) use tally::{of_trace, totals};

/// The header with the signature.
const SIGNATURE: &str = "stripe-signature";

/// An event, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    livemode: bool,
    data: EventData,
}

#[derive(Debug, Deserialize)]
struct EventData {
    object: serde_json::Value,
}

/// A checkout session within an event.
#[derive(Debug, Deserialize)]
struct Session {
    client_reference_id: Option<String>,
    payment_status: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
}

/// `POST /webhooks/stripe`.
pub(super) async fn receive(State(app): State<A5>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    match believed(&app, &headers, &body) {
        Ok(event) => {
            take(&app, &event).await?;
            Ok(Json(json!({ "received": true })).into_response())
        }
        Err(reason) => {
            tracing::warn!(reason, "a webhook was refused");
            tally::refuse(&app, &reason).await?;
            Err(Problem::malformed(reason))
        }
    }
}

/// The event, if the delivery is the provider's; else why it is not taken.
fn believed(app: &A5, headers: &HeaderMap, body: &[u8]) -> Result<Event, String> {
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let mut secret = app.webhook_secret().to_owned();
    if app.ctx().has(Defect::A5WebhookSecretWrong) {
        secret.push_str("_of_another_endpoint");
    }
    signature::verify(header, body, &secret, app.now_ms() / 1_000).map_err(|error| error.to_string())?;
    let event: Event = serde_json::from_slice(body).map_err(|error| format!("the body is no event: {error}"))?;
    if event.livemode {
        return Err("the event is of live mode: only test mode is taken here".to_owned());
    }
    Ok(event)
}

/// Takes an event once.
async fn take(app: &A5, event: &Event) -> Result<(), DbError> {
    let mut tx = app.ctx().db.begin().await?;
    let session = session(event);
    let order_id = session.as_ref().and_then(|session| session.client_reference_id.as_deref());
    let order = match order_id {
        Some(id) => orders::load(&mut tx, id).await?,
        None => None,
    };
    let replays_credit = app.ctx().has(Defect::A5WebhookReplayCredits);
    let is_first = tally::enter(&mut tx, event, order.as_ref(), app.now_ms()).await?;
    if let (Some(order), Some(session)) = (order, session)
        && (is_first || replays_credit)
    {
        fulfilment::apply(app, &mut tx, &order, &event.kind, &session).await?;
    }
    tx.commit().await
}

/// The checkout session of an event that is about one.
fn session(event: &Event) -> Option<Session> {
    if !event.kind.starts_with("checkout.session.") {
        return None;
    }
    serde_json::from_value(event.data.object.clone())
        .inspect_err(|error| tracing::warn!(event_id = event.id, %error, "a checkout session cannot be read"))
        .ok()
}
