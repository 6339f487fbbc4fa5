//! The hosted payment page: a form that works without scripts, and says that no money moves.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use common::service::{Form, Path, Problem};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::cards::TEST_CARDS;
use super::delivery;
use super::money;
use super::refusal::Refusal;
use super::sessions::{self, ITEM, Paid, SESSION};
use super::state::StandIn;
use super::store::{self, Kept};

/// How many lines the page shows.
const MOST_LINES: &str = "limit=100";

pub(super) fn router(app: StandIn) -> Router {
    Router::new()
        .route("/pay/assets/pay.css", get(style_sheet))
        .route("/pay/{session_id}", get(page).post(pay))
        .with_state(app)
}

/// A line of the bill.
struct Line {
    name: String,
    quantity: i64,
    amount: String,
}

#[derive(Template)]
#[template(path = "pay.html")]
struct Pay<'a> {
    session_id: &'a str,
    total: String,
    lines: Vec<Line>,
    form_nonce: String,
    error: Option<&'a str>,
    cancel_url: &'a str,
    cards: &'static [(&'static str, &'static str)],
}

#[derive(Template)]
#[template(path = "pay_message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
    state: &'a str,
    back_to: &'a str,
}

/// What the page sends. A number is judged and forgotten.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    card: String,
    #[serde(default)]
    form_nonce: String,
}

async fn page(State(app): State<StandIn>, Path(id): Path<String>) -> Result<Response, Problem> {
    let Some(session) = store::find(app.db(), SESSION, &id).await? else { return Ok(unknown()) };
    let is_over = session.due_ms.is_some_and(|due_ms| due_ms <= app.now_ms());
    match session.text("status") {
        "open" if !is_over => form(&app, &session, StatusCode::OK, None).await,
        "complete" => Ok(already_paid(&session, StatusCode::OK)),
        _ => Ok(expired(&session)),
    }
}

async fn pay(State(app): State<StandIn>, Path(id): Path<String>, Form(sent): Form<Sent>) -> Result<Response, Problem> {
    if !(16..=64).contains(&sent.form_nonce.len()) {
        let text = "The form did not arrive whole. Please go back, load the page again and pay once more.";
        return Ok(message(StatusCode::BAD_REQUEST, "This did not work", text, "error", ""));
    }
    let paid = sessions::pay(&app, &id, &sent.card, &sent.form_nonce).await?;
    let session = store::find(app.db(), SESSION, &id).await?;
    let Some(session) = session else { return Ok(unknown()) };
    match paid {
        Paid::Now { success_url, event_id } => {
            delivery::attempted(&app, &event_id).await;
            Ok(see_other(&success_url))
        }
        Paid::Before => Ok(already_paid(&session, StatusCode::CONFLICT)),
        Paid::Expired => Ok(expired(&session)),
        Paid::Declined(refusal) => form(&app, &session, StatusCode::PAYMENT_REQUIRED, Some(&refusal)).await,
        Paid::Unknown => Ok(unknown()),
    }
}

async fn form(
    app: &StandIn,
    session: &Kept,
    status: StatusCode,
    refusal: Option<&Refusal>,
) -> Result<Response, Problem> {
    let page = super::params::Params::parse(MOST_LINES).and_then(|mut params| params.page());
    let failed = |refusal: Refusal| Problem::unavailable(refusal.message);
    let items = store::list(app.db(), ITEM, Some(&session.id), &page.map_err(failed)?, |_| true).await;
    let (items, _) = items.map_err(failed)?;
    let currency = session.text("currency");
    let line = |item: &Value| Line {
        name: item["description"].as_str().unwrap_or("").to_owned(),
        quantity: item["quantity"].as_i64().unwrap_or(1),
        amount: money::shown(item["amount_total"].as_i64().unwrap_or(0), currency),
    };
    let page = Pay {
        session_id: &session.id,
        total: money::shown(session.body["amount_total"].as_i64().unwrap_or(0), currency),
        lines: items.iter().map(line).collect(),
        form_nonce: Uuid::new_v4().simple().to_string(),
        error: refusal.map(|refusal| refusal.message.as_str()),
        cancel_url: session.text("cancel_url"),
        cards: &TEST_CARDS,
    };
    Ok(respond(status, &page, session.text("success_url")))
}

fn already_paid(session: &Kept, status: StatusCode) -> Response {
    let text = "This payment is made. Nothing more will be charged.";
    message(status, "Already paid", text, "paid", &sessions::success_url(session))
}

fn expired(session: &Kept) -> Response {
    let text = "The time to pay this is over, and nothing was charged. Please begin again at the shop.";
    message(StatusCode::GONE, "This payment has expired", text, "expired", session.text("cancel_url"))
}

fn unknown() -> Response {
    let text = "Nothing is to be paid at this address. Please begin again at the shop.";
    message(StatusCode::NOT_FOUND, "There is nothing to pay here", text, "unknown", "")
}

fn message(status: StatusCode, title: &str, text: &str, state: &str, back_to: &str) -> Response {
    respond(status, &Message { title, text, state, back_to }, "")
}

fn see_other(to: &str) -> Response {
    let Ok(to) = HeaderValue::from_str(to) else {
        return message(StatusCode::BAD_GATEWAY, "Paid", "The shop's address to return to is no address.", "paid", "");
    };
    (StatusCode::SEE_OTHER, [(LOCATION, to), (CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
}

async fn style_sheet() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../../../assets/pay.css")).into_response()
}

/// Renders a page. Browsers apply `form-action` to the redirect after a form too, so it names where paying leads.
fn respond(status: StatusCode, page: &impl Template, form_leads_to: &str) -> Response {
    let Ok(html) = page.render() else {
        return Problem::unavailable("the page cannot be shown: try again").into_response();
    };
    let origin = Url::parse(form_leads_to).map(|to| to.origin().ascii_serialization()).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {origin}; base-uri 'none'; frame-ancestors 'none'"
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
