//! What A2 stores, A8 hears of.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::json;

use super::event;

pub(crate) async fn forwarded_to_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let key = format!("forwarded-{trace}");
    let post = cx.client.post(AppId::A2, "/api/v1/events").trace(trace).idempotency_key(&key);
    let posted = post.json(&event("lead", "forwarded")).send().await?;
    findings.status("a lead", 201, &posted);

    let seen = cx.event_in_a8(trace, EventName::LeadCaptured).await?;
    let arrived = findings.holds("A8's lineage of the trace holds `lead_captured`", seen.is_some(), "none in time");
    if let (true, Some(seen)) = (arrived, seen) {
        findings.equal("the app that reported it", &json!("A2"), &seen["app_id"]);
        findings.equal("the key that makes a repeat a duplicate", &json!(key), &seen["idempotency_key"]);
        findings.equal("its mark as synthetic", &json!(true), &seen["test_run"]);
    }
    Ok(findings)
}
