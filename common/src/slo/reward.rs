//! What a session is worth to the bandit, and how likely each arm is to be worth most.

use serde::{Deserialize, Serialize};

use super::beta::Tail;
use super::thompson::Belief;

/// What each event of a session adds to its reward; negative for harm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RewardWeights {
    /// A page was seen.
    pub page_view: f64,
    /// A lead was captured.
    pub lead: f64,
    /// A checkout was completed.
    pub checkout: f64,
    /// Somebody complained.
    pub complaint: f64,
}

impl Default for RewardWeights {
    fn default() -> Self {
        Self { page_view: 0.05, lead: 0.3, checkout: 0.65, complaint: -0.4 }
    }
}

/// Which events a session had, each at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SessionEvents {
    /// A page was seen.
    pub page_view: bool,
    /// A lead was captured.
    pub lead: bool,
    /// A checkout was completed.
    pub checkout: bool,
    /// Somebody complained.
    pub complaint: bool,
}

/// Sessions of an arm and how many of them had each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSessions {
    /// All sessions.
    pub sessions: u64,
    /// Sessions in which a page was seen.
    pub page_view: u64,
    /// Sessions with a lead.
    pub lead: u64,
    /// Sessions with a checkout.
    pub checkout: u64,
    /// Sessions with a complaint.
    pub complaint: u64,
}

impl RewardWeights {
    fn all(self) -> [f64; 4] {
        [self.page_view, self.lead, self.checkout, self.complaint]
    }

    /// The reward of a session: the sum of the weights of its events, by default in `-0.4..=1`.
    #[must_use]
    pub fn reward(self, session: SessionEvents) -> f64 {
        let happened = [session.page_view, session.lead, session.checkout, session.complaint];
        self.all().into_iter().zip(happened).map(|(weight, happened)| if happened { weight } else { 0.0 }).sum()
    }

    /// The reward of a session mapped to `0..=1`, by default `(r + 0.4) / 1.4`; `None` if the weights span nothing.
    #[must_use]
    pub fn normalised(self, session: SessionEvents) -> Option<f64> {
        let least: f64 = self.all().iter().map(|weight| weight.min(0.0)).sum();
        let most: f64 = self.all().iter().map(|weight| weight.max(0.0)).sum();
        let span = most - least;
        (span > 0.0 && span.is_finite()).then(|| ((self.reward(session) - least) / span).clamp(0.0, 1.0))
    }
}

/// What is believed of the mean reward of each arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardBelief {
    /// The expected mean reward of each arm, in units of the weights.
    pub mean: Vec<f64>,
    /// The variance of each arm's mean reward. Events are taken as independent, which they are not: an approximation.
    pub variance: Vec<f64>,
    /// How much is believed of each arm's having the highest mean reward: to about 0.001, unless one arm was seen a
    /// thousand times as often as another.
    pub p_best: Vec<f64>,
}

/// What is believed of arms whose sessions had these events: one Beta belief per event and arm, from the same prior,
/// combined by weight.
///
/// `None` without arms, for an arm with more events than sessions, or for weights that are not finite.
#[must_use]
pub fn reward_belief(prior: Belief, weights: RewardWeights, arms: &[ArmSessions]) -> Option<RewardBelief> {
    let sums: Vec<WeightedSum> = arms.iter().map(|arm| WeightedSum::of(prior, weights, arm)).collect::<Option<_>>()?;
    let sharpest = sums.iter().map(|sum| sum.variance().sqrt()).reduce(f64::min)?;
    let widest = sums.iter().map(WeightedSum::span).fold(0.0, f64::max);
    let cell = (sharpest / CELLS_PER_DEVIATION).max(widest / MAX_CELLS);
    if !(cell > 0.0 && cell.is_finite()) {
        return None;
    }
    let laws: Vec<Law> = sums.iter().map(|sum| sum.law(cell)).collect();
    let below: Vec<Vec<f64>> = laws.iter().map(Law::below).collect();
    let p_best = (0..laws.len()).map(|at| {
        let others = || laws.iter().zip(&below).enumerate().filter(|(other, _)| *other != at);
        let all_below = |value: f64| others().map(|(_, (law, below))| law.up_to(value, below)).product::<f64>();
        laws[at].cells().map(|(centre, mass)| mass * all_below(centre)).sum()
    });
    Some(RewardBelief {
        mean: sums.iter().map(WeightedSum::mean).collect(),
        variance: sums.iter().map(WeightedSum::variance).collect(),
        p_best: p_best.collect(),
    })
}

