//! Payment intents: what became of a charge.

use axum::extract::State;
use axum::response::Response;
use common::service::Path;
use serde_json::{Value, json};

use super::api::{expansions, with_nulls};
use super::auth::Ask;
use super::call::{Call, told};
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};
use super::store::{self, Kept};
use super::{cards, events, money};

pub(super) const INTENT: &str = "payment_intent";

/// Fields of a payment that nothing here sets.
const UNUSED: &str = "allowed_payment_method_types application application_fee_amount automatic_payment_methods \
                      canceled_at cancellation_reason customer customer_account description \
                      excluded_payment_method_types last_payment_error latest_charge managed_payments next_action \
                      on_behalf_of payment_method payment_method_configuration_details payment_record processing \
                      receipt_email review setup_future_usage shipping source statement_descriptor \
                      statement_descriptor_suffix transfer_group";

/// A payment that is still without a means to pay it.
pub(super) fn new_intent(amount_minor: i64, currency: &str, metadata: &Value, now_s: i64) -> Value {
    let id = fresh_id("pi");
    let client_secret = format!("{id}_secret_{}", uuid::Uuid::new_v4().simple());
    let body = json!({
        "id": id, "object": INTENT, "amount": amount_minor, "amount_capturable": 0, "amount_received": 0,
        "capture_method": "automatic_async", "client_secret": client_secret, "confirmation_method": "automatic",
        "created": now_s, "currency": currency, "livemode": false, "metadata": metadata,
        "payment_method_options": {}, "payment_method_types": ["card"], "status": "requires_payment_method",
    });
    with_nulls(body, UNUSED)
}

/// The payment after its charge went through.
pub(super) fn succeed(intent: &mut Value) {
    intent["amount_received"] = intent["amount"].clone();
    intent["last_payment_error"] = Value::Null;
    intent["latest_charge"] = fresh_id("ch").into();
    intent["payment_method"] = fresh_id("pm").into();
    intent["status"] = "succeeded".into();
}

/// The payment after its charge was refused.
pub(super) fn fail(intent: &mut Value, refusal: &Refusal) {
    intent["last_payment_error"] = refusal.error();
    intent["latest_charge"] = fresh_id("ch").into();
    intent["status"] = "requires_payment_method".into();
}

/// Makes a payment, and charges it at once if `confirm` says so.
pub(super) async fn create(State(app): State<StandIn>, mut call: Call) -> Result<Response, Refusal> {
    let mut params = call.params.clone();
    let amount_minor = money::amount(&mut params, "amount")?;
    let currency = money::currency(&mut params)?;
    let (confirms, method) = (params.flag("confirm")?.unwrap_or(false), params.text("payment_method")?);
    let (description, metadata) = (params.text("description")?, params.metadata()?);
    params.texts("payment_method_types")?;
    params.done()?;
    money::chargeable(amount_minor, &currency, "amount")?;
    let charged = method.as_deref().map(|method| {
        let unknown = || Refusal::no_such("PaymentMethod", method, "payment_method");
        cards::charge_method(method).ok_or_else(unknown)
    });
    let charged = charged.transpose()?;
    let mut intent = new_intent(amount_minor, &currency, &metadata, app.now_s());
    intent["description"] = description.into();
    let refusal = match charged {
        _ if !confirms => None,
        None => return Err(call.params.missing("payment_method")),
        Some(Ok(_)) => {
            succeed(&mut intent);
            None
        }
        Some(Err(refusal)) => {
            fail(&mut intent, &refusal);
            Some(refusal)
        }
    };
    if method.is_some() && !confirms {
        intent["status"] = "requires_confirmation".into();
    }
    keep(&app, &mut call, &intent).await?;
    match refusal {
        None => call.answer(&intent).await,
        Some(refusal) => call.refuse(&refusal.of_payment(&intent)).await,
    }
}

async fn keep(app: &StandIn, call: &mut Call, intent: &Value) -> Result<(), Refusal> {
    let origin = call.origin();
    store::put(&mut call.tx, INTENT, &Kept::new(intent.clone())).await?;
    events::record(app, &mut call.tx, "payment_intent.created", intent, &origin).await?;
    let outcome = match intent["status"].as_str() {
        Some("succeeded") => "payment_intent.succeeded",
        Some("requires_payment_method") if !intent["last_payment_error"].is_null() => "payment_intent.payment_failed",
        _ => return Ok(()),
    };
    events::record(app, &mut call.tx, outcome, intent, &origin).await?;
    Ok(())
}

pub(super) async fn intent(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut ask: Ask,
) -> Result<Response, Refusal> {
    expansions(&mut ask.params, &[])?;
    ask.params.done()?;
    let intent = store::find(app.db(), INTENT, &id).await?.ok_or_else(|| Refusal::no_such(INTENT, &id, "id"))?;
    Ok(told(&intent.body))
}
