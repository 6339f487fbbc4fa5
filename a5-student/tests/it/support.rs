//! What tests of A5 share: a signed-in student, a payment provider that answers as Stripe does, and its signature.

use std::collections::BTreeMap;

use common::client::{Reply, Session};
use common::ids::AppId;
use common::service::{AppConfig, AppDef};
use common::testkit::Ecosystem;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(crate) const SECRET: &str = "whsec_of_the_test";

/// Signs the test account in as far as A5's callback answers.
pub(crate) async fn sign_in(eco: &Ecosystem) -> (Session, Reply) {
    let session = Session::new(eco.client());
    let start = session.get(AppId::A5, "/login").send().await.unwrap();
    let form = session.follow(&start).unwrap().send().await.unwrap().text();
    let nonce = hidden(&form, "form_nonce");
    let fields = [("form_nonce", nonce), ("username", "test_student_e2e_01"), ("password", "embedded-password-01")];
    let sent = session.post(AppId::A1, "/login").form(&fields).send().await.unwrap();
    let callback = session.follow(&sent).unwrap().native_errors().send().await.unwrap();
    (session, callback)
}

/// The value of a hidden field.
pub(crate) fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let mark = format!("name=\"{name}\" value=\"");
    page.split(mark.as_str()).nth(1).unwrap_or_else(|| panic!("no field {name} in {page}")).split('"').next().unwrap()
}

/// The fields of a form-encoded request.
pub(crate) fn fields(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

/// A payment provider with every price. An order's checkout session is `cs_{order}`.
pub(crate) async fn provider() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/prices"))
        .respond_with(|request: &Request| prices(request))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v1/checkout/sessions"))
        .respond_with(|request: &Request| {
            let order = fields(request)["client_reference_id"].clone();
            let body = json!({ "id": format!("cs_{order}"), "url": format!("https://pay.test/{order}") });
            ResponseTemplate::new(200).set_body_json(body)
        })
        .mount(&server)
        .await;
    server
}

fn prices(request: &Request) -> ResponseTemplate {
    let key = request.url.query_pairs().find(|(name, _)| name == "lookup_keys[]").map(|(_, key)| key.into_owned());
    let key = key.unwrap_or_default();
    let amount = match key.as_str() {
        "scholar_micro_050_usd" => 50,
        "scholar_starter_900_usd" => 900,
        _ => 1_900,
    };
    let price = json!({ "id": format!("price_{key}"), "unit_amount": amount, "currency": "usd" });
    ResponseTemplate::new(200).set_body_json(json!({ "data": [price] }))
}

pub(crate) fn apps() -> Vec<AppDef> {
    vec![a1_auth::reference::app(), a5_student::reference::app()]
}

/// All that take part in a student's first steps, and the command center.
pub(crate) fn everybody() -> Vec<AppDef> {
    let others = [a3_orchestration::reference::app(), a4_chat::reference::app(), a8_command::reference::app()];
    apps().into_iter().chain(others).collect()
}

/// A1 and A5, with this payment provider.
pub(crate) async fn shop(provider: &MockServer) -> Ecosystem {
    shop_with(provider, |_| {}).await
}

/// The same, wired otherwise.
pub(crate) async fn shop_with(provider: &MockServer, wire: impl Fn(&mut AppConfig)) -> Ecosystem {
    let uri = provider.uri();
    Ecosystem::start_with(apps(), |config| {
        config.options.insert("stripe_base_url".to_owned(), uri.clone());
        config.options.insert("stripe_webhook_secret".to_owned(), SECRET.to_owned());
        wire(config);
    })
    .await
}

/// Chooses a plan on the pricing page; the answer should lead to the payment page.
pub(crate) async fn choose(session: &Session, plan: &str) -> Reply {
    let page = session.get(AppId::A5, "/pricing").send().await.unwrap().text();
    send_choice(session, hidden(&page, "form_nonce"), plan).await
}

pub(crate) async fn send_choice(session: &Session, nonce: &str, plan: &str) -> Reply {
    let form = [("form_nonce", nonce), ("plan", plan)];
    session.post(AppId::A5, "/checkout").form(&form).native_errors().send().await.unwrap()
}

/// The order that a checkout led to pay for.
pub(crate) fn order_of(checkout: &Reply) -> String {
    let location = checkout.header("location").unwrap();
    location.strip_prefix("https://pay.test/").unwrap_or_else(|| panic!("{location}")).to_owned()
}

/// An event about the checkout session of an order of 50 cents.
pub(crate) fn event(id: &str, kind: &str, order: &str, payment_status: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": format!("checkout.session.{kind}"), "livemode": false,
        "data": { "object": {
            "id": format!("cs_{order}"), "object": "checkout.session", "client_reference_id": order,
            "payment_status": payment_status, "amount_total": 50, "currency": "usd",
        } },
    })
}

/// `Stripe-Signature` over a body.
pub(crate) fn signature(body: &str, secret: &str, at_s: i64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at_s}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={hex}")
}

/// Delivers an event as the provider does.
pub(crate) async fn deliver(eco: &Ecosystem, event: &Value) -> Reply {
    let body = event.to_string();
    let header = signature(&body, SECRET, common::clock::unix_ms() / 1_000);
    deliver_signed(eco, &body, &header).await
}

pub(crate) async fn deliver_signed(eco: &Ecosystem, body: &str, header: &str) -> Reply {
    let request = eco.client().post(AppId::A5, "/webhooks/stripe").header("stripe-signature", header);
    request.body(body.to_owned(), "application/json").send().await.unwrap()
}

pub(crate) async fn balance(session: &Session) -> i64 {
    let credits = session.get(AppId::A5, "/api/credits").send().await.unwrap();
    credits.pointer("/balance").and_then(|balance| balance.as_i64()).unwrap()
}