/// How finely the sharpest arm is cut.
const CELLS_PER_DEVIATION: f64 = 32.0;

/// The most cells of an arm; what is sharper than that lies in one cell.
const MAX_CELLS: f64 = 4_000.0;

/// Less than this is believed of what is left out at either end of an event's rate.
const NEGLIGIBLE: f64 = 1e-9;

/// The mean reward of an arm: a sum of rates, each times its weight.
struct WeightedSum([(f64, Belief); 4]);

impl WeightedSum {
    fn of(prior: Belief, weights: RewardWeights, arm: &ArmSessions) -> Option<Self> {
        let posterior = |events: u64| prior.after(events, arm.sessions);
        let [page_view, lead, checkout, complaint] = weights.all();
        let terms = [
            (page_view, posterior(arm.page_view)?),
            (lead, posterior(arm.lead)?),
            (checkout, posterior(arm.checkout)?),
            (complaint, posterior(arm.complaint)?),
        ];
        terms.iter().all(|(weight, _)| weight.is_finite()).then_some(Self(terms))
    }

    fn mean(&self) -> f64 {
        self.0.iter().map(|(weight, rate)| weight * rate.mean()).sum()
    }

    fn variance(&self) -> f64 {
        self.0.iter().map(|(weight, rate)| weight * weight * rate.variance()).sum()
    }

    /// The length of all rewards that are not negligible.
    fn span(&self) -> f64 {
        let of = |(weight, rate): &(f64, Belief)| {
            let [low, high] = ends(*rate);
            weight.abs() * (high - low)
        };
        self.0.iter().map(of).sum()
    }

    fn law(&self, cell: f64) -> Law {
        let none = Law { cell, first: 0.0, masses: vec![1.0] };
        self.0
            .iter()
            .filter(|(weight, _)| *weight != 0.0)
            .fold(none, |sum, (weight, rate)| sum.plus(&Law::scaled(*rate, *weight, cell)))
    }
}

fn ends(rate: Belief) -> [f64; 2] {
    [rate.quantile(Tail::Lower(NEGLIGIBLE)), rate.quantile(Tail::Upper(NEGLIGIBLE))]
}

/// A distribution cut into cells of one length.
struct Law {
    cell: f64,
    /// The centre of the first cell.
    first: f64,
    masses: Vec<f64>,
}

impl Law {
    /// A rate times a weight, with the mean at the centre of a cell so that cutting does not move it.
    fn scaled(rate: Belief, weight: f64, cell: f64) -> Self {
        let width = cell / weight.abs();
        let [low, high] = ends(rate);
        let below = ((rate.mean() - low) / width).ceil().max(0.0);
        let above = ((high - rate.mean()) / width).ceil().max(0.0);
        let edge = |at: f64| rate.up_to(rate.mean() + (at - 0.5) * width);
        let count = (below + above) as u64 + 1;
        let mut masses: Vec<f64> = (0..count).map(|at| at as f64 - below).map(|at| edge(at + 1.0) - edge(at)).collect();
        let first = if weight > 0.0 {
            -below
        } else {
            masses.reverse();
            -above
        };
        Self { cell, first: weight * rate.mean() + first * cell, masses }
    }

    /// The distribution of the sum of two independent values.
    fn plus(&self, other: &Self) -> Self {
        let mut masses = vec![0.0; self.masses.len() + other.masses.len() - 1];
        for (at, mass) in self.masses.iter().enumerate() {
            for (sum, more) in masses[at..].iter_mut().zip(&other.masses) {
                *sum += mass * more;
            }
        }
        Self { cell: self.cell, first: self.first + other.first, masses }
    }

    fn cells(&self) -> impl Iterator<Item = (f64, f64)> {
        self.masses.iter().enumerate().map(|(at, mass)| (self.first + at as f64 * self.cell, *mass))
    }

