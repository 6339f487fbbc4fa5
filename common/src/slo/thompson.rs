//! Thompson sampling (Thompson 1933; Agrawal and Goyal 2012): what is believed of an arm's rate, and which arm is best.
//!
//! Everything is computed, nothing drawn, so that what an app reports of its bandit can be checked to the digit.

use std::f64::consts::FRAC_PI_2;

use serde::{Deserialize, Serialize};

use super::beta::{self, Tail};
use super::interval::Interval;

/// The belief in an arm's being best from which it is declared the winner.
pub const WINNER_P_BEST: f64 = 0.95;

/// The sessions that every arm needs before there is a winner.
pub const WINNER_SESSIONS: u64 = 200;

/// The smallest parameter of a belief: Jeffreys' prior. Below it the density has poles that no verdict should rest on.
const MIN_SHAPE: f64 = 0.5;

/// Less than this is believed of what an integral leaves out at either end.
const NEGLIGIBLE: f64 = 1e-12;

/// What is believed of a rate: Beta(alpha, beta), both at least 0.5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Shapes")]
pub struct Belief {
    alpha: f64,
    beta: f64,
}

/// The parameters of a belief as they are written.
#[derive(Deserialize)]
struct Shapes {
    alpha: f64,
    beta: f64,
}

impl TryFrom<Shapes> for Belief {
    type Error = &'static str;

    fn try_from(shapes: Shapes) -> Result<Self, Self::Error> {
        Self::new(shapes.alpha, shapes.beta).ok_or("the parameters of a belief are finite and at least 0.5")
    }
}

impl Belief {
    /// Every rate is as likely: Beta(1, 1).
    pub const UNIFORM: Self = Self { alpha: 1.0, beta: 1.0 };

    /// Beta(alpha, beta); `None` if one of them is below 0.5 or not finite.
    #[must_use]
    pub fn new(alpha: f64, beta: f64) -> Option<Self> {
        let is_shape = |shape: f64| shape >= MIN_SHAPE && shape.is_finite();
        (is_shape(alpha) && is_shape(beta)).then_some(Self { alpha, beta })
    }

    /// What counts for success, the prior included.
    #[must_use]
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// What counts against it, the prior included.
    #[must_use]
    pub fn beta(self) -> f64 {
        self.beta
    }

    /// The posterior after independent trials: `alpha + successes`, `beta + trials - successes`; `None` if there are
    /// more successes than trials.
    #[must_use]
    pub fn after(self, successes: u64, trials: u64) -> Option<Self> {
        let failures = trials.checked_sub(successes)?;
        Self::new(self.alpha + successes as f64, self.beta + failures as f64)
    }

    /// The posterior after one reward in `0..=1`: `alpha + reward`, `beta + 1 - reward`; `None` for another reward.
    #[must_use]
    pub fn rewarded(self, reward: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&reward) {
            return None;
        }
        Self::new(self.alpha + reward, self.beta + (1.0 - reward))
    }

    /// The mean, `alpha / (alpha + beta)`.
    #[must_use]
    pub fn mean(self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    /// The variance, `alpha beta / ((alpha + beta)^2 (alpha + beta + 1))`.
    #[must_use]
    pub fn variance(self) -> f64 {
        let sum = self.alpha + self.beta;
        self.mean() * (self.beta / sum) / (sum + 1.0)
    }

    /// The rates of which this much is believed, equal tails; `conf` in `0..1`, else the interval that says nothing.
    #[must_use]
    pub fn credible(self, conf: f64) -> Interval {
        if !(conf > 0.0 && conf < 1.0) {
            return Interval::VACUOUS;
        }
        let tail = (1.0 - conf) / 2.0;
        Interval { lower: self.quantile(Tail::Lower(tail)), upper: self.quantile(Tail::Upper(tail)) }
    }

    /// How much is believed of rates up to `rate`.
    pub(super) fn up_to(self, rate: f64) -> f64 {
        beta::tails(self.alpha, self.beta, rate).lower
    }

    pub(super) fn quantile(self, tail: Tail) -> f64 {
        beta::quantile(self.alpha, self.beta, tail)
    }

    /// The density of the angle `t` whose squared sine is the rate: finite where that of the rate has poles.
    fn density_at_angle(self, t: f64) -> f64 {
        let (sin, cos) = t.sin_cos();
        2.0 * beta::prefactor(self.alpha, self.beta, sin * sin, cos * cos) / (sin * cos)
    }

    /// The angles between which all but a negligible part of the belief lies.
    fn angles(self) -> [f64; 2] {
        let mirrored = beta::quantile(self.beta, self.alpha, Tail::Lower(NEGLIGIBLE));
        [self.quantile(Tail::Lower(NEGLIGIBLE)).sqrt().asin(), FRAC_PI_2 - mirrored.sqrt().asin()]
    }
}

