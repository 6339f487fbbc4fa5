//! The bandit's arithmetic: beliefs, which arm is best, and what a session is worth.

use serde::Deserialize as _;
use serde_json::Value;

use super::super::{ArmSessions, Belief, RewardWeights, SessionEvents, p_best, reward_belief};
use super::inputs::list;
use super::{Report, Tolerance, Unusable, count, text};

pub(super) fn thompson(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    match text(case, "kind")? {
        "posterior" => posterior(case, report),
        "p_best" => best(case, report),
        "composite" => composite(case, report),
        "reward" => reward(case, report),
        other => Err(Unusable::new(format!("no kind `{other}` of Thompson sampling"))),
    }
}

/// A belief that is written as a pair.
fn belief(pair: &Value) -> Result<Belief, Unusable> {
    let both = pair[0].as_f64().zip(pair[1].as_f64());
    both.and_then(|(alpha, beta)| Belief::new(alpha, beta)).ok_or_else(|| Unusable::new(format!("no belief: {pair}")))
}

fn posterior(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let after = belief(&case["prior"])?.after(count(case, "successes")?, count(case, "trials")?);
    let after = after.ok_or_else(|| Unusable::new("more successes than trials"))?;
    let (expect, tolerance) = (&case["expect"], Tolerance::of(&report.tolerance["posterior"])?);
    report.near("alpha", Some(after.alpha()), &expect["alpha"], tolerance);
    report.near("beta", Some(after.beta()), &expect["beta"], tolerance);
    report.near("mean", Some(after.mean()), &expect["mean"], tolerance);
    report.near("variance", Some(after.variance()), &expect["variance"], tolerance);
    report.bounds("ci95", after.credible(0.95), &expect["ci95"], tolerance);
    Ok(())
}

fn best(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let arms: Vec<Belief> = list(case, "arms")?.iter().map(belief).collect::<Result<_, _>>()?;
    let tolerance = Tolerance::of(&report.tolerance["p_best"])?;
    report.near_all("p_best", &p_best(&arms), &case["expect"]["p_best"], tolerance);
    Ok(())
}

fn composite(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let unusable = |error: serde_json::Error| Unusable::new(error.to_string());
    let weights = RewardWeights::deserialize(&case["weights"]).map_err(unusable)?;
    let arms = Vec::<ArmSessions>::deserialize(&case["arms"]).map_err(unusable)?;
    let believed = reward_belief(belief(&case["prior"])?, weights, &arms)
        .ok_or_else(|| Unusable::new("arms of which nothing can be believed"))?;
    let (expect, moments) = (&case["expect"], Tolerance::of(&report.tolerance["reward"])?);
    report.near_all("mean_reward", &believed.mean, &expect["mean_reward"], moments);
    report.near_all("variance_reward", &believed.variance, &expect["variance_reward"], moments);
    let tolerance = Tolerance::of(&report.tolerance["composite_p_best"])?;
    report.near_all("p_best", &believed.p_best, &expect["p_best"], tolerance);
    Ok(())
}

fn reward(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    // An event that happened twice in a session counts once.
    let happened = |event: &str| count(&case["events"], event).map(|times| times > 0);
    let session = SessionEvents {
        page_view: happened("page_view")?,
        lead: happened("lead")?,
        checkout: happened("checkout")?,
        complaint: happened("complaint")?,
    };
    let (weights, tolerance) = (RewardWeights::default(), Tolerance::of(&report.tolerance["reward"])?);
    let (normalised, expect) = (weights.normalised(session), &case["expect"]);
    let after = normalised.and_then(|reward| belief(&case["prior"]).ok()?.rewarded(reward));
    report.near("reward", Some(weights.reward(session)), &expect["reward"], tolerance);
    report.near("normalised", normalised, &expect["normalised"], tolerance);
    report.near("alpha", after.map(Belief::alpha), &expect["alpha"], tolerance);
    report.near("beta", after.map(Belief::beta), &expect["beta"], tolerance);
    Ok(())
}
