//! Do the pauses between attempts look like exponential back-off with full jitter?
//!
//! Full jitter draws a pause evenly from 0 to a bound that doubles with each failure up to a cap (Brooker, "Exponential
//! Backoff And Jitter", AWS 2015). So each pause over its bound is one draw of U(0, 1), whatever its step, and all of
//! them together are tested with the distance of Kolmogorov and Smirnov against the bound of Dvoretzky, Kiefer and
//! Wolfowitz with Massart's constant (1990), `P(D > d) <= 2 exp(-2 n d²)`, which holds for every n.

use serde::{Deserialize, Serialize};

use super::decision::{Decision, Reason};

/// How often at most a client with full jitter is said to have none.
pub const JITTER_FALSE_ALARM: f64 = 1e-4;
/// Fewer pauses cannot be told from jitter over half the bound, whose distance is 0.5.
pub const MIN_JITTER_PAUSES: u64 = 20;
/// Times are written in whole milliseconds, so that a pause may seem shorter by this much.
const ROUNDING_MS: u64 = 2;

/// What a client promises about its pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackoffRule {
    /// The bound of the pause after the first failure, in milliseconds.
    pub base_ms: u64,
    /// No bound is above this, in milliseconds.
    pub cap_ms: u64,
}

/// An attempt that failed, as the client tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Which attempt at its step it was, from 1.
    pub number: u32,
    /// When it had failed, in milliseconds.
    pub ended_ms: i64,
    /// How long the client says that it waits, in milliseconds.
    pub pause_ms: u64,
    /// What the other party asked for, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// When the next attempt began, by the same clock or by that of whoever was called; absent for the last one.
    pub next_ms: Option<i64>,
}

/// What the pauses of many steps show.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackoffFindings {
    /// Failed attempts looked at.
    pub pauses: u64,
    /// Followed by an attempt before the pause was over.
    pub early: u64,
    /// Longer than their bound, and nobody had asked for it.
    pub over_bound: u64,
    /// Shorter than the other party had asked for, said or done.
    pub unheard: u64,
    /// Attempts that were asked to wait.
    pub asked: u64,
    /// Whether the pauses are spread as full jitter spreads them.
    pub jitter: JitterTest,
}

/// The test of full jitter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JitterTest {
    /// Pauses that nobody asked for.
    pub n: u64,
    /// The largest distance between their distribution, as shares of their bounds, and the even one; 0 without pauses.
    pub distance: f64,
    /// A client with full jitter is above this in at most [`JITTER_FALSE_ALARM`] of cases; absent without pauses.
    pub limit: Option<f64>,
    /// Fail above the limit, pass below it with at least [`MIN_JITTER_PAUSES`] pauses.
    pub decision: Decision,
}

impl BackoffRule {
    /// The longest pause after the `number`-th failure (from 1): `min(cap, base · 2^(number − 1))`.
    #[must_use]
    pub fn bound_ms(self, number: u32) -> u64 {
        let doubled = 1_u64.checked_shl(number.saturating_sub(1)).unwrap_or(u64::MAX);
        self.base_ms.saturating_mul(doubled).min(self.cap_ms)
    }
}

impl BackoffFindings {
    /// Looks at the failed attempts of all steps together.
    #[must_use]
    pub fn of(rule: BackoffRule, failed: &[FailedAttempt]) -> Self {
        let count = |holds: &dyn Fn(&FailedAttempt) -> bool| failed.iter().filter(|one| holds(one)).count() as u64;
        let over = |one: &FailedAttempt| {
            one.pause_ms > rule.bound_ms(one.number).max(one.retry_after_ms.unwrap_or(0)) + ROUNDING_MS
        };
        let early = |one: &FailedAttempt| one.waited_ms().is_some_and(|waited| waited + ROUNDING_MS < one.pause_ms);
        let free = failed.iter().filter(|one| one.retry_after_ms.is_none());
        let shares: Vec<f64> = free.map(|one| one.pause_ms as f64 / rule.bound_ms(one.number).max(1) as f64).collect();
        Self {
            pauses: failed.len() as u64,
            early: count(&early),
            over_bound: count(&over),
            unheard: count(&FailedAttempt::is_unheard),
            asked: count(&|one| one.retry_after_ms.is_some()),
            jitter: JitterTest::of(shares),
        }
    }

    /// Fails if a pause breaks its rule or the spread is not that of full jitter; passes if the spread is shown to be.
    #[must_use]
    pub fn decision(&self) -> Decision {
        if self.early + self.over_bound + self.unheard > 0 { Decision::Fail } else { self.jitter.decision }
    }
}

impl FailedAttempt {
    /// How long it was until the next attempt, in milliseconds.
    fn waited_ms(&self) -> Option<u64> {
        self.next_ms.map(|next| u64::try_from(next - self.ended_ms).unwrap_or(0))
    }

    fn is_unheard(&self) -> bool {
        let Some(asked) = self.retry_after_ms else { return false };
        let waited = self.waited_ms().unwrap_or(u64::MAX);
        self.pause_ms.min(waited).saturating_add(ROUNDING_MS) < asked
    }
}

