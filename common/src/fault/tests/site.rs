//! An app with an effect that can be counted, and a proxy before it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Notify;
use url::Url;

use crate::fault::{Action, FaultProxy, Rule, Rules};

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What the app behind the proxy has seen.
#[derive(Clone, Default)]
pub(super) struct Seen {
    /// Bodies and headers of requests that had an effect.
    effects: Arc<Mutex<Vec<(String, axum::http::HeaderMap)>>>,
    /// Lets the second piece of a stream go.
    pub(super) go_on: Arc<Notify>,
    /// How many streams were left before their end.
    left: Arc<Notify>,
}

impl Seen {
    pub(super) fn bodies(&self) -> Vec<String> {
        self.effects.lock().unwrap().iter().map(|(body, _)| body.clone()).collect()
    }

    pub(super) fn header(&self, index: usize, name: &str) -> Option<String> {
        let effects = self.effects.lock().unwrap();
        effects[index].1.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    /// Waits until somebody left a stream that never ends.
    pub(super) async fn was_left(&self) {
        tokio::time::timeout(PATIENCE, self.left.notified()).await.expect("the end is passed on");
    }
}

pub(super) struct Site {
    pub(super) seen: Seen,
    pub(super) proxy: FaultProxy,
    pub(super) client: reqwest::Client,
}

impl Site {
    pub(super) async fn start() -> Self {
        let seen = Seen::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let to: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let router = router(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        crate::service::install_tls();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { seen, proxy: FaultProxy::start(to, Rules::none()).await.unwrap(), client }
    }

    /// With rules, until it stops.
    pub(super) async fn with(rules: Vec<Rule>) -> Self {
        let site = Self::start().await;
        site.proxy.replace(Rules::of(rules).unwrap());
        site
    }

    /// With one rule for everything.
    pub(super) async fn doing(action: Action) -> Self {
        Self::with(vec![Rule::new("it").does(action)]).await
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.proxy.url().join(path).unwrap()
    }

    /// Leaves an effect; gives the status.
    pub(super) async fn effect(&self, body: &str) -> u16 {
        let sent = self.client.post(self.url("/effects")).body(body.to_owned()).send().await.unwrap();
        let status = sent.status().as_u16();
        sent.bytes().await.unwrap();
        status
    }

    pub(super) async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// How often each rule did something.
    pub(super) fn applied(&self) -> u64 {
        self.proxy.counts().values().sum()
    }
}

fn router(seen: Seen) -> Router {
    Router::new()
        .route("/effects", post(effect))
        .route("/bill", get(|| async { axum::Json(bill()) }))
        .route("/page", get(|| async { ([("content-type", "text/html"), ("x-made-by", "app")], PAGE) }))
        .route("/cookie", get(|| async { ([("set-cookie", "sid=1; Path=/; Secure; SameSite=None")], "") }))
        .route("/count", get(count))
        .route("/stream", get(two_pieces))
        .route("/endless", get(endless))
        .route("/echo", any(echo))
        .with_state(seen)
}

pub(super) const PAGE: &str = "<html><link rel=\"canonical\" href=\"/p/a\"><p>text</p></html>";

pub(super) fn bill() -> Value {
    json!({ "fee_minor": 3_000, "rate": 1.5, "items": [{ "kind": "a", "n": 1 }, { "kind": "b", "n": 1 }] })
}

async fn effect(State(seen): State<Seen>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let mut effects = seen.effects.lock().unwrap();
    effects.push((String::from_utf8(body.to_vec()).unwrap(), parts.headers));
    axum::Json(json!({ "nth": effects.len() })).into_response()
}

async fn count(State(seen): State<Seen>) -> String {
    seen.effects.lock().unwrap().push((String::new(), axum::http::HeaderMap::new()));
    seen.bodies().len().to_string()
}

async fn echo(request: Request) -> Response {
    let names = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let told = json!({
        "method": request.method().as_str(), "target": request.uri().to_string(), "host": names("host"),
        "length": names("content-length"), "connection": names("connection"), "custom": names("x-custom"),
    });
    axum::Json(told).into_response()
}

/// One piece at once, the other when the caller has seen the first.
async fn two_pieces(State(seen): State<Seen>) -> Body {
    Body::from_stream(stream::unfold(0, move |at| {
        let seen = seen.clone();
        async move {
            match at {
                0 => Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(b"data: one\n\n")), 1)),
                1 => {
                    seen.go_on.notified().await;
                    Some((Ok(Bytes::from_static(b"data: two\n\n")), 2))
                }
                _ => None,
            }
        }
    }))
}

/// A stream that ends when nobody listens any more.
async fn endless(State(seen): State<Seen>) -> Body {
    struct Leaving(Arc<Notify>);
    impl Drop for Leaving {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let leaving = Leaving(Arc::clone(&seen.left));
    Body::from_stream(stream::unfold(leaving, |leaving| async move {
        tokio::task::yield_now().await;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 1_024])), leaving))
    }))
}
