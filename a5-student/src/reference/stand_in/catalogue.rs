//! Products and prices. A lookup key names one price at a time, and can be moved to a new one.

use axum::extract::State;
use axum::response::Response;
use common::service::{Path, Tx};
use serde_json::{Value, json};

use super::api::{expansions, list_object};
use super::auth::Ask;
use super::call::{Call, told};
use super::params::Params;
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};
use super::store::{self, Kept};
use super::{events, money};

pub(super) const PRODUCT: &str = "product";
pub(super) const PRICE: &str = "price";

pub(super) async fn create_product(State(app): State<StandIn>, mut call: Call) -> Result<Response, Refusal> {
    let mut params = call.params.clone();
    let product = read_product(&mut params, app.now_s())?;
    params.done()?;
    keep_product(&app, &mut call, &product).await?;
    call.answer(&product.body).await
}

/// Reads `name` and what else describes a product.
pub(super) fn read_product(params: &mut Params, now_s: i64) -> Result<Kept, Refusal> {
    let id = fresh_id("prod");
    let name = params.need("name")?;
    let (description, active) = (params.text("description")?, params.flag("active")?.unwrap_or(true));
    let body = json!({
        "id": id, "object": "product", "active": active, "created": now_s, "default_price": null,
        "description": description, "images": [], "livemode": false, "marketing_features": [],
        "metadata": params.metadata()?, "name": name, "package_dimensions": null, "shippable": null,
        "statement_descriptor": null, "tax_code": null, "tax_details": null, "type": "service", "unit_label": null,
        "updated": now_s, "url": null,
    });
    Ok(Kept::new(body))
}

/// Keeps a product and tells of it.
pub(super) async fn keep_product(app: &StandIn, call: &mut Call, product: &Kept) -> Result<(), Refusal> {
    let origin = call.origin();
    store::put(&mut call.tx, PRODUCT, product).await?;
    events::record(app, &mut call.tx, "product.created", &product.body, &origin).await?;
    Ok(())
}

pub(super) async fn product(State(app): State<StandIn>, Path(id): Path<String>, ask: Ask) -> Result<Response, Refusal> {
    ask.params.done()?;
    let product = store::find(app.db(), PRODUCT, &id).await?.ok_or_else(|| Refusal::no_such(PRODUCT, &id, "id"))?;
    Ok(told(&product.body))
}

pub(super) async fn list_products(State(app): State<StandIn>, mut ask: Ask) -> Result<Response, Refusal> {
    let (page, active) = (ask.params.page()?, ask.params.flag("active")?);
    ask.params.done()?;
    let keep = |product: &Value| active.is_none_or(|active| product["active"] == active);
    let (data, more) = store::list(app.db(), PRODUCT, None, &page, keep).await?;
    Ok(told(&list_object("/v1/products", data, more)))
}

pub(super) async fn create_price(State(app): State<StandIn>, mut call: Call) -> Result<Response, Refusal> {
    let mut params = call.params.clone();
    let currency = money::currency(&mut params)?;
    let amount_minor = money::amount(&mut params, "unit_amount")?;
    let lookup_key = params.text("lookup_key")?;
    let transfer = params.flag("transfer_lookup_key")?.unwrap_or(false);
    let (nickname, active) = (params.text("nickname")?, params.flag("active")?.unwrap_or(true));
    let (product, data, metadata) = (params.text("product")?, params.hash("product_data")?, params.metadata()?);
    params.done()?;
    let product = product_of(&app, &mut call, product, data).await?;
    if let Some(key) = &lookup_key {
        free_lookup_key(&app, &mut call, key, transfer).await?;
    }
    let mut price = price_body(&product, &currency, amount_minor, app.now_s());
    for (field, value) in [
        ("active", active.into()),
        ("lookup_key", lookup_key.clone().into()),
        ("metadata", metadata),
        ("nickname", nickname.into()),
    ] {
        price[field] = value;
    }
    let mut kept = Kept::new(price);
    kept.facet = lookup_key;
    let origin = call.origin();
    store::put(&mut call.tx, PRICE, &kept).await?;
    events::record(&app, &mut call.tx, "price.created", &kept.body, &origin).await?;
    call.answer(&kept.body).await
}

