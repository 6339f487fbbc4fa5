//! The bandit: which call to action a page gets, learned by Thompson sampling over Beta beliefs. One is met by live
//! traffic; others are experiments that tests make, and share nothing with it.

mod experiments;
mod levers;
mod reward;
mod store;
mod view;
mod weights;

use common::args;
use common::service::{Ctx, DbError, Defect, Emit, RequestContext, Tx};
use common::telemetry::{BanditMetrics, EventName};
use rand::{Rng, RngExt as _};

use super::Shared;
use super::beta;
use super::run::Run;

pub(crate) use experiments::{choose, create};
pub(crate) use levers::pull;
pub(crate) use reward::reward;
pub(crate) use view::show;

/// The bandit that live traffic meets.
const LIVE: &str = "live";
/// The least share of choices that each arm gets, unless a lever says otherwise.
const FLOOR: f64 = 0.05;

/// A bandit as it is stored.
#[derive(Debug, Clone)]
struct Bandit {
    id: String,
    seed: Option<i64>,
    /// The least share of choices that each arm gets.
    floor: f64,
    /// How often each arm was the best when it was frozen.
    frozen: Option<Vec<f64>>,
    choices: i64,
    arms: Vec<Arm>,
}

/// What is believed of one arm: its mean reward is Beta(alpha, beta).
#[derive(Debug, Clone)]
struct Arm {
    arm: String,
    alpha: f64,
    beta: f64,
    pulls: i64,
    rewards: i64,
    failures: i64,
}

impl Bandit {
    /// How often each arm would be the best: as it was when frozen, else by what is believed now.
    fn best_shares(&self) -> Vec<f64> {
        let beliefs: Vec<_> = self.arms.iter().map(|arm| (arm.alpha, arm.beta)).collect();
        self.frozen.clone().unwrap_or_else(|| weights::best_shares(&beliefs))
    }

    /// How often each arm would be chosen now.
    fn weights(&self) -> Vec<f64> {
        weights::with_floor(&self.best_shares(), self.floor)
    }

    /// Chooses: with the share that the floors take any arm, else the best of one draw from each belief.
    fn pick(&self, rng: &mut impl Rng) -> usize {
        let of_floors = weights::held(self.floor, self.arms.len()) * self.arms.len() as f64;
        let share = rng.random::<f64>();
        if share < of_floors {
            return rng.random_range(0..self.arms.len());
        }
        if let Some(frozen) = &self.frozen {
            return weights::pick(frozen, rng.random());
        }
        let draws = self.arms.iter().map(|arm| beta::draw(rng, arm.alpha, arm.beta)).enumerate();
        draws.max_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(index, _)| index)
    }

    /// The same, for an app that may have been told to get it wrong.
    fn choose(&self, ctx: &Ctx, rng: &mut impl Rng) -> Option<&Arm> {
        let index = if ctx.has(Defect::A3BanditPrefersFirst) { 0 } else { self.pick(rng) };
        self.arms.get(index)
    }

    fn is_live(&self) -> bool {
        self.id == LIVE
    }

    /// What is reported of it.
    fn metrics(&self) -> BanditMetrics {
        let weights = self.weights();
        let leading = weights.iter().copied().fold(0.0, f64::max);
        BanditMetrics {
            experiment_id: (!self.is_live()).then(|| self.id.clone()),
            exploration_rate: (1.0 - leading).max(0.0),
            arm_weights: self.arms.iter().map(|arm| arm.arm.clone()).zip(weights).collect(),
        }
    }
}

/// Chooses for live traffic.
pub(crate) async fn choose_live(shared: &Shared) -> Result<String, DbError> {
    let bandit = store::read(&shared.ctx, LIVE).await?;
    let chosen = bandit.and_then(|bandit| shared.dice.with(|rng| bandit.choose(&shared.ctx, rng).cloned()));
    Ok(chosen.map_or_else(|| "apply_now".to_owned(), |arm| arm.arm))
}

/// Counts a choice of live traffic.
pub(crate) async fn pulled(tx: &mut Tx, arm: &str) -> Result<(), DbError> {
    let sql = "UPDATE bandit_arms SET pulls = pulls + 1 WHERE bandit_id = $1 AND arm = $2";
    tx.execute(sql, args![LIVE, arm]).await.map(drop)
}

/// A page that could not be built in the end is a session without a reward for the arm that it was built for.
pub(crate) async fn build_failed(ctx: &Ctx, tx: &mut Tx, run: &Run) -> Result<(), DbError> {
    let counted = !run.context.test_run || ctx.has(Defect::A3TestRewardsTeach);
    let Some(arm) = run.arm.as_deref().filter(|_| counted) else { return Ok(()) };
    reward::teach(ctx, tx, LIVE, arm, reward::Outcome::Failed).await?;
    report(ctx, tx, &run.context, LIVE, Some(format!("{}:build_failed", run.run_id))).await
}

/// Reports how a bandit chooses after a change, in the transaction of the change.
async fn report(
    ctx: &Ctx,
    tx: &mut Tx,
    context: &RequestContext,
    id: &str,
    key: Option<String>,
) -> Result<(), DbError> {
    let Some(bandit) = store::read_in(ctx, tx, id).await? else { return Ok(()) };
    let event = Emit::new(EventName::BanditConfig).bandit(bandit.metrics());
    let event = key.map_or(event.clone(), |key| event.key(key));
    ctx.telemetry.emit(tx, context, event).await
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    fn bandit(floor: f64, frozen: Option<Vec<f64>>, beliefs: &[(f64, f64)]) -> Bandit {
        let arm = |(index, (alpha, beta)): (usize, &(f64, f64))| Arm {
            arm: format!("arm_{index}"),
            alpha: *alpha,
            beta: *beta,
            pulls: 0,
            rewards: 0,
            failures: 0,
        };
        let arms = beliefs.iter().enumerate().map(arm).collect();
        Bandit { id: LIVE.into(), seed: None, floor, frozen, choices: 0, arms }
    }

    /// The shares of many choices, beside the weights that are told.
    fn shares(bandit: &Bandit) -> Vec<(f64, f64)> {
        let mut rng = StdRng::seed_from_u64(5);
        let mut chosen = vec![0_u32; bandit.arms.len()];
        for _ in 0..20_000 {
            chosen[bandit.pick(&mut rng)] += 1;
        }
        chosen.into_iter().map(|n| f64::from(n) / 20_000.0).zip(bandit.weights()).collect()
    }

    #[test]
    fn arms_are_chosen_as_often_as_their_weights_say() {
        let beliefs = [(3.0, 7.0), (5.0, 5.0), (1.0, 1.0)];
        for bandit in [
            bandit(0.0, None, &beliefs),
            bandit(0.05, None, &beliefs),
            bandit(0.2, Some(vec![0.9, 0.1, 0.0]), &beliefs),
            bandit(0.05, None, &[(200.0, 2.0), (2.0, 200.0)]),
        ] {
            for (seen, told) in shares(&bandit) {
                // Five standard deviations of a share of 20,000, and a little for the grid.
                assert!((seen - told).abs() < 0.018 + 0.002, "{seen} of {told} in {bandit:?}");
            }
        }
    }

    #[test]
    fn no_arm_falls_below_the_floor_and_all_weights_make_one() {
        let weights = bandit(0.2, None, &[(1.0, 500.0), (500.0, 1.0), (1.0, 500.0)]).weights();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{weights:?}");
        assert!((weights[0] - 0.2).abs() < 1e-6 && (weights[1] - 0.6).abs() < 1e-6, "{weights:?}");
    }
}
