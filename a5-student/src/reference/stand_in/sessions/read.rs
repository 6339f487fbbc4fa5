//! Reading the order of a new session.

use serde_json::{Value, json};
use url::Url;

use super::super::api::with_nulls;
use super::super::call::Call;
use super::super::catalogue;
use super::super::money;
use super::super::params::Params;
use super::super::refusal::Refusal;
use super::super::state::{StandIn, fresh_id};
use super::super::store;

/// The shortest and the longest time a session can be paid, in seconds; the longest is the default.
const SHORTEST_S: i64 = 30 * 60;
const LONGEST_S: i64 = 24 * 60 * 60;
/// The most of one line.
const MOST_QUANTITY: i64 = 999_999;

/// Fields of a session that nothing here sets.
const UNUSED: &str = "after_expiration allow_promotion_codes allowed_payment_method_types billing_address_collection \
                      client_secret collected_information consent consent_collection currency_conversion customer \
                      customer_account customer_details integration_identifier invoice invoice_creation \
                      managed_payments origin_context payment_intent payment_link \
                      payment_method_configuration_details permissions recovered_from saved_payment_method_options \
                      setup_intent shipping_address_collection shipping_cost submit_type subscription wallet_options";

/// What is to be paid, and where the customer goes afterwards.
pub(super) struct Order {
    /// The lines, without ids.
    pub(super) items: Vec<Value>,
    pub(super) expires_s: i64,
    pub(super) payment_metadata: Value,
    amount_minor: i64,
    currency: String,
    success_url: String,
    cancel_url: Option<String>,
    reference: Option<String>,
    email: Option<String>,
    locale: Option<String>,
    metadata: Value,
}