/// The product that a price belongs to: one that is there, or a new one.
async fn product_of(
    app: &StandIn,
    call: &mut Call,
    known: Option<String>,
    new: Option<Params>,
) -> Result<String, Refusal> {
    match (known, new) {
        (Some(id), None) => match store::get(&mut call.tx, PRODUCT, &id).await? {
            Some(_) => Ok(id),
            None => Err(Refusal::no_such(PRODUCT, &id, "product")),
        },
        (None, Some(mut data)) => {
            let product = read_product(&mut data, app.now_s())?;
            data.done()?;
            keep_product(app, call, &product).await?;
            Ok(product.id)
        }
        (None, None) => Err(call.params.missing("product")),
        (Some(_), Some(_)) => {
            Err(Refusal::senseless("You may only specify one of these parameters: product, product_data.", "product"))
        }
    }
}

/// Makes sure that no other price has this key: takes it away, if that is asked for, or refuses.
async fn free_lookup_key(app: &StandIn, call: &mut Call, key: &str, transfer: bool) -> Result<(), Refusal> {
    let Some(mut holder) = store::get_by(&mut call.tx, PRICE, key).await? else { return Ok(()) };
    if !transfer {
        let message = format!("A price (`{}`) already uses that lookup key.", holder.id);
        return Err(Refusal::senseless(message, "lookup_key"));
    }
    holder.facet = None;
    holder.body["lookup_key"] = Value::Null;
    let origin = call.origin();
    store::put(&mut call.tx, PRICE, &holder).await?;
    events::record(app, &mut call.tx, "price.updated", &holder.body, &origin).await?;
    Ok(())
}

/// A one-time price without a lookup key.
pub(super) fn price_body(product: &str, currency: &str, amount_minor: i64, now_s: i64) -> Value {
    json!({
        "id": fresh_id("price"), "object": "price", "active": true, "billing_scheme": "per_unit", "created": now_s,
        "currency": currency, "custom_unit_amount": null, "livemode": false, "lookup_key": null, "metadata": {},
        "nickname": null, "product": product, "recurring": null, "tax_behavior": "unspecified", "tiers_mode": null,
        "transform_quantity": null, "type": "one_time", "unit_amount": amount_minor,
        "unit_amount_decimal": amount_minor.to_string(),
    })
}

pub(super) async fn price(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    mut ask: Ask,
) -> Result<Response, Refusal> {
    let expand = expansions(&mut ask.params, &["product"])?;
    ask.params.done()?;
    let price = store::find(app.db(), PRICE, &id).await?.ok_or_else(|| Refusal::no_such(PRICE, &id, "id"))?;
    let mut data = vec![price.body];
    if !expand.is_empty() {
        show_products(&app, &mut data).await?;
    }
    Ok(told(&data[0]))
}

pub(super) async fn list_prices(State(app): State<StandIn>, mut ask: Ask) -> Result<Response, Refusal> {
    let (page, keys) = (ask.params.page()?, ask.params.texts("lookup_keys")?);
    let filters = [
        ("active", ask.params.flag("active")?.map(Value::from)),
        ("product", ask.params.text("product")?.map(Value::from)),
        ("currency", ask.params.text("currency")?.map(Value::from)),
        ("type", ask.params.choice("type", &["one_time", "recurring"])?.map(Value::from)),
    ];
    let expand = expansions(&mut ask.params, &["data.product"])?;
    ask.params.done()?;
    if keys.len() > 10 {
        return Err(Refusal::senseless("You can list prices by up to 10 lookup keys.", "lookup_keys"));
    }
    let has_key = |price: &Value| keys.is_empty() || keys.iter().any(|key| price["lookup_key"] == *key);
    let fits = |price: &Value| {
        let named = filters.iter().filter_map(|(field, value)| Some((field, value.as_ref()?)));
        has_key(price) && named.into_iter().all(|(field, value)| price[field] == *value)
    };
    let one = if let [key] = keys.as_slice() { Some(key.as_str()) } else { None };
    let (mut data, more) = store::list(app.db(), PRICE, one, &page, fits).await?;
    if !expand.is_empty() {
        show_products(&app, &mut data).await?;
    }
    Ok(told(&list_object("/v1/prices", data, more)))
}

async fn show_products(app: &StandIn, prices: &mut [Value]) -> Result<(), Refusal> {
    for price in prices {
        let id = price["product"].as_str().unwrap_or("").to_owned();
        if let Some(product) = store::find(app.db(), PRODUCT, &id).await? {
            price["product"] = product.body;
        }
    }
    Ok(())
}

/// The price of this id, as a line item names it.
pub(super) async fn price_named(tx: &mut Tx, id: &str, param: &str) -> Result<Value, Refusal> {
    let price = store::get(tx, PRICE, id).await?.ok_or_else(|| Refusal::no_such(PRICE, id, param))?.body;
    if price["active"] == false {
        return Err(Refusal::senseless(format!("The price `{id}` is inactive."), param));
    }
    Ok(price)
}
