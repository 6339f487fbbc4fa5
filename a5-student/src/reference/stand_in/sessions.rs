//! Checkout sessions: what is bought, until when it can be paid, and what became of it.

mod pay;
mod read;

use axum::extract::State;
use axum::response::Response;
use common::service::{DbError, Path, Tx};
use serde_json::{Value, json};

use super::api::{expansions, list_object};
use super::auth::Ask;
use super::call::{Call, told};
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};
use super::store::{self, Kept};
use super::{events, payments};

pub(super) use pay::{Paid, pay, success_url};

pub(super) const SESSION: &str = "checkout.session";
/// A line of a session; its facet is the session's id.
pub(super) const ITEM: &str = "item";

pub(super) async fn create(State(app): State<StandIn>, mut call: Call) -> Result<Response, Refusal> {
    let order = read::order(&app, &mut call).await?;
    let kept = Kept {
        due_ms: Some(order.expires_s * 1_000),
        private: Some(order.payment_metadata.to_string()),
        ..Kept::new(order.session(&app))
    };
    store::put(&mut call.tx, SESSION, &kept).await?;
    // Lists begin with the newest: the first line is made last.
    for mut item in order.items.into_iter().rev() {
        item["id"] = fresh_id("li").into();
        store::put(&mut call.tx, ITEM, &Kept::new(item).facet(&kept.id)).await?;
    }
    call.answer(&kept.body).await
}

pub(super) async fn session(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut ask: Ask,
) -> Result<Response, Refusal> {
    let expand = expansions(&mut ask.params, &["line_items", "payment_intent"])?;
    ask.params.done()?;
    let kept = store::find(app.db(), SESSION, &id).await?.ok_or_else(|| Refusal::no_such(SESSION, &id, "id"))?;
    let mut session = kept.body;
    for field in expand {
        session[field.as_str()] = match field.as_str() {
            "line_items" => items_of(&app, &id, &mut ask).await?,
            _ => {
                let intent = session["payment_intent"].as_str().unwrap_or("").to_owned();
                store::find(app.db(), payments::INTENT, &intent).await?.map_or(Value::Null, |kept| kept.body)
            }
        };
    }
    Ok(told(&session))
}

pub(super) async fn line_items(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut ask: Ask,
) -> Result<Response, Refusal> {
    store::find(app.db(), SESSION, &id).await?.ok_or_else(|| Refusal::no_such(SESSION, &id, "id"))?;
    Ok(told(&items_of(&app, &id, &mut ask).await?))
}

async fn items_of(app: &StandIn, id: &str, ask: &mut Ask) -> Result<Value, Refusal> {
    let page = ask.params.page()?;
    ask.params.done()?;
    let (data, more) = store::list(app.db(), ITEM, Some(id), &page, |_| true).await?;
    Ok(list_object(&format!("/v1/checkout/sessions/{id}/line_items"), data, more))
}

pub(super) async fn list(State(app): State<StandIn>, mut ask: Ask) -> Result<Response, Refusal> {
    let page = ask.params.page()?;
    let filters = [
        ("status", ask.params.choice("status", &["open", "complete", "expired"])?),
        ("payment_intent", ask.params.text("payment_intent")?),
    ];
    ask.params.done()?;
    let fits = |session: &Value| {
        filters.iter().all(|(field, value)| value.as_ref().is_none_or(|value| session[*field] == *value))
    };
    let (data, more) = store::list(app.db(), SESSION, None, &page, fits).await?;
    Ok(told(&list_object("/v1/checkout/sessions", data, more)))
}

pub(super) async fn expire(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut call: Call,
) -> Result<Response, Refusal> {
    call.params.done()?;
    let kept = store::get(&mut call.tx, SESSION, &id).await?.ok_or_else(|| Refusal::no_such(SESSION, &id, "id"))?;
    if kept.text("status") != "open" {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of {}.",
            kept.text("status")
        );
        return Err(Refusal::malformed(message));
    }
    let origin = call.origin();
    let expired = end(&app, &mut call.tx, kept, &origin).await?;
    call.answer(&expired).await
}

/// Lets a session expire, and tells of it.
async fn end(app: &StandIn, tx: &mut Tx, mut kept: Kept, origin: &Value) -> Result<Value, DbError> {
    kept.due_ms = None;
    kept.body["status"] = "expired".into();
    kept.body["url"] = Value::Null;
    store::put(tx, SESSION, &kept).await?;
    events::record(app, tx, "checkout.session.expired", &kept.body, origin).await?;
    Ok(kept.body)
}

/// Lets the sessions expire whose time is over.
pub(super) async fn expire_due(app: &StandIn) -> Result<(), DbError> {
    for due in store::due(app.db(), SESSION, app.now_ms()).await? {
        let mut tx = app.db().begin().await?;
        if let Some(kept) = store::get(&mut tx, SESSION, &due.id).await?.filter(|kept| kept.due_ms.is_some()) {
            end(app, &mut tx, kept, &json!({ "id": null, "idempotency_key": null })).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