/// How much is believed of each arm's having the highest rate: `P(best_i)` is the integral of `f_i` times the product of
/// all other `F_j`, to about 1e-9. Equal arms share; the values sum to 1.
///
/// Integrated over the angle `t` with rate `sin^2 t`, piece by piece between the ends and means of all beliefs, so that a
/// sharp belief is not stepped over by a blunt one.
#[must_use]
pub fn p_best(arms: &[Belief]) -> Vec<f64> {
    let mut cuts: Vec<f64> = arms.iter().flat_map(|arm| arm.angles()).collect();
    cuts.extend(arms.iter().map(|arm| arm.mean().sqrt().asin()));
    cuts.sort_by(f64::total_cmp);
    let of = |at: usize| -> f64 {
        let density = |t: f64| {
            let rate = t.sin().powi(2);
            let others = arms.iter().enumerate().filter(|(other, _)| *other != at);
            arms[at].density_at_angle(t) * others.map(|(_, arm)| arm.up_to(rate)).product::<f64>()
        };
        let [from, until] = arms[at].angles();
        let inside = |t: &f64| from <= *t && *t <= until;
        let ends: Vec<f64> = cuts.iter().copied().filter(inside).collect();
        ends.windows(2).map(|ends| integral(&density, ends[0], ends[1])).sum()
    };
    (0..arms.len()).map(of).collect()
}

/// The arm that is declared the winner: its `p_best` is at least [`WINNER_P_BEST`] and every arm has been seen in at
/// least [`WINNER_SESSIONS`] sessions. `None` as long as there is none, or if the two do not belong together.
///
/// Reward comes after harm: an arm over its limit of complaints or errors must not be among them.
#[must_use]
pub fn winner(p_best: &[f64], sessions: &[u64]) -> Option<usize> {
    if p_best.len() != sessions.len() || sessions.iter().any(|sessions| *sessions < WINNER_SESSIONS) {
        return None;
    }
    p_best.iter().position(|p| *p >= WINNER_P_BEST)
}

/// The integral of a smooth function by adaptive Simpson quadrature, each half to its share of the tolerance.
fn integral(f: &dyn Fn(f64) -> f64, from: f64, until: f64) -> f64 {
    const TOLERANCE: f64 = 1e-10;
    const DEPTH: u32 = 24;
    /// Cut so often before errors are estimated: a peak is not missed between the first three points.
    const PARTS: u32 = 8;
    let step = (until - from) / f64::from(PARTS);
    let parts = (0..PARTS).map(|part| {
        let (a, b) = (from + f64::from(part) * step, from + f64::from(part + 1) * step);
        let at = [a, f64::midpoint(a, b), b].map(|t| (t, f(t)));
        simpson(f, at, area(at), TOLERANCE / f64::from(PARTS), DEPTH)
    });
    parts.sum()
}

/// Simpson's rule over a beginning, a middle and an end with their values.
fn area(at: [(f64, f64); 3]) -> f64 {
    (at[2].0 - at[0].0) / 6.0 * (at[0].1 + 4.0 * at[1].1 + at[2].1)
}

