//! The parties that a run can do without are asked, and never hold it up.

use std::collections::BTreeSet;

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use serde_json::Value;

use super::{run_id, start, until_ended};

/// Every side job of a run ends as done, or as dropped with a reason.
pub(crate) async fn side_jobs_end(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let id = run_id(&start(&cx, TraceId::fresh(), "A run with side jobs").await?)?;
    let ended = until_ended(&cx, &id).await?;
    findings.holds("the run ends in time", ended.is_some(), "it still goes on");
    let path = format!("/orchestration/runs/{id}");
    let look = || async {
        let run = cx.client.get(AppId::A3, &path).send().await?;
        let jobs = run.pointer("/side_jobs").and_then(|jobs| jobs.as_array().cloned()).unwrap_or_default();
        let pending = jobs.iter().any(|job| job["state"] == "pending");
        Ok((!jobs.is_empty() && !pending).then_some(jobs))
    };
    let Some(jobs) = cx.eventually(look).await? else {
        findings.holds("its side jobs end in time", false, "some are pending, or there are none");
        return Ok(findings);
    };
    let parties: BTreeSet<&str> = jobs.iter().filter_map(|job| job["party"].as_str()).collect();
    findings.equal("who is asked", &BTreeSet::from(["a4", "auto_com_center", "email", "s2s_auth"]), &parties);
    for job in &jobs {
        let party = job["party"].as_str().unwrap_or("nobody");
        let reason = job["detail"].as_str().unwrap_or_default();
        let done = job["state"] == "done" && last_outcome(job) == Some("done");
        let dropped = job["state"] == "dropped" && !reason.is_empty();
        findings.holds(&format!("the job for {party} is done, or dropped with a reason"), done || dropped, job);
    }
    Ok(findings)
}

fn last_outcome(job: &Value) -> Option<&str> {
    job["attempt_log"].as_array()?.last()?["outcome"].as_str()
}
