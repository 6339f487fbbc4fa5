//! A server that does what the path says and counts what it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse};
use axum::routing::any;
use serde_json::json;

pub(super) struct Server {
    pub(super) port: u16,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    traces: std::sync::Mutex<Vec<String>>,
}

impl Server {
    /// Starts it within the test's runtime; it ends with the runtime.
    pub(super) async fn start() -> Self {
        let counts = Arc::new(Counts::default());
        let app = Router::new()
            .route("/ok", any(ok))
            .route("/echo/{*rest}", any(echo))
            .route("/login", any(|| async { Html("<form>please sign in</form>") }))
            .route("/broken", any(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "boom") }))
            .route("/fails-from/{n}", any(fails_from))
            .route("/slow/{ms}", any(slow))
            .route("/stall/{at}/{ms}", any(stall))
            .route("/close", any(|| async { ([("connection", "close")], "bye") }))
            .with_state(Arc::clone(&counts));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, counts }
    }

    pub(super) fn requests(&self) -> u64 {
        self.counts.requests.load(Ordering::SeqCst)
    }

    pub(super) fn traces(&self) -> Vec<String> {
        self.counts.traces.lock().unwrap().clone()
    }
}

async fn ok(State(counts): State<Arc<Counts>>, headers: HeaderMap) -> impl IntoResponse {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    let trace = headers.get("x-trace-id").and_then(|value| value.to_str().ok()).unwrap_or("none");
    assert!(headers["traceparent"].to_str().unwrap().contains(trace));
    counts.traces.lock().unwrap().push(trace.to_owned());
    ([("server-timing", "app;dur=1.5")], axum::Json(json!({ "fee_minor": 3000 })))
}

async fn echo(State(counts): State<Arc<Counts>>, uri: Uri, headers: HeaderMap, body: String) -> impl IntoResponse {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let answer = json!({
        "path": uri.to_string(), "body": body, "key": header("x-idempotency-key"), "tenant": header("x-tenant-id"),
        "test_run": header("x-test-run"), "type": header("content-type"), "id": "a b/c", "count": 7,
    });
    ([("x-next", "n-1")], axum::Json(answer))
}

/// Answers the first `n` requests well.
async fn fails_from(State(counts): State<Arc<Counts>>, Path(n): Path<u64>) -> StatusCode {
    let before = counts.requests.fetch_add(1, Ordering::SeqCst);
    if before < n { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
}

async fn slow(State(counts): State<Arc<Counts>>, Path(ms): Path<u64>) -> &'static str {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "late"
}

/// Keeps only the request number `at` waiting.
async fn stall(State(counts): State<Arc<Counts>>, Path((at, ms)): Path<(u64, u64)>) -> &'static str {
    if counts.requests.fetch_add(1, Ordering::SeqCst) == at {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    "fine"
}
