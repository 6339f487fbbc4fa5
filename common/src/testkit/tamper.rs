//! A small proxy for tests that changes what passes: the way to break an app without its help.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Changes a request's path and body before it is passed on; `None` answers 200 with `{}` and passes nothing on.
pub type Tamper = Arc<dyn Fn(&str, Vec<u8>) -> Option<Vec<u8>> + Send + Sync>;

/// A proxy on a free loopback port.
pub struct TamperProxy {
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

#[derive(Clone)]
struct Way {
    to: Url,
    tamper: Tamper,
    client: reqwest::Client,
}

impl TamperProxy {
    /// Passes requests on to `to`, each body changed by `tamper`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(to: Url, tamper: Tamper) -> Self {
        crate::service::install_tls();
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let client = client.expect("a client without options can be built");
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let router = Router::new().fallback(pass).with_state(Way { to, tamper, client });
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let served = tokio::spawn(async move {
            let serving =
                axum::serve(listener, router).with_graceful_shutdown(async move { stopped.cancelled().await });
            drop(serving.await);
        });
        Self { address, stop, served }
    }

    /// The proxy's base URL.
    ///
    /// # Panics
    /// Never: an address makes a URL.
    #[must_use]
    pub fn url(&self) -> Url {
        format!("http://{}/", self.address).parse().expect("an address makes a URL")
    }

    /// Ends it.
    ///
    /// # Panics
    /// When a task of the proxy panicked.
    pub async fn stop(self) {
        self.stop.cancel();
        self.served.await.expect("the proxy ends without a panic");
    }
}

async fn pass(State(way): State<Way>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, 64 << 20).await else { return StatusCode::BAD_GATEWAY.into_response() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Some(body) = (way.tamper)(path, bytes.to_vec()) else {
        return axum::Json(serde_json::json!({})).into_response();
    };
    let Ok(url) = way.to.join(path) else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut headers = parts.headers;
    drop_hop_headers(&mut headers);
    let sent = way.client.request(parts.method, url).headers(headers).body(body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    drop_hop_headers(&mut headers);
    let Ok(bytes) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    (status, headers, Body::from(bytes)).into_response()
}

fn drop_hop_headers(headers: &mut HeaderMap) {
    for name in ["content-length", "transfer-encoding", "connection", "host"] {
        headers.remove(name);
    }
}
