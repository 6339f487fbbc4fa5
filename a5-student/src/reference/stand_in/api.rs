//! The routes of the API.

use axum::Router;
use axum::extract::Request;
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use super::params::Params;
use super::refusal::Refusal;
use super::state::StandIn;
use super::{catalogue, endpoints, events, payments, sessions};

pub(super) fn router(app: StandIn) -> Router {
    Router::new()
        .route("/v1/products", get(catalogue::list_products).post(catalogue::create_product))
        .route("/v1/products/{id}", get(catalogue::product))
        .route("/v1/prices", get(catalogue::list_prices).post(catalogue::create_price))
        .route("/v1/prices/{id}", get(catalogue::price))
        .route("/v1/checkout/sessions", get(sessions::list).post(sessions::create))
        .route("/v1/checkout/sessions/{id}", get(sessions::session))
        .route("/v1/checkout/sessions/{id}/expire", post(sessions::expire))
        .route("/v1/checkout/sessions/{id}/line_items", get(sessions::line_items))
        .route("/v1/payment_intents", post(payments::create))
        .route("/v1/payment_intents/{id}", get(payments::intent))
        .route("/v1/events", get(events::list))
        .route("/v1/events/{id}", get(events::event))
        .route("/v1/events/{id}/retry", post(events::retry))
        .route("/v1/webhook_endpoints", get(endpoints::list).post(endpoints::create))
        .route("/v1/webhook_endpoints/{id}", get(endpoints::endpoint).delete(endpoints::delete))
        .route("/v1/{*rest}", any(unknown))
        .method_not_allowed_fallback(unknown)
        .with_state(app)
}

async fn unknown(request: Request) -> Refusal {
    Refusal::no_route(request.method().as_str(), request.uri().path())
}

/// A page of a list as the API answers it.
pub(super) fn list_object(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

/// Adds the fields (a list with spaces) that are always null here, as nothing of the kind exists.
pub(super) fn with_nulls(mut object: Value, fields: &str) -> Value {
    for field in fields.split_whitespace() {
        object[field] = Value::Null;
    }
    object
}

/// Reads which fields are to be shown in full.
pub(super) fn expansions(params: &mut Params, allowed: &[&str]) -> Result<Vec<String>, Refusal> {
    let asked = params.texts("expand")?;
    match asked.iter().find(|field| !allowed.contains(&field.as_str())) {
        None => Ok(asked),
        Some(field) => {
            Err(Refusal::senseless(format!("This property cannot be expanded ({field})."), format!("expand[{field}]")))
        }
    }
}
