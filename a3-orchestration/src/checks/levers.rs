//! The levers of a bandit do what they say, and who pulled them is kept.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::experiment::{Experiment, figure, share, told};

/// Teaches that `good` earns and `poor` does not.
async fn taught(experiment: &Experiment<'_>, times: u32) -> Result<(), CheckError> {
    let earns = |arm: &str, _| json!({ "page_view": arm == "good", "lead": arm == "good", "checkout": arm == "good" });
    experiment.play(times, earns).await.map(drop)
}

async fn pulled(
    experiment: &Experiment<'_>,
    findings: &mut Findings,
    what: &str,
    levers: &Value,
) -> Result<(), CheckError> {
    let reply = experiment.pull(TraceId::fresh(), levers).await?;
    findings.status(what, 200, &reply);
    Ok(())
}

/// While a bandit is frozen, rewards move neither its weights nor its choices.
pub(crate) async fn freeze_holds(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["good", "poor"], 201).await?;
    pulled(&experiment, &mut findings, "freezing", &json!({ "freeze": true })).await?;
    taught(&experiment, 40).await?;
    let good = experiment.figure("good", "weight").await?;
    findings.holds("its weight after 40 rewards is what it was", (good - 0.5).abs() < 0.01, good);
    let chosen = experiment.watch(100).await?;
    let good = share(&chosen, "good");
    findings.holds("its share is still a half", good.contains(0.5), told(good, &chosen));
    pulled(&experiment, &mut findings, "thawing", &json!({ "freeze": false })).await?;
    let good = experiment.figure("good", "weight").await?;
    findings.holds("its weight moves again", good > 0.6, good);
    Ok(findings)
}

/// No arm has less than the floor, however little is believed of it.
pub(crate) async fn floor_holds(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["good", "poor"], 202).await?;
    taught(&experiment, 40).await?;
    pulled(&experiment, &mut findings, "setting a floor", &json!({ "floor": 0.3 })).await?;
    let poor = experiment.figure("poor", "weight").await?;
    findings.holds("the weight of the poor arm is at least its floor", poor >= 0.3 - 1e-6, poor);
    let chosen = experiment.watch(120).await?;
    let poor = share(&chosen, "poor");
    findings.holds("its share is not below its floor", poor.upper >= 0.3, told(poor, &chosen));
    let impossible = experiment.pull(TraceId::fresh(), &json!({ "floor": 0.6 })).await?;
    findings.status("a floor that two arms cannot both have", 422, &impossible);
    Ok(findings)
}

/// After a reset nothing is believed any more.
pub(crate) async fn reset_forgets(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["good", "poor"], 203).await?;
    taught(&experiment, 20).await?;
    let before = experiment.figure("good", "weight").await?;
    findings.holds("something was learned before", before > 0.6, before);
    pulled(&experiment, &mut findings, "forgetting", &json!({ "reset": true })).await?;
    let shown = experiment.show().await?;
    findings.about(&shown);
    for arm in ["good", "poor"] {
        let belief = (figure(&shown, arm, "alpha")?, figure(&shown, arm, "beta")?, figure(&shown, arm, "pulls")?);
        findings.equal(&format!("what is believed of {arm}"), &(1.0, 1.0, 0.0), &belief);
    }
    let weight = figure(&shown, "good", "weight")?;
    findings.holds("both have the same weight", (weight - 0.5).abs() < 0.01, weight);
    Ok(findings)
}

/// What A8 is told of a bandit is what A3 shows of it.
pub(crate) async fn config_reaches_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["good", "poor"], 204).await?;
    taught(&experiment, 12).await?;
    let trace = TraceId::fresh();
    let reply = experiment.pull(trace, &json!({ "floor": 0.1 })).await?;
    findings.status("a lever", 200, &reply);
    let Some(event) = cx.event_in_a8(trace, EventName::BanditConfig).await? else {
        findings.holds("A8 is told of it", false, "no bandit_config in the lineage of the trace");
        return Ok(findings);
    };
    let told = &event["bandit_metrics"];
    findings.equal("the experiment that A8 knows of", &json!(experiment.id()), &told["experiment_id"]);
    let shown = experiment.show().await?;
    findings.about(&shown);
    for arm in ["good", "poor"] {
        let weight = figure(&shown, arm, "weight")?;
        let told = told["arm_weights"][arm].as_f64().unwrap_or(f64::NAN);
        findings.holds(
            &format!("both tell one weight of {arm}"),
            (weight - told).abs() < 1e-9,
            format!("{weight}, {told}"),
        );
    }
    let rate = shown.pointer("/exploration_rate").and_then(|rate| rate.as_f64()).unwrap_or(f64::NAN);
    let told = told["exploration_rate"].as_f64().unwrap_or(f64::NAN);
    findings.holds("both tell one exploration rate", (rate - told).abs() < 1e-9, format!("{rate}, {told}"));
    Ok(findings)
}

/// A lever is in the journal with its trace. One that a test pulls is no intervention, and moves no live bandit.
pub(crate) async fn journal_keeps_levers(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let human = |reply: &Reply| reply.pointer("/autonomy/last_human_at");
    let before = cx.client.get(AppId::A3, "/orchestration/progress").send().await?;
    let experiment = Experiment::of(&cx, ["one", "two"], 205).await?;
    let trace = TraceId::fresh();
    let reply = experiment.pull(trace, &json!({ "floor": 0.2 })).await?;
    findings.status("a lever", 200, &reply);
    let journal = cx.client.get(AppId::A3, "/orchestration/journal").send().await?;
    findings.about(&journal);
    let entries = journal.pointer("/entries").and_then(|entries| entries.as_array().cloned()).unwrap_or_default();
    let own: Vec<&Value> = entries.iter().filter(|entry| entry["trace_id"] == trace.to_string().as_str()).collect();
    findings.equal("entries of its trace", &1, &own.len());
    if let Some(entry) = own.first() {
        findings.equal("what was done", &json!("bandit_levers"), &entry["action"]);
        findings.equal("who did it", &json!("test"), &entry["actor"]);
        let detail = entry["detail"].as_str().unwrap_or_default();
        findings.holds("to which bandit", detail.contains(experiment.id()), detail);
    }
    let after = cx.client.get(AppId::A3, "/orchestration/progress").send().await?;
    findings.equal("when a person last intervened", &human(&before), &human(&after));
    Ok(findings)
}

/// The autonomy clock runs by itself.
pub(crate) async fn autonomy_clock_runs(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let minutes = |reply: &Reply| reply.pointer("/autonomy/minutes_since_human").and_then(|minutes| minutes.as_f64());
    let first = cx.client.get(AppId::A3, "/orchestration/progress").send().await?;
    let since = minutes(&first);
    findings.about(&first).holds("it tells minutes, 0 or more", since.is_some_and(|since| since >= 0.0), first.text());
    let look = || async {
        let reply = cx.client.get(AppId::A3, "/orchestration/progress").send().await?;
        Ok((minutes(&reply) > since).then_some(()))
    };
    let moved = since.is_some() && cx.eventually(look).await?.is_some();
    findings.holds("it moves on", moved, "it stands");
    let journal = cx.client.get(AppId::A3, "/orchestration/journal").send().await?;
    findings.status("the journal that it is read from", 200, &journal);
    Ok(findings)
}
