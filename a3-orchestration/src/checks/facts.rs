//! What A3 tells about itself.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

fn list(reply: &Reply, pointer: &str) -> Vec<Value> {
    reply.pointer(pointer).and_then(|list| list.as_array().cloned()).unwrap_or_default()
}

pub(crate) async fn preflight_tells(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let reply = cx.client.get(AppId::A3, "/preflight").send().await?;
    findings.status("the preflight", 200, &reply);
    let upstreams = list(&reply, "/upstreams");
    let names: Vec<_> = upstreams.iter().map(|upstream| upstream["app"].as_str().unwrap_or("none")).collect();
    for needed in ["A2", "A7"] {
        findings.holds(&format!("the preflight tells of {needed}"), names.contains(&needed), format!("{names:?}"));
    }
    let known = ["answers", "silent", "not_configured"];
    let sensible = upstreams.iter().all(|one| known.iter().any(|status| one["status"] == *status));
    findings.holds("each has a known status", sensible && !upstreams.is_empty(), reply.text());
    let needed_answer = upstreams.iter().filter(|one| one["needed"] == true).all(|one| one["status"] == "answers");
    findings.json_at("`ready`, by those that are needed", &reply, "/ready", &json!(needed_answer));
    Ok(findings)
}

pub(crate) async fn breakers_listed(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let reply = cx.client.get(AppId::A3, "/breakers").send().await?;
    findings.status("the breakers", 200, &reply);
    let breakers = list(&reply, "/breakers");
    for party in ["email", "s2s_auth", "auto_com_center", "scholarship_api", "a7", "a4"] {
        let own = breakers.iter().find(|breaker| breaker["name"] == party);
        let state = own.map(|breaker| breaker["state"].clone());
        let moves = own.and_then(|breaker| breaker["transitions"].as_array());
        let told = moves.is_some_and(|moves| moves.iter().all(|one| one["at_ms"].is_i64() && one["to"].is_string()));
        findings.holds(&format!("and lists the last changes of that before {party}"), told, format!("{own:?}"));
        let budget = own.is_some_and(|breaker| breaker["retry_budget"]["share"].is_number());
        findings.holds(&format!("and the retry budget of {party}"), budget, format!("{own:?}"));
        let known = ["closed", "open", "half_open"];
        let sensible = state.as_ref().is_some_and(|state| known.iter().any(|one| state == one));
        findings.holds(&format!("the breaker before {party} has a state"), sensible, format!("{state:?}"));
    }
    Ok(findings)
}

/// All requests of a check are marked as test traffic, so its reward must be taken and must not count.
pub(crate) async fn test_rewards_teach_nothing(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let beliefs = |reply: &Reply| -> Vec<Value> {
        list(reply, "/arms").iter().map(|arm| json!([arm["arm"], arm["alpha"], arm["beta"]])).collect()
    };
    let before = cx.client.get(AppId::A3, "/bandit").send().await?;
    findings.status("the bandit", 200, &before);
    let arm = before.pointer("/arms/0/arm").unwrap_or_default();
    findings.holds("it has an arm", arm.is_string(), before.text());

    let session = TraceId::fresh().to_string();
    let reward = json!({ "arm": arm, "session_id": session, "checkout": true });
    let rewarded = cx.client.post(AppId::A3, "/bandit/reward").json(&reward).send().await?;
    findings.status("a reward", 200, &rewarded);
    findings.json_at("its value", &rewarded, "/value", &json!(0.65));
    findings.json_at("whether it counts", &rewarded, "/counted", &json!(false));
    let after = cx.client.get(AppId::A3, "/bandit").send().await?;
    findings.equal("what is believed after it", &beliefs(&before), &beliefs(&after));

    let unknown = json!({ "arm": "no_such_arm", "session_id": session, "lead": true });
    let refused = cx.client.post(AppId::A3, "/bandit/reward").json(&unknown).send().await?;
    findings.status("a reward of an arm that is none", 422, &refused);
    Ok(findings)
}