/// Reads the order; prices that are described in it are made.
pub(super) async fn order(app: &StandIn, call: &mut Call) -> Result<Order, Refusal> {
    let mut params = call.params.clone();
    if params.choice("mode", &["payment"])?.is_none() {
        return Err(params.missing("mode"));
    }
    let lines = params.hashes("line_items")?;
    let (success_url, cancel_url) = (params.need("success_url")?, params.text("cancel_url")?);
    for (url, name) in [(Some(&success_url), "success_url"), (cancel_url.as_ref(), "cancel_url")] {
        let is_url = url.is_none_or(|url| Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")));
        if !is_url {
            return Err(Refusal::invalid("url_invalid", "Not a valid URL", name));
        }
    }
    let (reference, email) = (params.text("client_reference_id")?, params.text("customer_email")?);
    let (locale, metadata) = (params.text("locale")?, params.metadata()?);
    let payment_metadata = match params.hash("payment_intent_data")? {
        None => json!({}),
        Some(mut data) => {
            let metadata = data.metadata()?;
            data.done()?;
            metadata
        }
    };
    if params.texts("payment_method_types")?.iter().any(|kind| kind != "card") {
        return Err(Refusal::senseless("The stand-in takes cards only.", "payment_method_types"));
    }
    let expires_s = expiry(&mut params, app.now_s())?;
    params.done()?;
    let items = items(app, call, lines).await?;
    let (amount_minor, currency) = total(&items)?;
    Ok(Order {
        items,
        expires_s,
        payment_metadata,
        amount_minor,
        currency,
        success_url,
        cancel_url,
        reference,
        email,
        locale,
        metadata,
    })
}

fn expiry(params: &mut Params, now_s: i64) -> Result<i64, Refusal> {
    let Some(expires_s) = params.int("expires_at")? else { return Ok(now_s + LONGEST_S) };
    if (SHORTEST_S..=LONGEST_S).contains(&(expires_s - now_s)) {
        return Ok(expires_s);
    }
    let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.";
    Err(Refusal::senseless(message, "expires_at"))
}

async fn items(app: &StandIn, call: &mut Call, lines: Vec<Params>) -> Result<Vec<Value>, Refusal> {
    let mut items = Vec::with_capacity(lines.len());
    for mut line in lines {
        let price = price_of(app, call, &mut line).await?;
        let quantity = line.int("quantity")?.ok_or_else(|| line.missing("quantity"))?;
        if !(1..=MOST_QUANTITY).contains(&quantity) {
            let message = format!("Invalid quantity: {quantity}.");
            return Err(Refusal::invalid("parameter_invalid_integer", message, line.name("quantity")));
        }
        line.done()?;
        let product = price["product"].as_str().unwrap_or("").to_owned();
        let product = store::get(&mut call.tx, catalogue::PRODUCT, &product).await?;
        let amount_minor = price["unit_amount"].as_i64().unwrap_or(0) * quantity;
        items.push(json!({
            "id": null, "object": "item", "adjustable_quantity": null, "amount_discount": 0,
            "amount_subtotal": amount_minor, "amount_tax": 0, "amount_total": amount_minor,
            "currency": price["currency"], "description": product.map(|product| product.body["name"].clone()),
            "metadata": {}, "price": price, "quantity": quantity,
        }));
    }
    Ok(items)
}

/// The price that a line names, or a new one that it describes.
async fn price_of(app: &StandIn, call: &mut Call, line: &mut Params) -> Result<Value, Refusal> {
    let (param, data) = (line.name("price"), line.hash("price_data")?);
    if let Some(id) = line.text("price")? {
        return catalogue::price_named(&mut call.tx, &id, &param).await;
    }
    let Some(mut data) = data else { return Err(line.missing("price")) };
    let currency = money::currency(&mut data)?;
    let amount_minor = money::amount(&mut data, "unit_amount")?;
    let Some(mut described) = data.hash("product_data")? else { return Err(data.missing("product_data")) };
    data.done()?;
    let product = catalogue::read_product(&mut described, app.now_s())?;
    described.done()?;
    catalogue::keep_product(app, call, &product).await?;
    let mut price = catalogue::price_body(&product.id, &currency, amount_minor, app.now_s());
    price["active"] = false.into();
    Ok(price)
}

/// The sum of all lines, which share one currency.
fn total(items: &[Value]) -> Result<(i64, String), Refusal> {
    let Some(first) = items.first() else {
        return Err(Refusal::invalid("parameter_missing", "Missing required param: line_items.", "line_items"));
    };
    let currency = first["currency"].as_str().unwrap_or("").to_owned();
    if items.iter().any(|item| item["currency"] != currency) {
        let message = "All line items must have the same currency.";
        return Err(Refusal::senseless(message, "line_items"));
    }
    let amount_minor = items.iter().filter_map(|item| item["amount_total"].as_i64()).sum();
    money::chargeable(amount_minor, &currency, "line_items")?;
    Ok((amount_minor, currency))
}

impl Order {
    /// The open session.
    pub(super) fn session(&self, app: &StandIn) -> Value {
        let id = fresh_id("cs_test");
        let none = json!({ "after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null });
        let body = json!({
            "id": id, "object": "checkout.session", "adaptive_pricing": { "enabled": false },
            "amount_subtotal": self.amount_minor, "amount_total": self.amount_minor,
            "automatic_tax": { "enabled": false, "liability": null, "provider": null, "status": null },
            "cancel_url": self.cancel_url, "client_reference_id": self.reference, "created": app.now_s(),
            "currency": self.currency, "custom_fields": [], "custom_text": none, "customer_creation": "if_required",
            "customer_email": self.email, "discounts": [], "expires_at": self.expires_s, "livemode": false,
            "locale": self.locale, "metadata": self.metadata, "mode": "payment",
            "payment_method_collection": "if_required", "payment_method_options": {},
            "payment_method_types": ["card"], "payment_status": "unpaid",
            "phone_number_collection": { "enabled": false }, "shipping_options": [], "status": "open",
            "success_url": self.success_url, "ui_mode": "hosted_page", "url": app.page_of(&id),
            "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        });
        with_nulls(body, UNUSED)
    }
}
