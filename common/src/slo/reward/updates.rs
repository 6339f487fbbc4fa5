//! How many sessions it takes to tell a better arm, by the way in which a reward moves a belief: the figures that
//! `docs/learning.md` gives.

use super::super::thompson::{Belief, WINNER_P_BEST, p_best};
use super::{ArmSessions, RewardWeights, reward_belief};

/// A session without and one with what the arms differ in, as rewards.
type Rewards = [f64; 2];

/// All or nothing: nothing happens, or a view, a lead and a checkout.
const ALL: Rewards = [0.0, 1.0];
/// Every session sees the page, some leave a lead.
const LEADS: Rewards = [0.05, 0.35];
/// The shares of sessions that earn.
const RATES: [f64; 2] = [0.05, 0.08];

/// The belief after so many sessions that went as their share says.
fn expected(rewards: Rewards, rate: f64, sessions: f64, evidence: impl Fn(f64) -> (f64, f64)) -> Belief {
    let [without, with] = rewards.map(&evidence);
    let sum = |without: f64, with: f64| 1.0 + sessions * ((1.0 - rate) * without + rate * with);
    Belief::new(sum(without.0, with.0), sum(without.1, with.1)).unwrap()
}

/// The fewest sessions of each of two arms after which the better one is called best, if all goes as expected.
fn needed(is_told: impl Fn(u64) -> bool) -> u64 {
    let (mut few, mut many) = (1, 1 << 17);
    while few < many {
        let middle = u64::midpoint(few, many);
        if is_told(middle) { many = middle } else { few = middle + 1 }
    }
    few
}

fn by_reward(rewards: Rewards, evidence: impl Fn(f64) -> (f64, f64)) -> u64 {
    needed(|sessions| {
        let beliefs = RATES.map(|rate| expected(rewards, rate, sessions as f64, &evidence));
        p_best(&beliefs)[1] >= WINNER_P_BEST
    })
}

/// `t = (r + 0.4) / 1.4`, alpha + t, beta + 1 - t.
fn mapped(reward: f64) -> (f64, f64) {
    let t = (reward + 0.4) / 1.4;
    (t, 1.0 - t)
}

/// alpha + max(r, 0), beta + 1 - r.
fn above_nothing(reward: f64) -> (f64, f64) {
    (reward.max(0.0), 1.0 - reward)
}

/// A belief for each event, combined by weight.
fn by_event() -> u64 {
    needed(|sessions| {
        let arms = RATES.map(|rate| ArmSessions {
            sessions,
            page_view: sessions,
            lead: (rate * sessions as f64).round() as u64,
            checkout: 0,
            complaint: 0,
        });
        reward_belief(Belief::UNIFORM, RewardWeights::default(), &arms).is_some_and(|b| b.p_best[1] >= WINNER_P_BEST)
    })
}

#[test]
fn the_reward_as_it_is_tells_arms_apart_with_a_seventh_of_the_sessions_of_the_mapped_one() {
    let sessions = [
        by_reward(ALL, above_nothing),
        by_reward(ALL, mapped),
        by_reward(LEADS, above_nothing),
        by_reward(LEADS, mapped),
    ];
    assert_eq!(sessions, [371, 2_616, 4_326, 29_186]);
    assert_eq!(by_event(), 444, "leads again, with one belief for each event");
}

#[test]
fn harm_lowers_both_kinds_of_belief_and_only_the_mapped_one_keeps_each_session_at_one() {
    for reward in [-0.4, -0.35, 0.0, 0.05, 0.35, 1.0] {
        let (t, rest) = mapped(reward);
        assert!((t + rest - 1.0).abs() < 1e-12 && (0.0..=1.0).contains(&t), "{reward}");
        let (success, failure) = above_nothing(reward);
        let weight = success + failure;
        assert!(if reward < 0.0 { weight > 1.0 } else { (weight - 1.0).abs() < 1e-12 }, "{reward}");
    }
}
