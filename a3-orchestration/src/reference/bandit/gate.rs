//! What comes before reward: an arm that is proven to harm is not chosen, and no arm wins on a few sessions.

use serde_json::{Value, json};

use super::Arm;

/// The most sessions with a complaint.
const COMPLAINTS: f64 = 0.02;
/// The most sessions in which something failed.
const ERRORS: f64 = 0.01;
/// An arm is judged from so many sessions on: one complaint of one visitor is no share.
const FROM_SESSIONS: i64 = 20;
/// The belief in an arm's being best from which it is called the winner.
const WINNER_P_BEST: f64 = 0.95;
/// The sessions that every arm needs before there is a winner.
const WINNER_SESSIONS: i64 = 200;
/// The 97.5 % quantile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

impl Arm {
    /// All its sessions, those that failed among them.
    pub(super) fn sessions(&self) -> i64 {
        self.rewards + self.failures
    }

    /// True unless it is proven that too many of its sessions had a complaint or failed.
    pub(super) fn is_within_limits(&self) -> bool {
        let n = self.sessions();
        let proven = |events: i64, limit| n >= FROM_SESSIONS && at_least(events, n) > limit;
        !proven(self.complaints, COMPLAINTS) && !proven(self.failures, ERRORS)
    }
}

/// The arm that is called the winner, of those that may be chosen, with `p_best` of each.
pub(super) fn winner(arms: &[&Arm], p_best: &[f64], needs_sessions: bool) -> Option<usize> {
    let needed = if needs_sessions { WINNER_SESSIONS } else { 0 };
    let enough = arms.iter().all(|arm| arm.sessions() >= needed);
    p_best.iter().position(|p| *p >= WINNER_P_BEST).filter(|_| enough)
}

/// The limits as they are shown.
pub(super) fn thresholds(window_ms: i64) -> Value {
    json!({
        "winner_p_best": WINNER_P_BEST, "winner_sessions": WINNER_SESSIONS, "complaint_share": COMPLAINTS,
        "error_share": ERRORS, "gate_sessions": FROM_SESSIONS, "attribution_window_s": window_ms / 1_000,
    })
}

/// The lower end of Wilson's 95 % interval of a share.
#[expect(clippy::cast_precision_loss, reason = "sessions are far below 2^53")]
fn at_least(events: i64, sessions: i64) -> f64 {
    let (k, n) = (events as f64, sessions as f64);
    let share = k / n;
    let upper = (2.0 * k + Z * Z + Z * (Z * Z + 4.0 * k * (1.0 - share)).sqrt()) / (2.0 * (n + Z * Z));
    k * share / ((n + Z * Z) * upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(rewards: i64, failures: i64, complaints: i64) -> Arm {
        Arm { rewards, failures, complaints, ..Arm::fresh("a".into()) }
    }

    #[test]
    fn the_gate_shuts_on_proof_and_not_before() {
        assert!(arm(0, 0, 0).is_within_limits());
        assert!(arm(13, 6, 6).is_within_limits(), "19 sessions are too few to judge");
        assert!(arm(19, 1, 1).is_within_limits(), "one of 20 may be chance");
        assert!(!arm(18, 2, 0).is_within_limits(), "2 of 20 failed, at least 2.8 %");
        assert!(!arm(100, 0, 10).is_within_limits(), "10 of 100 complained, at least 5.5 %");
        assert!(arm(1_000, 0, 20).is_within_limits(), "2 % is the limit, not over it");
    }

    #[test]
    fn the_lower_end_is_that_of_wilsons_interval() {
        for (k, n, told) in [(0, 20, 0.0), (1, 20, 0.008_881), (2, 20, 0.027_866), (300, 300, 0.987_357)] {
            assert!((at_least(k, n) - told).abs() < 1e-6, "{k} of {n}: {}", at_least(k, n));
        }
    }

    #[test]
    fn a_winner_needs_belief_and_sessions_of_every_arm() {
        let cases =
            [([0.04, 0.96], [200, 200], Some(1)), ([0.04, 0.96], [199, 900], None), ([0.06, 0.94], [900, 900], None)];
        for (p_best, sessions, told) in cases {
            let arms = sessions.map(|n| arm(n, 0, 0));
            assert_eq!(winner(&arms.iter().collect::<Vec<_>>(), &p_best, true), told, "{p_best:?} {sessions:?}");
        }
    }
}