    /// The mass below each cell, and at last all of it.
    fn below(&self) -> Vec<f64> {
        let sums = self.masses.iter().scan(0.0, |sum, mass| {
            *sum += mass;
            Some(*sum)
        });
        std::iter::once(0.0).chain(sums).collect()
    }

    /// The mass up to a value, spread evenly within its cell.
    fn up_to(&self, value: f64, below: &[f64]) -> f64 {
        let position = (value - self.first) / self.cell + 0.5;
        let whole = position.floor().clamp(0.0, self.masses.len() as f64);
        let part = self.masses.get(whole as usize).map_or(0.0, |mass| mass * (position - whole).clamp(0.0, 1.0));
        below[whole as usize] + part
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arm(sessions: u64, checkout: u64, complaint: u64) -> ArmSessions {
        ArmSessions { sessions, page_view: sessions, lead: sessions / 8, checkout, complaint }
    }

    fn believed(arms: &[ArmSessions]) -> RewardBelief {
        reward_belief(Belief::UNIFORM, RewardWeights::default(), arms).unwrap()
    }

    #[test]
    fn a_reward_is_the_sum_of_what_happened_and_maps_to_a_share() {
        let (weights, nothing) = (RewardWeights::default(), SessionEvents::default());
        let all = SessionEvents { page_view: true, lead: true, checkout: true, complaint: true };
        let worst = SessionEvents { complaint: true, ..nothing };
        let best = SessionEvents { complaint: false, ..all };
        assert_eq!((weights.reward(nothing), weights.reward(worst)), (0.0, -0.4));
        assert!((weights.reward(all) - 0.6).abs() < 1e-12 && (weights.reward(best) - 1.0).abs() < 1e-12);
        assert_eq!((weights.normalised(worst), weights.normalised(best)), (Some(0.0), Some(1.0)));
        let none = RewardWeights { page_view: 0.0, lead: 0.0, checkout: 0.0, complaint: 0.0 };
        assert_eq!(none.normalised(all), None);
    }

    #[test]
    fn complaints_turn_an_arm_that_sells_more_into_the_worse_one() {
        let sells = believed(&[arm(2_000, 60, 10), arm(2_000, 100, 10)]);
        assert!(sells.p_best[1] > 0.99, "{sells:?}");
        let annoys = believed(&[arm(2_000, 60, 10), arm(2_000, 100, 200)]);
        assert!(annoys.p_best[0] > 0.99, "{annoys:?}");
    }

    #[test]
    fn one_weight_alone_gives_the_integral_of_its_beliefs() {
        let weights = RewardWeights { page_view: 0.0, lead: 0.0, checkout: 0.65, complaint: 0.0 };
        for (few, many) in [(40, 55), (3, 9), (0, 1)] {
            let arms = [arm(1_000, few, 0), arm(1_000, many, 0)];
            let cut = reward_belief(Belief::UNIFORM, weights, &arms).unwrap().p_best;
            let exact =
                super::super::p_best(&arms.map(|arm| Belief::UNIFORM.after(arm.checkout, arm.sessions).unwrap()));
            assert!((cut[0] - exact[0]).abs() < 1e-3, "{cut:?} {exact:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_not_believed() {
        let weights = RewardWeights::default();
        assert_eq!(reward_belief(Belief::UNIFORM, weights, &[]), None);
        assert_eq!(reward_belief(Belief::UNIFORM, weights, &[arm(10, 11, 0)]), None);
        let endless = RewardWeights { lead: f64::INFINITY, ..weights };
        assert_eq!(reward_belief(Belief::UNIFORM, endless, &[arm(10, 1, 0)]), None);
        let nothing = RewardWeights { page_view: 0.0, lead: 0.0, checkout: 0.0, complaint: 0.0 };
        assert_eq!(reward_belief(Belief::UNIFORM, nothing, &[arm(10, 1, 0)]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn some_arm_is_worth_most(arms in prop::collection::vec((1..5_000_u64, 0.0..1.0_f64, 0.0..1.0_f64), 1..4)) {
            let arms: Vec<_> = arms
                .into_iter()
                .map(|(n, sold, annoyed)| arm(n, (n as f64 * sold) as u64, (n as f64 * annoyed) as u64))
                .collect();
            let shares = believed(&arms).p_best;
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 2e-3, "{shares:?}");
        }
    }
}

#[cfg(test)]
mod updates;
