//! Webhook endpoints: A5's own, which is there from the start, and those that somebody registers.

use axum::extract::State;
use axum::response::Response;
use common::args;
use common::service::{DbError, Path, Tx};
use rand::distr::{Alphanumeric, SampleString};
use serde_json::{Value, json};
use url::Url;

use super::api::list_object;
use super::auth::Ask;
use super::call::{Call, told};
use super::events::API_VERSION;
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};
use super::store::{self, Kept};

pub(super) const ENDPOINT: &str = "webhook_endpoint";
/// The id of A5's own endpoint.
const OWN: &str = "we_embedded";
/// What A5's own endpoint asks for.
const OWN_EVENTS: [&str; 2] = ["checkout.session.completed", "checkout.session.expired"];

/// Where an event goes, and what signs it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) secret: String,
}

/// The ids of the endpoints that ask for events of this type.
pub(super) async fn listening(app: &StandIn, tx: &mut Tx, kind: &str) -> Result<Vec<String>, DbError> {
    let own = own(app);
    let mut ids = Vec::new();
    if asks_for(&own, kind) {
        ids.push(OWN.to_owned());
    }
    let sql = "SELECT id, body FROM standin_objects WHERE kind = $1 ORDER BY id";
    for row in tx.query(sql, args![ENDPOINT]).await? {
        if serde_json::from_str(&row.text("body")?).is_ok_and(|body| asks_for(&body, kind)) {
            ids.push(row.text("id")?);
        }
    }
    Ok(ids)
}

fn asks_for(endpoint: &Value, kind: &str) -> bool {
    let asked = endpoint["enabled_events"].as_array().map_or(&[][..], Vec::as_slice);
    asked.iter().any(|event| event == "*" || event == kind)
}

/// The endpoint of this id, if it is there.
pub(super) async fn target(app: &StandIn, id: &str) -> Result<Option<Target>, DbError> {
    if id == OWN {
        let (url, secret) = app.own_endpoint();
        return Ok(Some(Target { url: url.to_owned(), secret: secret.to_owned() }));
    }
    let kept = store::find(app.db(), ENDPOINT, id).await?;
    Ok(kept.map(|kept| Target { url: kept.text("url").to_owned(), secret: kept.private.unwrap_or_default() }))
}

fn own(app: &StandIn) -> Value {
    let events = OWN_EVENTS.map(str::to_owned).to_vec();
    endpoint_body(OWN, app.own_endpoint().0, &events, Some("A5 itself"), &json!({}), 0)
}

fn endpoint_body(
    id: &str,
    url: &str,
    events: &[String],
    description: Option<&str>,
    metadata: &Value,
    now_s: i64,
) -> Value {
    json!({
        "id": id, "object": "webhook_endpoint", "api_version": API_VERSION, "application": null, "created": now_s,
        "description": description, "enabled_events": events, "livemode": false, "metadata": metadata,
        "status": "enabled", "url": url,
    })
}

/// The secret is told here and never again.
pub(super) async fn create(State(app): State<StandIn>, mut call: Call) -> Result<Response, Refusal> {
    let mut params = call.params.clone();
    let (url, events) = (params.need("url")?, params.texts("enabled_events")?);
    let (description, metadata) = (params.text("description")?, params.metadata()?);
    params.choice("api_version", &[API_VERSION])?;
    params.done()?;
    if events.is_empty() {
        return Err(params.missing("enabled_events"));
    }
    if !is_loopback(&url) {
        let message = "Invalid URL: the stand-in delivers to http:// addresses of this machine only.";
        return Err(Refusal::invalid("url_invalid", message, "url"));
    }
    let id = fresh_id("we");
    let body = endpoint_body(&id, &url, &events, description.as_deref(), &metadata, app.now_s());
    let secret = format!("whsec_{}", Alphanumeric.sample_string(&mut rand::rng(), 32));
    let mut kept = Kept::new(body.clone());
    kept.private = Some(secret.clone());
    store::put(&mut call.tx, ENDPOINT, &kept).await?;
    let mut told = body;
    told["secret"] = secret.into();
    call.answer(&told).await
}

/// No byte of the embedded ecosystem leaves the machine.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "http" && host
}

pub(super) async fn endpoint(
    State(app): State<StandIn>,
    Path(id): Path<String>,
    ask: Ask,
) -> Result<Response, Refusal> {
    ask.params.done()?;
    if id == OWN {
        return Ok(told(&own(&app)));
    }
    let kept = store::find(app.db(), ENDPOINT, &id).await?.ok_or_else(|| Refusal::no_such(ENDPOINT, &id, "id"))?;
    Ok(told(&kept.body))
}

/// Registered endpoints, newest first; A5's own is the oldest.
pub(super) async fn list(State(app): State<StandIn>, mut ask: Ask) -> Result<Response, Refusal> {
    let page = ask.params.page()?;
    ask.params.done()?;
    if page.cursor() == Some(("starting_after", OWN)) {
        return Ok(told(&list_object("/v1/webhook_endpoints", Vec::new(), false)));
    }
    let (mut data, mut more) = store::list(app.db(), ENDPOINT, None, &page, |_| true).await?;
    if !more && !page.is_backward() {
        more = data.len() == page.limit;
        data.extend((!more).then(|| own(&app)));
    }
    Ok(told(&list_object("/v1/webhook_endpoints", data, more)))
}

pub(super) async fn delete(Path(id): Path<String>, mut call: Call) -> Result<Response, Refusal> {
    call.params.done()?;
    let sql = "DELETE FROM standin_objects WHERE kind = $1 AND id = $2";
    if call.tx.execute(sql, args![ENDPOINT, &id]).await? == 0 {
        return Err(Refusal::no_such(ENDPOINT, &id, "id"));
    }
    call.answer(&json!({ "id": id, "object": "webhook_endpoint", "deleted": true })).await
}

#[test]
fn only_this_machine_is_delivered_to() {
    for here in ["http://127.0.0.1:9/hook", "http://localhost/hook", "http://[::1]:9/"] {
        assert!(is_loopback(here), "{here}");
    }
    for elsewhere in ["https://127.0.0.1/", "http://example.org/", "http://127.0.0.1.example.org/", "hook"] {
        assert!(!is_loopback(elsewhere), "{elsewhere}");
    }
}
