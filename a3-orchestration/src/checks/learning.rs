//! The bandit learns: what pays is chosen more, what fails less, and what is alike alike.

use common::check::{CheckContext, CheckError, Findings};
use serde_json::{Value, json};

use super::experiment::{Experiment, figure, share, told};

/// A session that earns everything.
fn earns() -> Value {
    json!({ "page_view": true, "lead": true, "checkout": true })
}

/// Of 200 choices between an arm that earns in 70 % of sessions and one that does in 20 %, the better one has clearly
/// more than half of the later hundred.
pub(crate) async fn better_arm_grows(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["plain", "better"], 101).await?;
    let outcome = |arm: &str, number: u32| {
        let share = if arm == "better" { 7 } else { 2 };
        if number.wrapping_mul(7) % 10 < share { earns() } else { json!({ "page_view": false }) }
    };
    let chosen = experiment.play(200, outcome).await?;
    let late = &chosen[100..];
    let better = share(late, "better");
    findings.holds("the better arm has over half of the later choices", better.lower > 0.5, told(better, late));
    let shown = experiment.show().await?;
    findings.about(&shown);
    let (plain, better) = (figure(&shown, "plain", "weight")?, figure(&shown, "better", "weight")?);
    findings.holds("its weight is the greater", better > plain, format!("{better} and {plain}"));
    Ok(findings)
}

/// Two arms that earned the same share 200 choices evenly. They are made without rewards, as choices between beliefs that
/// move are no independent draws.
pub(crate) async fn equal_arms_stay_even(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["left", "right"], 102).await?;
    experiment.teach_evenly(5, |_| json!({ "page_view": true, "lead": true })).await?;
    let chosen = experiment.watch(200).await?;
    let left = share(&chosen, "left");
    findings.holds("equal arms share evenly", left.contains(0.5), told(left, &chosen));
    let shown = experiment.show().await?;
    findings.about(&shown);
    let (left, right) = (figure(&shown, "left", "weight")?, figure(&shown, "right", "weight")?);
    findings.holds("their weights are equal", (left - right).abs() < 0.05, format!("{left} and {right}"));
    Ok(findings)
}

/// An arm whose pages answer 503 is left.
pub(crate) async fn failing_arm_is_left(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["broken", "works"], 103).await?;
    let outcome = |arm: &str, _| match arm {
        "broken" => json!({ "status": 503 }),
        _ => json!({ "page_view": true, "lead": true }),
    };
    let chosen = experiment.play(100, outcome).await?;
    let late = &chosen[50..];
    let broken = share(late, "broken");
    findings.holds("the arm that fails has under half of the later choices", broken.upper < 0.5, told(broken, late));
    let failures = experiment.figure("broken", "failures").await?;
    let times = chosen.iter().filter(|arm| *arm == "broken").count() as f64;
    findings.equal("failures that A3 counted", &times, &failures);
    Ok(findings)
}

/// A complaint costs 0.4, and leaves an arm worse off than a session without anything.
pub(crate) async fn complaint_costs(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["quiet", "loud"], 104).await?;
    let (_, choice) = experiment.choose().await?;
    let reply = experiment.reward(&choice, &json!({ "page_view": true, "complaint": true })).await?;
    let value = reply.pointer("/value").and_then(|value| value.as_f64()).unwrap_or(f64::NAN);
    let fits = (value + 0.35).abs() < 1e-9;
    findings.about(&reply).holds("a view with a complaint is worth -0.35", fits, value);

    let experiment = Experiment::of(&cx, ["quiet", "loud"], 105).await?;
    experiment.teach_evenly(6, |arm| json!({ "complaint": arm == "loud" })).await?;
    let shown = experiment.show().await?;
    findings.about(&shown);
    let (quiet, loud) = (figure(&shown, "quiet", "mean")?, figure(&shown, "loud", "mean")?);
    findings.holds("six complaints leave less belief than six times nothing", loud < quiet, format!("{loud}, {quiet}"));
    let (quiet, loud) = (figure(&shown, "quiet", "weight")?, figure(&shown, "loud", "weight")?);
    findings.holds("and less weight", loud < quiet, format!("{loud} and {quiet}"));
    Ok(findings)
}

/// A choice is one session: its second reward is refused, and so is an experiment for live traffic's arms.
pub(crate) async fn choice_is_rewarded_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["one", "two"], 106).await?;
    let (arm, choice) = experiment.choose().await?;
    experiment.reward(&choice, &earns()).await?;
    let mut again = earns();
    again["choice_id"] = json!(choice);
    let request = cx.client.post(common::ids::AppId::A3, "/bandit/reward").json(&again);
    findings.status("a second reward of one choice", 409, &request.send().await?);
    let rewards = experiment.figure(&arm, "rewards").await?;
    findings.equal("rewards that the arm has", &1.0, &rewards);
    Ok(findings)
}