impl JitterTest {
    /// Tests pauses, each as a share of its bound.
    fn of(mut shares: Vec<f64>) -> Self {
        shares.sort_unstable_by(f64::total_cmp);
        let n = shares.len() as f64;
        let at = |rank: usize, share: f64| ((rank as f64 + 1.0) / n - share).max(share - rank as f64 / n);
        let distance = shares.iter().enumerate().map(|(rank, share)| at(rank, *share)).fold(0.0, f64::max);
        let limit = (n > 0.0).then(|| ((2.0 / JITTER_FALSE_ALARM).ln() / (2.0 * n)).sqrt());
        let decision = match limit {
            Some(limit) if distance > limit => Decision::Fail,
            Some(_) if shares.len() as u64 >= MIN_JITTER_PAUSES => Decision::Pass,
            _ => Decision::Undecided(Reason::TooFew),
        };
        Self { n: shares.len() as u64, distance, limit, decision }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;

    const RULE: BackoffRule = BackoffRule { base_ms: 100, cap_ms: 5_000 };

    /// Steps of four failures each, with the pauses that `share` gives.
    fn failed(n: u32, mut share: impl FnMut() -> f64) -> Vec<FailedAttempt> {
        let one = |index: u32| {
            let number = index % 4 + 1;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 5,000 at most")]
            let pause_ms = (share() * RULE.bound_ms(number) as f64).round() as u64;
            let next_ms = Some(1_000 + i64::try_from(pause_ms).unwrap() + 40);
            FailedAttempt { number, ended_ms: 1_000, pause_ms, retry_after_ms: None, next_ms }
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_never_falls() {
        let bounds: Vec<_> = [1, 2, 3, 6, 7, 40, 200].map(|number| RULE.bound_ms(number)).into();
        assert_eq!(bounds, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
    }

    #[test]
    fn full_jitter_passes_and_is_hardly_ever_doubted() {
        let mut rng = StdRng::seed_from_u64(11);
        let mut failures = 0;
        for _ in 0..2_000 {
            let findings = BackoffFindings::of(RULE, &failed(40, || rng.random::<f64>()));
            failures += u32::from(findings.decision() == Decision::Fail);
        }
        // At most 0.2 are expected, so that three have a probability of 0.001.
        assert!(failures <= 2, "{failures} of 2,000 clients with full jitter");
    }

    #[test]
    fn no_pause_full_pauses_equal_pauses_and_half_jitter_fail() {
        let mut rng = StdRng::seed_from_u64(12);
        for (name, findings) in [
            ("at once", BackoffFindings::of(RULE, &failed(24, || 0.0))),
            ("no jitter", BackoffFindings::of(RULE, &failed(24, || 1.0))),
            ("always the same", BackoffFindings::of(RULE, &failed(24, || 0.4))),
            ("half of it fixed", BackoffFindings::of(RULE, &failed(200, || 0.5 + 0.5 * rng.random::<f64>()))),
        ] {
            assert_eq!(findings.decision(), Decision::Fail, "{name}: {findings:?}");
        }
    }

    #[test]
    fn few_pauses_prove_nothing() {
        assert_eq!(BackoffFindings::of(RULE, &[]).decision(), Decision::Undecided(Reason::TooFew));
        let mut rng = StdRng::seed_from_u64(13);
        let few = failed(8, || rng.random::<f64>());
        assert_eq!(BackoffFindings::of(RULE, &few).decision(), Decision::Undecided(Reason::TooFew));
    }

    #[test]
    fn a_client_that_does_not_do_what_it_says_is_found() {
        let mut rng = StdRng::seed_from_u64(14);
        let mut said = failed(40, || 0.3 + 0.5 * rng.random::<f64>());
        said[3].next_ms = Some(1_001);
        let findings = BackoffFindings::of(RULE, &said);
        assert_eq!((findings.early, findings.over_bound, findings.unheard), (1, 0, 0));
    }

    #[test]
    fn what_was_asked_for_is_waited_for_and_may_be_longer_than_the_bound() {
        let wait = |pause_ms, next_ms| FailedAttempt {
            number: 1,
            ended_ms: 0,
            pause_ms,
            retry_after_ms: Some(2_000),
            next_ms: Some(next_ms),
        };
        let findings = |one| BackoffFindings::of(RULE, &[one]);
        assert_eq!(findings(wait(2_000, 2_050)).decision(), Decision::Undecided(Reason::TooFew));
        assert_eq!(findings(wait(90, 120)).unheard, 1, "said");
        assert_eq!(findings(wait(2_000, 120)).unheard, 1, "done");
        assert_eq!(findings(wait(4_000, 4_100)).over_bound, 1);
    }

    proptest! {
        #[test]
        fn findings_count_what_they_look_at(shares in prop::collection::vec(0.0..=1.0_f64, 0..60)) {
            let mut next = shares.iter().copied().cycle();
            let n = u32::try_from(shares.len()).unwrap();
            let findings = BackoffFindings::of(RULE, &failed(n, || next.next().unwrap_or(0.0)));
            prop_assert_eq!((findings.pauses, findings.jitter.n), (u64::from(n), u64::from(n)));
            prop_assert_eq!((findings.early, findings.over_bound, findings.unheard), (0, 0, 0));
            prop_assert!((0.0..=1.0).contains(&findings.jitter.distance));
        }
    }
}
