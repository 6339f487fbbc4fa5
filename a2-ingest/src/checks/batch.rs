//! A batch is never half done in silence.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{event, lineage};

const PATH: &str = "/api/v1/events/batch";

pub(crate) async fn tells_each_item(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    whole(&cx, &mut findings).await?;
    one_bad(&cx, &mut findings).await?;
    one_broken_line(&cx, &mut findings).await?;
    Ok(findings)
}

async fn whole(cx: &CheckContext, findings: &mut Findings) -> Result<(), CheckError> {
    let trace = TraceId::fresh();
    let items: Vec<Value> = (0..3).map(|number| event("scholarship_viewed", &format!("item {number}"))).collect();
    let reply = cx.client.post(AppId::A2, PATH).trace(trace).json(&items).send().await?;
    findings.status("a batch of three good events", 200, &reply);
    findings.equal("its results", &vec![(0, 201), (1, 201), (2, 201)], &results(&reply));
    findings.equal("events stored of it", &3, &lineage(cx, trace).await?.len());
    Ok(())
}

async fn one_bad(cx: &CheckContext, findings: &mut Findings) -> Result<(), CheckError> {
    let trace = TraceId::fresh();
    let mut items: Vec<Value> = (0..4).map(|number| event("scholarship_viewed", &format!("item {number}"))).collect();
    items[2]["event_type"] = json!("");
    let reply = cx.client.post(AppId::A2, PATH).trace(trace).json(&items).send().await?;
    findings.status("a batch of four with a bad third", 207, &reply);
    findings.equal("its results", &vec![(0, 201), (1, 201), (2, 422), (3, 201)], &results(&reply));
    findings.json_at("the field that is bad", &reply, "/results/2/error/pointer", &json!("/event_type"));
    findings.equal("the notes stored of it", &vec!["item 0", "item 1", "item 3"], &notes(cx, trace).await?);
    Ok(())
}

async fn one_broken_line(cx: &CheckContext, findings: &mut Findings) -> Result<(), CheckError> {
    let trace = TraceId::fresh();
    let (first, last) = (event("scholarship_viewed", "line 0"), event("scholarship_viewed", "line 2"));
    let lines = format!("{first}\n{{\"event_type\": \n{last}\n");
    let reply = cx.client.post(AppId::A2, PATH).trace(trace).body(lines, "application/x-ndjson").send().await?;
    findings.status("NDJSON with a broken second line", 207, &reply);
    findings.equal("its results", &vec![(0, 201), (1, 422), (2, 201)], &results(&reply));
    findings.equal("the notes stored of it", &vec!["line 0", "line 2"], &notes(cx, trace).await?);
    Ok(())
}

/// Index and status of each result; -1 where one is missing.
fn results(reply: &Reply) -> Vec<(i64, i64)> {
    let number = |result: &Value, member: &str| result[member].as_i64().unwrap_or(-1);
    let list = reply.pointer("/results").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    list.iter().map(|result| (number(result, "index"), number(result, "status"))).collect()
}

async fn notes(cx: &CheckContext, trace: TraceId) -> Result<Vec<String>, CheckError> {
    let events = lineage(cx, trace).await?;
    Ok(events.iter().map(|event| event["payload"]["note"].as_str().unwrap_or("none").to_owned()).collect())
}
