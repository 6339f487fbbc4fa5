//! The bandit: which call to action a page gets, learned by Thompson sampling over Beta beliefs. One is met by live
//! traffic; others are experiments that tests make, and share nothing with it.

mod experiments;
mod gate;
mod levers;
mod reward;
mod session;
mod store;
mod view;
mod weights;

use common::service::{Ctx, DbError, Defect, Emit, RequestContext, Tx};
use common::telemetry::{BanditMetrics, EventName};
use rand::{Rng, RngExt as _};

use super::Shared;
use super::beta;
use super::run::Run;
use session::Session;

pub(crate) use experiments::{choose, create, want as want_experiment};
pub(crate) use levers::pull;
pub(crate) use reward::reward;
pub(crate) use view::show;

/// The bandit that live traffic meets.
pub(crate) const LIVE: &str = "live";
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
    /// False if harm is no reason to leave an arm.
    has_gate: bool,
    /// False if a winner needs no sessions.
    winner_needs_sessions: bool,
}

/// What is believed of one arm: its mean reward is Beta(alpha, beta).
#[derive(Debug, Clone)]
struct Arm {
    arm: String,
    alpha: f64,
    beta: f64,
    pulls: i64,
    /// Sessions in which nothing failed.
    rewards: i64,
    /// Sessions in which something did, and pages that could not be built.
    failures: i64,
    page_views: i64,
    leads: i64,
    checkouts: i64,
    complaints: i64,
}

#[cfg(test)]
impl Arm {
    /// An arm of which nothing is known.
    fn fresh(arm: String) -> Self {
        Self {
            arm,
            alpha: 1.0,
            beta: 1.0,
            pulls: 0,
            rewards: 0,
            failures: 0,
            page_views: 0,
            leads: 0,
            checkouts: 0,
            complaints: 0,
        }
    }
}

impl Bandit {
    /// True for each arm that may be chosen: harm comes before reward. If every arm does harm, one has to be chosen still.
    fn open(&self) -> Vec<bool> {
        let open: Vec<bool> = self.arms.iter().map(|arm| !self.has_gate || arm.is_within_limits()).collect();
        if open.contains(&true) { open } else { vec![true; self.arms.len()] }
    }

    /// How likely each open arm is to be the best by what is believed now; 0 for the others.
    fn p_best(&self) -> Vec<f64> {
        let open = self.open();
        let beliefs: Vec<_> =
            self.arms.iter().zip(&open).filter(|(_, open)| **open).map(|(arm, _)| (arm.alpha, arm.beta)).collect();
        weights::spread(&weights::best_shares(&beliefs), &open)
    }

    /// The same as it was when frozen, else as it is now.
    fn best_shares(&self) -> Vec<f64> {
        match &self.frozen {
            Some(frozen) => weights::only(frozen, &self.open()),
            None => self.p_best(),
        }
    }

    /// How often each arm would be chosen now.
    fn weights(&self) -> Vec<f64> {
        weights::with_floor(&self.best_shares(), &self.open(), self.floor)
    }

    /// The arm that is called the winner.
    fn winner(&self) -> Option<&Arm> {
        let (open, p_best) = (self.open(), self.p_best());
        let kept = |index: &usize| open[*index];
        let indices: Vec<usize> = (0..self.arms.len()).filter(kept).collect();
        let arms: Vec<&Arm> = indices.iter().map(|index| &self.arms[*index]).collect();
        let shares: Vec<f64> = indices.iter().map(|index| p_best[*index]).collect();
        let won = gate::winner(&arms, &shares, self.winner_needs_sessions)?;
        // Where all arms are over their limits, all are open, and none of them wins.
        arms.get(won).copied().filter(|arm| !self.has_gate || arm.is_within_limits())
    }

    /// Chooses among the open arms: with the share that the floors take any, else the best of one draw from each belief.
    fn pick(&self, rng: &mut impl Rng) -> usize {
        let open: Vec<usize> =
            self.open().iter().enumerate().filter(|(_, open)| **open).map(|(index, _)| index).collect();
        let of_floors = weights::held(self.floor, open.len()) * open.len() as f64;
        let share = rng.random::<f64>();
        if share < of_floors {
            return open[rng.random_range(0..open.len())];
        }
        if self.frozen.is_some() {
            return weights::pick(&self.best_shares(), rng.random());
        }
        let draws =
            open.into_iter().map(|index| (index, beta::draw(rng, self.arms[index].alpha, self.arms[index].beta)));
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

/// Chooses for a run, by the bandit that it belongs to.
pub(crate) async fn choose_for(shared: &Shared, run: &Run) -> Result<String, DbError> {
    let bandit = store::read(&shared.ctx, &run.bandit).await?;
    let chosen = bandit.and_then(|bandit| experiments::draw(shared, &bandit));
    Ok(chosen.unwrap_or_else(|| "apply_now".to_owned()))
}

/// Counts a choice for a run.
pub(crate) async fn pulled(tx: &mut Tx, run: &Run, arm: &str) -> Result<(), DbError> {
    store::pulled(tx, &run.bandit, arm).await
}

/// A page that could not be built in the end is a session without a reward for the arm that it was built for.
pub(crate) async fn build_failed(ctx: &Ctx, tx: &mut Tx, run: &Run) -> Result<(), DbError> {
    let counted = reward::counts(ctx, &run.bandit, run.context.test_run).is_ok();
    let Some(arm) = run.arm.as_deref().filter(|_| counted) else { return Ok(()) };
    reward::teach(ctx, tx, &run.bandit, arm, None, Session::NO_PAGE).await?;
    report(ctx, tx, &run.context, &run.bandit, Some(format!("{}:build_failed", run.run_id))).await
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
            alpha: *alpha,
            beta: *beta,
            ..Arm::fresh(format!("arm_{index}"))
        };
        let arms = beliefs.iter().enumerate().map(arm).collect();
        Bandit {
            id: LIVE.into(),
            seed: None,
            floor,
            frozen,
            choices: 0,
            arms,
            has_gate: true,
            winner_needs_sessions: true,
        }
    }

    /// Three arms, of which the first earns most and has so many complaints of 300 sessions.
    fn harmful(complaints: i64, frozen: Option<Vec<f64>>) -> Bandit {
        let mut bandit = bandit(0.05, frozen, &[(200.0, 100.0), (100.0, 200.0), (90.0, 210.0)]);
        bandit.arms.iter_mut().for_each(|arm| arm.rewards = 300);
        bandit.arms[0].complaints = complaints;
        bandit
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
            harmful(30, None),
            harmful(30, Some(vec![0.9, 0.1, 0.0])),
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

    #[test]
    fn an_arm_that_harms_is_not_chosen_and_does_not_win_whatever_it_earns() {
        assert_eq!(harmful(3, None).winner().map(|arm| arm.arm.as_str()), Some("arm_0"));
        let shut = harmful(30, None);
        assert_eq!((shut.weights()[0], shut.p_best()[0]), (0.0, 0.0));
        assert!(shut.winner().is_none_or(|arm| arm.arm != "arm_0"));
        assert_eq!(Bandit { has_gate: false, ..shut }.winner().map(|arm| arm.arm.as_str()), Some("arm_0"));
    }

    #[test]
    fn where_all_arms_harm_one_is_chosen_still_and_none_wins() {
        let mut bandit = harmful(30, None);
        bandit.arms.iter_mut().for_each(|arm| arm.complaints = 30);
        assert!((bandit.weights().iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(bandit.weights()[0] > 0.5);
        assert!(bandit.winner().is_none());
    }
}