fn simpson(f: &dyn Fn(f64) -> f64, [a, m, b]: [(f64, f64); 3], whole: f64, tolerance: f64, depth: u32) -> f64 {
    let between = |a: f64, b: f64| {
        let t = f64::midpoint(a, b);
        (t, f(t))
    };
    let (left, right) = ([a, between(a.0, m.0), m], [m, between(m.0, b.0), b]);
    let (first, second) = (area(left), area(right));
    let error = (first + second - whole) / 15.0;
    if error.abs() <= tolerance || depth == 0 || error.is_nan() {
        return first + second + error;
    }
    simpson(f, left, first, tolerance / 2.0, depth - 1) + simpson(f, right, second, tolerance / 2.0, depth - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn belief(alpha: f64, beta: f64) -> Belief {
        Belief::new(alpha, beta).unwrap()
    }

    fn close(got: f64, want: f64, within: f64) {
        assert!((got - want).abs() <= within, "got {got}, expected {want}");
    }

    /// P(X > Y) for integer parameters, as a finite sum of beta functions (Cook 2005).
    fn by_sum(x: (u32, u32), y: (u32, u32)) -> f64 {
        let ln_factorial = |n: u32| (1..=n).map(|k| f64::from(k).ln()).sum::<f64>();
        let ln_beta = |a: u32, b: u32| ln_factorial(a - 1) + ln_factorial(b - 1) - ln_factorial(a + b - 1);
        let ln_term =
            |i: u32| ln_beta(y.0 + i, y.1 + x.1) - f64::from(x.1 + i).ln() - ln_beta(1 + i, x.1) - ln_beta(y.0, y.1);
        (0..x.0).map(|i| ln_term(i).exp()).sum()
    }

    #[test]
    fn two_arms_agree_with_the_closed_sum() {
        for (x, y) in [((2, 1), (1, 2)), ((45, 957), (31, 971)), ((3, 40), (300, 4000)), ((1, 1), (700, 9000))] {
            let shares = p_best(&[belief(x.0.into(), x.1.into()), belief(y.0.into(), y.1.into())]);
            close(shares[0], by_sum(x, y), 1e-8);
        }
    }

    #[test]
    fn a_belief_needs_parameters_from_a_half_on() {
        for (alpha, beta) in [(0.4, 1.0), (1.0, f64::NAN), (f64::INFINITY, 1.0), (-1.0, 2.0), (0.0, 0.0)] {
            assert_eq!(Belief::new(alpha, beta), None);
        }
        assert_eq!(Belief::UNIFORM.after(3, 2), None);
        assert_eq!(Belief::UNIFORM.rewarded(1.01), None);
        assert_eq!(Belief::UNIFORM.rewarded(f64::NAN), None);
        assert_eq!(belief(2.0, 3.0).credible(1.0), Interval::VACUOUS);
        assert!(serde_json::from_str::<Belief>(r#"{"alpha":0.1,"beta":1.0}"#).is_err());
        assert_eq!(serde_json::from_str::<Belief>(r#"{"alpha":2.0,"beta":1.0}"#).unwrap(), belief(2.0, 1.0));
    }

    #[test]
    fn no_arm_is_best_of_none_and_one_is_best_of_itself() {
        assert!(p_best(&[]).is_empty());
        close(p_best(&[belief(0.5, 0.5)])[0], 1.0, 1e-9);
    }

    #[test]
    fn a_winner_needs_belief_and_sessions_of_every_arm() {
        assert_eq!(winner(&[0.04, 0.96], &[200, 200]), Some(1));
        assert_eq!(winner(&[0.04, 0.96], &[199, 900]), None);
        assert_eq!(winner(&[0.06, 0.94], &[900, 900]), None);
        assert_eq!(winner(&[0.96], &[900, 900]), None);
        assert_eq!(winner(&[], &[]), None);
    }

    fn beliefs() -> impl Strategy<Value = Belief> {
        (0.5..3000.0_f64, 0.5..3000.0_f64).prop_map(|(alpha, beta)| belief(alpha, beta))
    }

    proptest! {
        #[test]
        fn some_arm_is_the_best(arms in prop::collection::vec(beliefs(), 1..5)) {
            let shares = p_best(&arms);
            prop_assert!(shares.iter().all(|share| (-1e-9..=1.0 + 1e-9).contains(share)), "{shares:?}");
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-7, "{shares:?}");
        }

        #[test]
        fn one_more_success_never_makes_an_arm_worse(arm in beliefs(), other in beliefs()) {
            let better = arm.after(1, 1).unwrap();
            prop_assert!(p_best(&[better, other])[0] >= p_best(&[arm, other])[0] - 1e-8);
            prop_assert!(better.mean() > arm.mean());
        }
    }
}
