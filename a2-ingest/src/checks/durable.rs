//! What is acknowledged is there.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{event, event_id, lineage};

pub(crate) async fn event_found_again(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let body = event("scholarship_viewed", "found again");
    let posted = cx.client.post(AppId::A2, "/api/v1/events").trace(trace).json(&body).send().await?;
    findings.status("an event", 201, &posted);
    findings.json_at("the trace it is stored under", &posted, "/trace_id", &json!(trace));
    let id = event_id(&posted)?;

    let found = cx.client.get(AppId::A2, &format!("/api/v1/events/{id}")).send().await?;
    findings.status("the event by its id", 200, &found);
    for member in ["event_type", "subject", "payload", "occurred_at"] {
        let pointer = format!("/{member}");
        findings.json_at(&format!("`{member}` as it was sent"), &found, &pointer, &body[member]);
    }
    let stored_at = posted.pointer("/stored_at").unwrap_or_default();
    findings.json_at("the time it was stored", &found, "/stored_at", &stored_at);

    let events = lineage(&cx, trace).await?;
    findings.equal("events in the lineage", &1, &events.len());
    let same = events.first().map(|event| (event["event_id"].clone(), event["payload"].clone()));
    findings.equal("the event in the lineage", &Some((json!(id), body["payload"].clone())), &same);

    let unknown = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{}", TraceId::fresh())).send().await?;
    findings.status("the lineage of a trace that nobody used", 404, &unknown);
    Ok(findings)
}

/// Reads at once and does not wait: an acknowledgement says that the event is stored, not that it will be.
pub(crate) async fn acknowledged_is_kept(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let mut acknowledged = Vec::with_capacity(100);
    let mut lost = Vec::new();
    for number in 0..100 {
        let body = event("scholarship_viewed", &format!("kept {number}"));
        let posted = cx.client.post(AppId::A2, "/api/v1/events").trace(trace).json(&body).send().await?;
        if !findings.status("an event", 201, &posted) {
            return Ok(findings);
        }
        let id = event_id(&posted)?;
        let found = cx.client.get(AppId::A2, &format!("/api/v1/events/{id}")).send().await?;
        if found.pointer("/payload") != Some(body["payload"].clone()) {
            findings.about(&posted);
            lost.push(id.clone());
        }
        acknowledged.push(json!(id));
    }
    let summary = format!("{} lost: {}", lost.len(), lost.join(", "));
    findings.holds("every acknowledged event is found by its id", lost.is_empty(), summary);
    let events = lineage(&cx, trace).await?;
    let in_order: Vec<Value> = events.iter().map(|event| event["event_id"].clone()).collect();
    findings.equal("acknowledged events in the lineage", &100, &in_order.len());
    findings.holds("the lineage is in the order of storing", in_order == acknowledged, "another order");
    Ok(findings)
}
