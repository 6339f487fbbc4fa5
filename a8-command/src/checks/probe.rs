//! Events of the checks' own, and the way to report them.

use common::check::{CheckContext, CheckError};
use common::client::{Reply, Request};
use common::clock::{rfc3339, unix_ms};
use common::contract::header;
use common::ids::{AppId, SYNTHETIC_TENANT, TraceId};
use serde_json::{Value, json};

/// An event that the schema takes, with a key of its own.
pub(super) fn event(trace: TraceId, name: &str) -> Value {
    json!({
        "schema_version": 1,
        "event_id": uuid::Uuid::now_v7().to_string(),
        "timestamp": rfc3339(unix_ms()),
        "app_id": "A7",
        "env": "embedded",
        "namespace": "perf_test",
        "tenant_id": SYNTHETIC_TENANT,
        "release": "v0.1.0",
        "event": name,
        "route": "/api/leads",
        "method": "POST",
        "status": 202,
        "p95_ms": 4.5,
        "trace_id": trace.to_string(),
        "idempotency_key": uuid::Uuid::now_v7().to_string(),
        "test_run": true,
        "source": "qa",
        "sample_rate": 1.0
    })
}

/// A settlement of 1,000.00 USD with AI work that cost 10.00 USD: 30.00 fee, 40.00 AI price.
pub(super) fn settlement(trace: TraceId) -> Value {
    let mut event = event(trace, "revenue_settled");
    event["app_id"] = json!("A6");
    event["route"] = json!("/api/billing/settle");
    event["revenue_event_id"] = json!(format!("rev_{}", uuid::Uuid::now_v7()));
    event["stripe_mode"] = json!("test");
    event["finance_metrics"] = json!({
        "provider_fee_pct": 3.0, "ai_markup_factor": 4.0, "gross_minor": 100_000, "fee_minor": 3_000,
        "ai_cost_minor": 1_000, "ai_price_minor": 4_000, "currency": "USD"
    });
    event
}

/// A request to the sink with the key.
pub(super) fn report(cx: &CheckContext, events: &[Value]) -> Result<Request, CheckError> {
    let key = cx.telemetry_key.as_ref().ok_or_else(|| {
        CheckError::Skip("no telemetry key: name its variable as `telemetry_key_env` in targets.yaml".to_owned())
    })?;
    let request = cx.client.post(AppId::A8, "/api/telemetry").header(header::TELEMETRY_KEY, key.expose());
    Ok(request.json(&json!({ "events": events })))
}

/// The lineage of a trace, whatever A8 says of it.
pub(super) async fn lineage(cx: &CheckContext, trace: TraceId) -> Result<Reply, CheckError> {
    Ok(cx.client.get(AppId::A8, &format!("/api/lineage/{trace}")).send().await?)
}

/// The events of an answer; none if it has none.
pub(super) fn events(reply: &Reply) -> Vec<Value> {
    reply.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default()
}
