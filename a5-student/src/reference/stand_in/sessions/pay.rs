//! Paying a session with a card.

use common::service::{DbError, Tx};
use serde_json::{Value, json};

use super::super::cards::{self, Telling};
use super::super::events;
use super::super::payments::{self, INTENT};
use super::super::refusal::Refusal;
use super::super::state::StandIn;
use super::super::store::{self, Kept};
use super::{SESSION, end};

/// What became of an attempt to pay.
pub(in super::super) enum Paid {
    /// It is paid, by this form; the event of it is to be delivered.
    Now { success_url: String, event_id: String },
    /// It was paid before, with another form.
    Before,
    /// It is over.
    Expired,
    /// The card was refused; the session stays open.
    Declined(Refusal),
    /// There is no such session.
    Unknown,
}

/// Pays a session once. The same form sent twice is the same payment.
pub(in super::super) async fn pay(app: &StandIn, id: &str, card: &str, nonce: &str) -> Result<Paid, DbError> {
    let mut tx = app.db().begin().await?;
    let Some(mut session) = store::get(&mut tx, SESSION, id).await? else { return Ok(Paid::Unknown) };
    let origin = json!({ "id": null, "idempotency_key": null });
    if session.text("status") == "complete" {
        return paid_before(&mut tx, &session, nonce).await;
    }
    if session.text("status") == "expired" {
        return Ok(Paid::Expired);
    }
    if session.due_ms.is_some_and(|due_ms| due_ms <= app.now_ms()) {
        end(app, &mut tx, session, &origin).await?;
        tx.commit().await?;
        app.wake();
        return Ok(Paid::Expired);
    }
    let mut intent = intent_of(app, &mut tx, &mut session).await?;
    let paid = match cards::charge(card) {
        Ok(telling) => {
            payments::succeed(&mut intent.body);
            events::record(app, &mut tx, "payment_intent.succeeded", &intent.body, &origin).await?;
            let event_id = complete(app, &mut tx, &mut session, telling, &origin).await?;
            // How a second sending of the same form is known, and the event whose delivery it waits for.
            intent.facet = Some(nonce.to_owned());
            intent.private = Some(event_id.clone());
            Paid::Now { success_url: success_url(&session), event_id }
        }
        Err(refusal) => {
            payments::fail(&mut intent.body, &refusal);
            events::record(app, &mut tx, "payment_intent.payment_failed", &intent.body, &origin).await?;
            Paid::Declined(refusal)
        }
    };
    store::put(&mut tx, INTENT, &intent).await?;
    store::put(&mut tx, SESSION, &session).await?;
    tx.commit().await?;
    app.wake();
    Ok(paid)
}

async fn paid_before(tx: &mut Tx, session: &Kept, nonce: &str) -> Result<Paid, DbError> {
    let intent = store::get(tx, INTENT, session.text("payment_intent")).await?;
    Ok(match intent {
        Some(Kept { facet: Some(known), private: Some(event_id), .. }) if known == nonce => {
            Paid::Now { success_url: success_url(session), event_id }
        }
        _ => Paid::Before,
    })
}

/// The payment of the session: the one of an attempt before, or a new one.
async fn intent_of(app: &StandIn, tx: &mut Tx, session: &mut Kept) -> Result<Kept, DbError> {
    if let Some(known) = store::get(tx, INTENT, session.text("payment_intent")).await? {
        return Ok(known);
    }
    let metadata = session.private.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(json!({}));
    let amount_minor = session.body["amount_total"].as_i64().unwrap_or(0);
    let body = payments::new_intent(amount_minor, session.text("currency"), &metadata, app.now_s());
    session.body["payment_intent"] = body["id"].clone();
    Ok(Kept::new(body))
}

/// Completes the session; gives the id of the event that tells of it.
async fn complete(
    app: &StandIn,
    tx: &mut Tx,
    session: &mut Kept,
    telling: Telling,
    origin: &Value,
) -> Result<String, DbError> {
    session.due_ms = None;
    let email = session.body["customer_email"].clone();
    session.body["customer_details"] = json!({
        "address": null, "business_name": null, "email": email, "individual_name": null, "name": null, "phone": null,
        "tax_exempt": "none", "tax_ids": [],
    });
    session.body["payment_status"] = "paid".into();
    session.body["status"] = "complete".into();
    session.body["url"] = Value::Null;
    events::record_told(app, tx, "checkout.session.completed", &session.body, origin, telling).await
}

/// Where the customer goes after paying.
pub(in super::super) fn success_url(session: &Kept) -> String {
    session.text("success_url").replace("{CHECKOUT_SESSION_ID}", &session.id)
}
