//! A run does what it was asked for.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{run_id, start, until_ended};

pub(crate) async fn completes(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let before = completed(&cx).await?;
    let reply = start(&cx, trace, "A run that completes").await?;
    findings.status("asking for a run", 202, &reply);
    let id = run_id(&reply)?;
    findings.json_at("where its status is", &reply, "/status_url", &json!(format!("/orchestration/runs/{id}")));

    let ended = until_ended(&cx, &id).await?;
    findings.holds("the run ends in time", ended.is_some(), "it still goes on");
    let Some(run) = ended else { return Ok(findings) };
    findings.json_at("its state", &run, "/state", &json!("completed"));
    findings.json_at("its trace", &run, "/trace_id", &json!(trace));
    let url = run.pointer("/page_url").and_then(|url| url.as_str().map(str::to_owned)).unwrap_or_default();
    findings.holds("it names its page", url.contains("/p/"), &url);
    let steps = run.pointer("/steps").and_then(|steps| steps.as_array().cloned()).unwrap_or_default();
    let done: Vec<_> = steps.iter().filter(|step| step["state"] == "done").map(|step| step["name"].clone()).collect();
    findings.equal("its steps", &done_in_order(), &done);
    let timed = steps.iter().all(|step| step["started_at"].is_string() && step["finished_at"].is_string());
    findings.holds("each step has its times", timed, run.text());
    let logged = steps.iter().all(is_logged);
    findings.holds("each step has its attempts, the last of them done", logged, run.text());
    let after = completed(&cx).await?;
    findings.holds("the count of completed runs rose", after > before, format!("{before} before, {after} after"));
    Ok(findings)
}

/// A step lists its attempts in the order of time, and the last of them is done.
fn is_logged(step: &Value) -> bool {
    let attempts = step["attempt_log"].as_array().cloned().unwrap_or_default();
    let times: Vec<_> = attempts.iter().flat_map(|one| [one["at_ms"].as_i64(), one["ended_ms"].as_i64()]).collect();
    let counted = step["attempts"] == attempts.len();
    counted && times.is_sorted() && attempts.last().is_some_and(|last| last["outcome"] == "done")
}

fn done_in_order() -> Vec<Value> {
    ["choose_arm", "build_page", "emit_cta", "record_event", "close_cycle"].map(Value::from).into()
}

async fn completed(cx: &CheckContext) -> Result<i64, CheckError> {
    let reply = cx.client.get(AppId::A3, "/orchestration/progress").send().await?;
    let count = reply.pointer("/runs/completed").and_then(|count| count.as_i64());
    count.ok_or_else(|| CheckError::Broken(format!("the progress counts no completed runs: {}", reply.text())))
}
