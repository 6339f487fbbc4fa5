//! One key, one effect, however many ask at once.

use std::collections::BTreeSet;

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use tokio::task::JoinSet;

use super::{asked, named_in_a8, run_id, until_ended};

/// How many ask at once.
const AT_ONCE: usize = 20;

pub(crate) async fn one_key_one_run(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let runs = ask_at_once(&cx, trace, &mut findings).await?;
    findings.equal("runs started", &1, &runs.len());
    let other = cx.client.post(AppId::A3, "/orchestration/run").trace(trace).idempotency_key(&key(trace));
    let other = other.json(&asked("Another page")).send().await?;
    findings.status("the same key with another body", 422, &other);
    Ok(findings)
}

/// A8 counts the pages: what A7 published is seen there, whoever asked for it.
pub(crate) async fn one_key_one_page(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A7)?;
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    for run in ask_at_once(&cx, trace, &mut findings).await? {
        let ended = until_ended(&cx, &run).await?;
        findings.holds("the run ends in time", ended.is_some(), "it still goes on");
    }
    // A7 reports in order, and reports every error: once A8 knows of this one, it knows of every page before it.
    let marker = cx.client.get(AppId::A7, "/no/such/page/for/a3").send().await?;
    findings.status("a page that is not there", 404, &marker);
    let seen = cx.event_in_a8(marker.trace, EventName::RequestCompleted).await?;
    findings.holds("A8 is up to date with A7", seen.is_some(), "A7's report of the 404 is missing");
    let pages = named_in_a8(&cx, trace, "page_published").await?;
    findings.equal("pages published", &1, &pages.len());
    Ok(findings)
}

/// Asks for a run with one key, all at once, and gives the runs that the answers name. Whoever hears that the key is in
/// flight asks again, as a client should.
async fn ask_at_once(
    cx: &CheckContext,
    trace: TraceId,
    findings: &mut Findings,
) -> Result<BTreeSet<String>, CheckError> {
    let mut asking = JoinSet::new();
    for _ in 0..AT_ONCE {
        let cx = cx.clone();
        asking.spawn(async move { ask(&cx, trace).await });
    }
    let mut runs = BTreeSet::new();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.map_err(|error| CheckError::Broken(format!("a request broke off: {error}")))?;
        let Some(reply) = answer? else {
            findings.holds("the key is free in time", false, "it is still in flight");
            continue;
        };
        findings.status("one of 20 requests at once", 202, &reply);
        runs.insert(run_id(&reply)?);
    }
    Ok(runs)
}

async fn ask(cx: &CheckContext, trace: TraceId) -> Result<Option<Reply>, CheckError> {
    let body = asked("One page of twenty requests");
    let look = || async {
        let request = cx.client.post(AppId::A3, "/orchestration/run").trace(trace).idempotency_key(&key(trace));
        let reply = request.json(&body).send().await?;
        Ok((reply.status != 409).then_some(reply))
    };
    Ok(cx.eventually(look).await?)
}

fn key(trace: TraceId) -> String {
    format!("at-once-{trace}")
}
