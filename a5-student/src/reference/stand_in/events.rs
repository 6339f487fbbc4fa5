//! Events: what happened, kept for the API and delivered to the endpoints that asked for it.

use axum::extract::State;
use axum::response::Response;
use common::service::{DbError, Path, Tx};
use serde_json::{Value, json};

use super::api::list_object;
use super::auth::Ask;
use super::call::{Call, told};
use super::cards::{AT_ONCE, Telling};
use super::delivery;
use super::endpoints;
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};
use super::store::{self, Kept};

/// The API's version, as stripe-node 23 asks for it.
pub(super) const API_VERSION: &str = "2026-10-28.endive";
pub(super) const EVENT: &str = "event";

/// Keeps an event and its deliveries in the transaction of what happened; gives its id.
pub(super) async fn record(
    app: &StandIn,
    tx: &mut Tx,
    kind: &str,
    object: &Value,
    origin: &Value,
) -> Result<String, DbError> {
    record_told(app, tx, kind, object, origin, AT_ONCE).await
}

/// As [`record`], with the deliveries that a test card asks for.
pub(super) async fn record_told(
    app: &StandIn,
    tx: &mut Tx,
    kind: &str,
    object: &Value,
    origin: &Value,
    telling: Telling,
) -> Result<String, DbError> {
    let id = fresh_id("evt");
    let targets = endpoints::listening(app, tx, kind).await?;
    let body = json!({
        "id": id, "object": "event", "api_version": API_VERSION, "created": app.now_s(), "data": { "object": object },
        "livemode": false, "pending_webhooks": targets.len(), "request": origin, "type": kind,
    });
    store::put(tx, EVENT, &Kept::new(body).facet(kind)).await?;
    for target in &targets {
        for _ in 0..telling.times {
            delivery::plan(tx, &id, target, app.now_ms() + telling.after_ms, telling.after_ms == 0).await?;
        }
    }
    Ok(id)
}

pub(super) async fn event(State(app): State<StandIn>, Path(id): Path<String>, ask: Ask) -> Result<Response, Refusal> {
    ask.params.done()?;
    Ok(told(&shown(&app, &id).await?))
}

/// The event with the number of its deliveries that are still to be made.
async fn shown(app: &StandIn, id: &str) -> Result<Value, Refusal> {
    let kept = store::find(app.db(), EVENT, id).await?.ok_or_else(|| Refusal::no_such(EVENT, id, "id"))?;
    let mut event = kept.body;
    event["pending_webhooks"] = delivery::pending(app, id).await?.into();
    Ok(event)
}

pub(super) async fn list(State(app): State<StandIn>, mut ask: Ask) -> Result<Response, Refusal> {
    let (page, kind, kinds) = (ask.params.page()?, ask.params.text("type")?, ask.params.texts("types")?);
    ask.params.done()?;
    let keep = |event: &Value| kinds.is_empty() || kinds.iter().any(|kind| event["type"] == *kind);
    let (mut data, more) = store::list(app.db(), EVENT, kind.as_deref(), &page, keep).await?;
    for event in &mut data {
        let id = event["id"].as_str().unwrap_or("").to_owned();
        event["pending_webhooks"] = delivery::pending(&app, &id).await?.into();
    }
    Ok(told(&list_object("/v1/events", data, more)))
}

/// Delivers an event once more, as `stripe events resend` asks for it: to one endpoint, or to all that listen. Answers
/// after the first attempt, or after ten seconds.
pub(super) async fn retry(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Response, Refusal> {
    let mut params = call.params.clone();
    let endpoint = params.text("webhook_endpoint")?;
    params.done()?;
    let event = store::get(&mut call.tx, EVENT, &id).await?.ok_or_else(|| Refusal::no_such(EVENT, &id, "id"))?;
    let targets = match endpoint {
        Some(endpoint) => match endpoints::target(&app, &endpoint).await? {
            Some(_) => vec![endpoint],
            None => return Err(Refusal::no_such(endpoints::ENDPOINT, &endpoint, "webhook_endpoint")),
        },
        None => endpoints::listening(&app, &mut call.tx, event.text("type")).await?,
    };
    for target in &targets {
        delivery::plan(&mut call.tx, &id, target, app.now_ms(), true).await?;
    }
    let response = call.answer(&event.body).await?;
    delivery::attempted(&app, &id).await;
    Ok(response)
}
