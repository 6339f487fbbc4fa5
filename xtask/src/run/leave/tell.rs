//! Tells the command center what a person decided, so that its tile `approvals` shows it.

use common::approval::{Entry, Noted};
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::target::Policy;
use serde_json::{Value, json};

use super::super::Run;

/// Sends an event for each decision that the run met. Whether A8 takes it decides nothing: the record has it.
pub(super) async fn tell(run: &Run, lines: &[Noted]) {
    let writable = run.guard.environment().policy() == Policy::ReadWrite && run.context.has(AppId::A8);
    let (Some(key), Some(started), true) = (&run.context.telemetry_key, &run.view.started, writable) else { return };
    let labels = run.guard.environment().labels();
    let own = lines.iter().filter(|noted| noted.entry.is_about(&started.run_id));
    let events: Vec<Value> = own
        .filter_map(|noted| {
            let (action, status) = match &noted.entry {
                Entry::Used { request, .. } => (request.action.as_str(), 200),
                Entry::Declined { .. } => ("refused", 403),
                _ => return None,
            };
            let mut event = json!({
                "schema_version": 1, "event_id": format!("approval-{}", noted.hash), "timestamp": noted.at,
                "app_id": AppId::A8, "env": started.target, "event": "hitl_approval",
                "route": format!("/approvals/{action}"), "method": "POST", "status": status, "p95_ms": 0.0,
                "trace_id": TraceId::fresh(), "idempotency_key": noted.hash, "release": started.version,
                "test_run": true, "sample_rate": 1.0
            });
            event["namespace"] = json!(labels.namespace);
            event["tenant_id"] = json!(labels.tenant);
            event["source"] = json!(labels.source);
            Some(event)
        })
        .collect();
    if events.is_empty() {
        return;
    }
    let request = run.context.client.post(AppId::A8, "/api/telemetry").header(header::TELEMETRY_KEY, key.expose());
    let sent = request.json(&json!({ "events": events })).send().await;
    match sent {
        Ok(reply) if reply.is_success() => {}
        Ok(reply) => run.ui.note(&format!("A8 did not take the approval: status {}", reply.status)),
        Err(error) => run.ui.note(&format!("A8 was not told of the approval: {error}")),
    }
}
