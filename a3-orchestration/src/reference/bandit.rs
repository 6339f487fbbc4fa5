//! The bandit: which call to action a page gets, learned by Thompson sampling over Beta beliefs.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, Db, DbError, Emit, Json, Problem, RequestContext, Row, Unit};
use common::telemetry::EventName;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use serde_json::json;

use super::beta;

/// Draws from which the weights are estimated; the same seed gives the same weights for the same beliefs.
const WEIGHT_DRAWS: u32 = 1_000;
const WEIGHT_SEED: u64 = 0x5eed;

/// What is believed of one arm: its rate of reward is Beta(alpha, beta).
#[derive(Debug, Clone)]
struct Arm {
    arm: String,
    alpha: f64,
    beta: f64,
    pulls: i64,
    rewards: i64,
}

async fn arms(db: &Db) -> Result<Vec<Arm>, DbError> {
    let read = |row: &Row| {
        Ok(Arm {
            arm: row.text("arm")?,
            alpha: row.real("alpha")?,
            beta: row.real("beta")?,
            pulls: row.int("pulls")?,
            rewards: row.int("rewards")?,
        })
    };
    db.query("SELECT * FROM arms ORDER BY arm", vec![]).await?.iter().map(read).collect()
}

/// Draws once from each arm's belief and takes the best.
pub(crate) async fn choose(db: &Db) -> Result<String, DbError> {
    let arms = arms(db).await?;
    let best = best(&mut rand::rng(), &arms);
    Ok(arms.get(best).map_or_else(|| "apply_now".to_owned(), |arm| arm.arm.clone()))
}

fn best(rng: &mut impl Rng, arms: &[Arm]) -> usize {
    let draws = arms.iter().map(|arm| beta::draw(rng, arm.alpha, arm.beta)).enumerate();
    draws.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(index, _)| index)
}

/// The share of draws that each arm wins: how often it would be chosen now.
fn weights(arms: &[Arm]) -> Vec<f64> {
    let mut rng = StdRng::seed_from_u64(WEIGHT_SEED);
    let mut wins = vec![0_u32; arms.len()];
    for _ in 0..WEIGHT_DRAWS {
        wins[best(&mut rng, arms)] += 1;
    }
    wins.into_iter().map(|wins| f64::from(wins) / f64::from(WEIGHT_DRAWS)).collect()
}

pub(crate) async fn show(State(ctx): State<Ctx>) -> Result<Response, Problem> {
    let arms = arms(&ctx.db).await?;
    let weights = weights(&arms);
    let leading = weights.iter().copied().fold(0.0, f64::max);
    let shown: Vec<_> = arms
        .iter()
        .zip(&weights)
        .map(|(arm, weight)| {
            json!({
                "arm": arm.arm, "alpha": arm.alpha, "beta": arm.beta, "mean": arm.alpha / (arm.alpha + arm.beta),
                "pulls": arm.pulls, "rewards": arm.rewards, "weight": weight,
            })
        })
        .collect();
    Ok(Json(json!({ "arms": shown, "exploration_rate": 1.0 - leading })).into_response())
}

/// What came of an arm.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reward {
    arm: String,
    #[serde(default)]
    page_view: bool,
    #[serde(default)]
    lead: bool,
    #[serde(default)]
    checkout: bool,
    #[serde(default)]
    complaint: bool,
}

impl Reward {
    /// `0.05·page_view + 0.3·lead + 0.65·checkout − 0.4·complaint`, held within 0 and 1.
    fn value(&self) -> f64 {
        let share = |happened, weight: f64| if happened { weight } else { 0.0 };
        let sum = share(self.page_view, 0.05) + share(self.lead, 0.3) + share(self.checkout, 0.65)
            - share(self.complaint, 0.4);
        sum.clamp(0.0, 1.0)
    }
}

pub(crate) async fn reward(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(reward): Json<Reward>,
) -> Result<Response, Problem> {
    let value = reward.value();
    let counted = !context.test_run;
    let mut tx = unit.tx().await?;
    if tx.query("SELECT arm FROM arms WHERE arm = $1", args![&reward.arm]).await?.is_empty() {
        return Err(Problem::invalid("/arm", "there is no such arm: `GET /bandit` lists those there are"));
    }
    let id = uuid::Uuid::now_v7().to_string();
    let trace = context.trace.trace.to_string();
    let sql = "INSERT INTO rewards (reward_id, arm, trace_id, value, counted, at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, args![&id, &reward.arm, trace, value, counted, ctx.clock.unix_ms()]).await?;
    if counted {
        let sql = "UPDATE arms SET alpha = alpha + $2, beta = beta + $3, rewards = rewards + 1 WHERE arm = $1";
        tx.execute(sql, args![&reward.arm, value, 1.0 - value]).await?;
        ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::BanditConfig)).await?;
    }
    let why = if counted { "live" } else { "test_run" };
    Ok(Json(json!({ "reward_id": id, "value": value, "counted": counted, "because": why })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(alpha: f64, beta: f64) -> Arm {
        Arm { arm: "a".into(), alpha, beta, pulls: 0, rewards: 0 }
    }

    #[test]
    fn an_arm_that_earned_more_is_chosen_more_often() {
        let weights = weights(&[arm(1.0, 1.0), arm(20.0, 2.0), arm(2.0, 20.0)]);
        assert!(weights[1] > 0.8 && weights[2] < 0.01, "{weights:?}");
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_complaint_never_makes_a_reward_negative() {
        let mut reward = Reward { arm: "a".into(), page_view: true, lead: true, checkout: true, complaint: false };
        assert!((reward.value() - 1.0).abs() < 1e-9);
        reward.complaint = true;
        assert!((reward.value() - 0.6).abs() < 1e-9);
        (reward.lead, reward.checkout) = (false, false);
        assert!(reward.value().abs() < 1e-9);
    }
}
