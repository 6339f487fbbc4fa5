//! A shop that talks to the stand-in, a customer's browser, and an endpoint that takes webhooks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use common::clock::Clock;
use common::ids::AppId;
use common::service::{AppConfig, Bound, Running};
use reqwest::{RequestBuilder, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// The key of the embedded ecosystem.
pub(super) const KEY: &str = "sk_test_embedded";
/// Where the shop has its customers back.
const SUCCESS: &str = "http://shop.test/back?session={CHECKOUT_SESSION_ID}";

/// An answer of the stand-in.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The id of an object that was answered.
    pub(super) fn id(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// Status, type, code and parameter of an error.
    pub(super) fn error(&self) -> (u16, String, String, String) {
        let error = self.json()["error"].clone();
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        let text = |field: &str| error[field].as_str().unwrap_or("").to_owned();
        (self.status, text("type"), text("code"), text("param"))
    }
}

/// An error as [`Answer::error`] tells it.
pub(super) fn error(status: u16, kind: &str, code: &str, param: &str) -> (u16, String, String, String) {
    (status, kind.to_owned(), code.to_owned(), param.to_owned())
}

/// Sends a request to its end.
pub(super) async fn sent(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

/// A5 with its stand-ins, and a client of them.
pub(super) struct Shop {
    pub(super) running: Running,
    pub(super) http: reqwest::Client,
    pub(super) clock: Clock,
    data: TempDir,
}

impl Shop {
    pub(super) async fn open() -> Self {
        Self::open_with(tempfile::tempdir().unwrap(), Clock::system(), |_| {}).await
    }

    pub(super) async fn open_with(data: TempDir, clock: Clock, tweak: impl FnOnce(&mut AppConfig)) -> Self {
        let mut config = AppConfig::embedded(AppId::A5, data.path().join("a5"));
        config.clock = clock.clone();
        tweak(&mut config);
        let bound = Bound::new(AppId::A5, config.bind).await.unwrap();
        let running = bound.serve(a5_student::reference::app(), config).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { running, http, clock, data }
    }

    /// Ends the app and starts it again with its data, on another port.
    pub(super) async fn reopen(self) -> Self {
        self.running.stop().await;
        Self::open_with(self.data, self.clock, |_| {}).await
    }

    pub(super) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        sent(self.http.get(self.at(path)).bearer_auth(KEY)).await
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        sent(self.http.post(self.at(path)).bearer_auth(KEY).form(form)).await
    }

    pub(super) async fn post_with_key(&self, key: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(self.at(path)).bearer_auth(KEY).header("idempotency-key", key);
        sent(request.form(form)).await
    }

    /// Begins a checkout of 50 cents and gives the session's id.
    pub(super) async fn begin(&self) -> String {
        let line = "line_items[0][price_data]";
        let form = [
            ("mode", "payment"),
            ("success_url", SUCCESS),
            ("cancel_url", "http://shop.test/cancelled"),
            (&format!("{line}[currency]"), "usd"),
            (&format!("{line}[unit_amount]"), "50"),
            (&format!("{line}[product_data][name]"), "10 credits"),
            ("line_items[0][quantity]", "1"),
            ("client_reference_id", "order-1"),
        ];
        self.post("/v1/checkout/sessions", &form).await.id()
    }

    /// The payment page as a browser gets it.
    pub(super) async fn page(&self, session: &str) -> Answer {
        sent(self.http.get(self.at(&format!("/pay/{session}")))).await
    }

    /// Loads the payment page and sends its form with this card.
    pub(super) async fn pay(&self, session: &str, card: &str) -> Answer {
        let nonce = nonce_of(&self.page(session).await.text);
        self.send_form(session, card, &nonce).await
    }

    pub(super) async fn send_form(&self, session: &str, card: &str, nonce: &str) -> Answer {
        let form = [("card", card), ("form_nonce", nonce)];
        sent(self.http.post(self.at(&format!("/pay/{session}"))).form(&form)).await
    }

    /// Events of a type, newest first.
    pub(super) async fn events(&self, kind: &str) -> Vec<Value> {
        self.get(&format!("/v1/events?limit=100&type={kind}")).await.json()["data"].as_array().unwrap().clone()
    }
}

/// The nonce in a page's form.
pub(super) fn nonce_of(page: &str) -> String {
    let after = page.split("name=\"form_nonce\" value=\"").nth(1).unwrap_or_else(|| panic!("no form in {page}"));
    after.split('"').next().unwrap().to_owned()
}

/// A webhook that arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Arrived {
    pub(super) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// An endpoint on a free port that answers as told, and 200 when it was told nothing.
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) secret: String,
    answers: Arc<Mutex<VecDeque<u16>>>,
    arrivals: mpsc::UnboundedReceiver<Arrived>,
    served: tokio::task::JoinHandle<()>,
}

type Told = (Arc<Mutex<VecDeque<u16>>>, mpsc::UnboundedSender<Arrived>);

impl Endpoint {
    /// An endpoint that nobody knows yet.
    pub(super) async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (answers, (sender, arrivals)) = (Arc::default(), mpsc::unbounded_channel());
        let router = Router::new().fallback(take).with_state((Arc::clone(&answers), sender));
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, secret: String::new(), answers, arrivals, served }
    }

    /// An endpoint that is registered for events of this type.
    pub(super) async fn listening(shop: &Shop, kind: &str) -> Self {
        let mut endpoint = Self::open().await;
        let form = [("url", endpoint.url.as_str()), ("enabled_events[]", kind)];
        let made = shop.post("/v1/webhook_endpoints", &form).await;
        assert_eq!(made.status, 200, "{}", made.text);
        endpoint.secret = made.json()["secret"].as_str().unwrap().to_owned();
        endpoint
    }

    /// The answers to the next deliveries.
    pub(super) fn answer_next(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// The next webhook, which may take as long as the test may.
    pub(super) async fn next(&mut self) -> Arrived {
        self.arrivals.recv().await.expect("the endpoint is open")
    }

    /// A webhook that has arrived already.
    pub(super) fn arrived(&mut self) -> Option<Arrived> {
        self.arrivals.try_recv().ok()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn take(State((answers, sender)): State<Told>, headers: HeaderMap, body: Bytes) -> Response {
    let status = answers.lock().unwrap().pop_front().unwrap_or(200);
    drop(sender.send(Arrived { headers, body: String::from_utf8(body.to_vec()).unwrap() }));
    (StatusCode::from_u16(status).unwrap(), axum::Json(json!({ "rejected": [] }))).into_response()
}
