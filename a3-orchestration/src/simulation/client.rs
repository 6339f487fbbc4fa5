//! Whoever asks A3 for runs and rewards it, through A3's own routes and without a port.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use common::contract::header;
use common::ids::TraceId;
use serde_json::Value;
use tower::ServiceExt as _;

use super::SimulationError;

/// An answer larger than this is none of A3's.
const MOST_BYTES: usize = 16 << 20;

/// Sends a request and takes its JSON answer; a refusal is an error of the simulation.
pub(super) async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Result<Value, SimulationError> {
    let failed = |what: String| SimulationError::Answer(format!("{method} {path} with {what}"));
    let request = Request::builder()
        .method(&method)
        .uri(path)
        .header("content-type", "application/json")
        .header(header::IDEMPOTENCY_KEY, key)
        .header(header::TRACE_ID, TraceId::fresh().to_string())
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .map_err(|error| failed(error.to_string()))?;
    let Ok(response) = router.clone().oneshot(request).await;
    let status = response.status();
    let bytes = to_bytes(response.into_body(), MOST_BYTES).await.map_err(|error| failed(error.to_string()))?;
    if !status.is_success() {
        return Err(failed(format!("{status}: {}", String::from_utf8_lossy(&bytes))));
    }
    serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
}
