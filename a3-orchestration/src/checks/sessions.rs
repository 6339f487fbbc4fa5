//! A session is one reward; harm comes before reward; and a winner is called by the rule.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::clock;
use common::slo::{ArmSessions, Belief, RewardWeights, WINNER_SESSIONS, p_best, reward_belief, winner};
use serde_json::{Value, json};

use super::experiment::{Experiment, figure};

/// Longer than any session's window.
const TWO_HOURS_MS: i64 = 2 * 60 * 60 * 1_000;
/// The app integrates over a grid of its own.
const GRID: f64 = 0.005;

/// A session that is told in pieces, out of order and again has one reward, and what comes after its window has none.
pub(crate) async fn session_is_one_reward(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["one", "two"], 301).await?;
    let began = clock::unix_ms() - TWO_HOURS_MS;
    let pieces = [json!({ "lead": true }), json!({ "page_view": true }), json!({ "lead": true, "page_view": true })];
    for mut piece in pieces {
        piece["at_ms"] = json!(began);
        let told = experiment.tell("one", "visit", &piece).await?;
        findings.json_at("a piece of a session counts", &told, "/counted", &json!(true));
    }
    let late = experiment.tell("one", "visit", &json!({ "checkout": true })).await?;
    findings.json_at("two hours later it counts no more", &late, "/counted", &json!(false));
    let shown = experiment.show().await?;
    findings.about(&shown);
    findings.equal("sessions of its arm", &1.0, &figure(&shown, "one", "sessions")?);
    findings.equal("checkouts of its arm", &0.0, &figure(&shown, "one", "checkouts")?);
    let belief = (figure(&shown, "one", "alpha")?, figure(&shown, "one", "beta")?);
    let fits = (belief.0 - 1.35).abs() < 1e-9 && (belief.1 - 1.65).abs() < 1e-9;
    findings.holds("a view and a lead move its belief to 1.35 and 1.65", fits, format!("{belief:?}"));
    Ok(findings)
}

/// An arm that earns most and of which every tenth visitor complains is chosen no more, and does not win.
pub(crate) async fn harm_comes_first(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["loud", "quiet"], 302).await?;
    for number in 0..60 {
        let earns = json!({ "page_view": true, "lead": true, "checkout": true, "complaint": number % 10 == 0 });
        experiment.tell("loud", &format!("visit-{number}"), &earns).await?;
        experiment.tell("quiet", &format!("visit-{number}"), &json!({ "page_view": true })).await?;
    }
    let shown = experiment.show().await?;
    findings.about(&shown);
    for (arm, gate) in [("loud", "shut"), ("quiet", "open")] {
        findings.equal(&format!("the gate of the arm {arm}"), &json!(gate), &of(&shown, arm)["gate"]);
    }
    findings.equal("its weight, though it earned most", &0.0, &figure(&shown, "loud", "weight")?);
    let mut chosen = experiment.watch(20).await?;
    chosen.dedup();
    findings.equal("what 20 choices were", &vec!["quiet".to_owned()], &chosen);
    Ok(findings)
}

/// A winner is called at a P(best) of 95 % and 200 sessions of each arm, by the figures that the harness computes itself.
pub(crate) async fn winner_by_the_rule(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let experiment = Experiment::of(&cx, ["good", "poor"], 303).await?;
    let outcome =
        |arm: &str, number: u64| json!({ "page_view": true, "lead": arm == "good" || number.is_multiple_of(2) });
    let tell = async |number: u64| {
        for arm in ["good", "poor"] {
            experiment.tell(arm, &format!("visit-{number}"), &outcome(arm, number)).await?;
        }
        Ok::<_, CheckError>(())
    };
    for number in 1..WINNER_SESSIONS {
        tell(number).await?;
    }
    let before = experiment.show().await?;
    let sure = figure(&before, "good", "p_best")?;
    findings.about(&before).holds("after 199 sessions of each arm one is surely the best", sure >= 0.95, sure);
    findings.json_at("and none is called the winner", &before, "/winner", &Value::Null);
    tell(WINNER_SESSIONS).await?;
    let after = experiment.show().await?;
    findings.json_at("after 200 it is", &after, "/winner", &json!("good"));
    findings.json_at("by this P(best)", &after, "/thresholds/winner_p_best", &json!(0.95));

    let arms = ["good", "poor"];
    let beliefs: Vec<Belief> = arms.iter().map(|arm| belief(&after, arm)).collect::<Result<_, _>>()?;
    let expected = p_best(&beliefs);
    for (arm, expected) in arms.iter().zip(&expected) {
        let told = figure(&after, arm, "p_best")?;
        let fits = (told - expected).abs() < GRID;
        findings.about(&after).holds(&format!("P(best) of {arm}, computed again"), fits, format!("{told}, {expected}"));
    }
    let sessions: Vec<ArmSessions> = arms.iter().map(|arm| sessions(&after, arm)).collect::<Result<_, _>>()?;
    let counts: Vec<u64> = sessions.iter().map(|arm| arm.sessions).collect();
    findings.equal("the winner, computed again", &Some(0), &winner(&expected, &counts));
    let by_event = reward_belief(Belief::UNIFORM, RewardWeights::default(), &sessions);
    let sure = by_event.map_or(0.0, |by_event| by_event.p_best[0]);
    findings.holds("the belief by single events agrees", sure >= 0.95, sure);
    Ok(findings)
}

fn of(shown: &Reply, arm: &str) -> Value {
    let arms = shown.pointer("/arms").and_then(|arms| arms.as_array().cloned()).unwrap_or_default();
    arms.into_iter().find(|own| own["arm"] == arm).unwrap_or_default()
}

fn belief(shown: &Reply, arm: &str) -> Result<Belief, CheckError> {
    let belief = Belief::new(figure(shown, arm, "alpha")?, figure(shown, arm, "beta")?);
    belief.ok_or_else(|| CheckError::Broken(format!("{arm} has no belief: {}", shown.text())))
}

fn sessions(shown: &Reply, arm: &str) -> Result<ArmSessions, CheckError> {
    let own = of(shown, arm);
    let count = |name: &str| {
        own[name]
            .as_u64()
            .ok_or_else(|| CheckError::Broken(format!("{arm} does not tell its {name}: {}", shown.text())))
    };
    Ok(ArmSessions {
        sessions: count("sessions")?,
        page_view: count("page_views")?,
        lead: count("leads")?,
        checkout: count("checkouts")?,
        complaint: count("complaints")?,
    })
}
