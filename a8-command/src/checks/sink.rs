//! The sink: who may report, what is stored, what is refused, what is a duplicate.

use common::check::{CheckContext, CheckError, Findings};
use common::contract::header;
use common::ids::{AppId, TraceId};
use serde_json::json;

use super::probe;

/// Without the key, or with a wrong one, 401, and nothing is stored.
pub(crate) async fn wants_key(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let body = json!({ "events": [probe::event(trace, "lead_captured")] });
    let sink = || cx.client.post(AppId::A8, "/api/telemetry").json(&body);
    findings.status("a report without a key", 401, &sink().send().await?);
    let wrong = sink().header(header::TELEMETRY_KEY, "not-the-key").send().await?;
    findings.status("a report with a wrong key", 401, &wrong);
    findings.status("the lineage of what was refused", 404, &probe::lineage(&cx, trace).await?);
    Ok(findings)
}

/// One event in; the same event out of lineage and list.
pub(crate) async fn accepts_and_shows(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let event = probe::event(trace, "lead_captured");
    let receipt = probe::report(&cx, std::slice::from_ref(&event))?.send().await?;
    findings.status("the report", 200, &receipt);
    findings.json_at("accepted", &receipt, "/accepted", &json!(1));
    findings.json_at("duplicates", &receipt, "/duplicates", &json!(0));
    findings.json_at("rejected", &receipt, "/rejected", &json!([]));
    let lineage = probe::lineage(&cx, trace).await?;
    findings.status("the lineage", 200, &lineage);
    findings.json_at("the lineage's trace", &lineage, "/trace_id", &json!(trace.to_string()));
    findings.json_at("the lineage's apps", &lineage, "/apps", &json!(["A7"]));
    findings.json_at("the event in the lineage", &lineage, "/events/0/event", &event);
    let path = format!("/api/events?app_id=A7&event=lead_captured&namespace=perf_test&trace_id={trace}");
    let listed = cx.client.get(AppId::A8, &path).send().await?;
    findings.equal("events listed", &1, &probe::events(&listed).len());
    findings.json_at("the event in the list", &listed, "/events/0/event", &event);
    let elsewhere = cx.client.get(AppId::A8, &format!("/api/events?namespace=live&trace_id={trace}")).send().await?;
    findings.equal("events of it listed as live", &0, &probe::events(&elsewhere).len());
    Ok(findings)
}

/// A hundred and twenty events of one trace, all of them there.
pub(crate) async fn keeps_every_event(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let batch: Vec<_> = (0..120).map(|_| probe::event(trace, "cta_impression")).collect();
    let receipt = probe::report(&cx, &batch)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(120));
    findings.equal("events in the lineage", &120, &probe::events(&probe::lineage(&cx, trace).await?).len());
    let first = cx.client.get(AppId::A8, &format!("/api/events?trace_id={trace}&limit=70")).send().await?;
    findings.equal("events on the first page", &70, &probe::events(&first).len());
    let next = first.pointer("/next").unwrap_or_default();
    let path = format!("/api/events?trace_id={trace}&limit=70&after={next}");
    let second = cx.client.get(AppId::A8, &path).send().await?;
    findings.equal("events on the second page", &50, &probe::events(&second).len());
    findings.json_at("the page after the last", &second, "/next", &json!(null));
    Ok(findings)
}

/// Each bad field is named, the bad event is not stored, the good one beside it is.
pub(crate) async fn refuses_bad_events(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let (bad_trace, good_trace) = (TraceId::fresh(), TraceId::fresh());
    let mut bad = probe::event(bad_trace, "lead_captured");
    bad["status"] = json!(42);
    bad["sample_rate"] = json!(0);
    let good = probe::event(good_trace, "lead_captured");
    let receipt = probe::report(&cx, &[bad, good])?.send().await?;
    findings.status("a batch with a bad event", 422, &receipt);
    findings.json_at("accepted", &receipt, "/accepted", &json!(1));
    findings.json_at("the index of the bad event", &receipt, "/rejected/0/index", &json!(0));
    findings.json_at("its first bad field", &receipt, "/rejected/0/errors/0/pointer", &json!("/status"));
    findings.json_at("its second bad field", &receipt, "/rejected/0/errors/1/pointer", &json!("/sample_rate"));
    findings.status("the lineage of the bad event", 404, &probe::lineage(&cx, bad_trace).await?);
    findings.status("the lineage of the good event", 200, &probe::lineage(&cx, good_trace).await?);
    let mut moneyless = probe::settlement(bad_trace);
    if let Some(fields) = moneyless.as_object_mut() {
        fields.remove("finance_metrics");
    }
    let receipt = probe::report(&cx, &[moneyless])?.send().await?;
    findings.status("a settlement without its money", 422, &receipt);
    findings.json_at("the missing field", &receipt, "/rejected/0/errors/0/pointer", &json!("/finance_metrics"));
    let many: Vec<_> = (0..1_001).map(|_| json!({})).collect();
    findings.status("1,001 events at once", 422, &probe::report(&cx, &many)?.send().await?);
    Ok(findings)
}

/// The same event again, in another batch and within one, is a duplicate.
pub(crate) async fn counts_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let settled = probe::settlement(trace);
    let first = probe::report(&cx, std::slice::from_ref(&settled))?.send().await?;
    findings.json_at("accepted at first", &first, "/accepted", &json!(1));
    let mut again = settled.clone();
    again["event_id"] = json!(uuid::Uuid::now_v7().to_string());
    let twice = probe::report(&cx, &[again.clone(), again])?.send().await?;
    findings.status("the same twice more", 200, &twice);
    findings.json_at("accepted of the repeats", &twice, "/accepted", &json!(0));
    findings.json_at("duplicates", &twice, "/duplicates", &json!(2));
    let mut other = settled;
    other["event"] = json!("checkout_completed");
    let receipt = probe::report(&cx, &[other])?.send().await?;
    findings.json_at("the same key for another event is none", &receipt, "/accepted", &json!(1));
    findings.equal("events in the lineage", &2, &probe::events(&probe::lineage(&cx, trace).await?).len());
    let path = format!("/api/tiles/finance?namespace=perf_test&trace_id={trace}");
    let finance = cx.client.get(AppId::A8, &path).send().await?;
    findings.json_at("settlements in the finance tile", &finance, "/settlements", &json!(1));
    findings.json_at("cents of gross", &finance, "/gross_minor", &json!(100_000));
    Ok(findings)
}
