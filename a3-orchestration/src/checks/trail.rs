//! A run leaves its trail, under one trace, in every app it touches.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::{named_in_a8, run_id, start, until_ended};

/// Makes a run in this trace and follows it to its end.
async fn completed_run(cx: &CheckContext, trace: TraceId, findings: &mut Findings) -> Result<String, CheckError> {
    let reply = start(cx, trace, "A run with a trail").await?;
    findings.status("asking for a run", 202, &reply);
    let id = run_id(&reply)?;
    let ended = until_ended(cx, &id).await?;
    let state = ended.and_then(|run| run.pointer("/state")).unwrap_or_default();
    findings.equal("the state it ends in", &json!("completed"), &state);
    Ok(id)
}

pub(crate) async fn progress_reaches_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    completed_run(&cx, trace, &mut findings).await?;
    // The last report of the run, written in one transaction with its last progress.
    let complete = cx.event_in_a8(trace, EventName::OrchestrationCycleComplete).await?;
    findings.holds("A8 knows that the cycle is complete", complete.is_some(), "not in time");
    let progress = named_in_a8(&cx, trace, "run_progress").await?;
    findings.equal("steps that A8 saw", &5, &progress.len());
    findings.holds("A3 reported them", progress.iter().all(|event| event["app_id"] == "A3"), json!(progress));
    findings.equal("calls to action that A8 saw", &1, &named_in_a8(&cx, trace, "cta_emitted").await?.len());
    Ok(findings)
}

pub(crate) async fn trace_reaches_a2(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A2)?;
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let id = completed_run(&cx, trace, &mut findings).await?;
    let lineage = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await?;
    findings.status("A2's lineage of the run's trace", 200, &lineage);
    let events = lineage.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
    let own: Vec<&Value> = events.iter().filter(|event| event["subject"] == id.as_str()).collect();
    findings.equal("events that tell of the run", &1, &own.len());
    Ok(findings)
}
