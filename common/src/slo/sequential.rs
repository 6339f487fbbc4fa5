//! Judging more than once while data come in, without the false alarms of looking until something shows.
//!
//! Looking at a 95 % verdict every 100 samples up to 10,000 is wrong in 16 % of cases on either side. Two ways are
//! sound: a few looks declared before the first sample, and an e-process, which may be looked at any time.

use serde::{Deserialize, Serialize};
use statrs::function::beta::ln_beta;

use super::beta;
use super::decision::{Decision, Reason};
use super::judge::Terms;

/// Sizes at which a growing sample is judged, declared before the first sample.
///
/// Each look takes its part of the error (Bonferroni), so that all of them together keep the confidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Looks {
    sizes: Vec<u64>,
    conf: f64,
}

impl Default for Looks {
    /// Three looks at 1,800, 3,600 and 7,200 samples at 95 % together: at the limit 2.2 % false failures and 2.0 %
    /// false passes.
    fn default() -> Self {
        Self { sizes: vec![1_800, 3_600, 7_200], conf: 0.95 }
    }
}

impl Looks {
    /// Declares looks at these sizes, at a two-sided confidence of all together.
    ///
    /// `None` without sizes, for sizes that do not ascend from 1 on, and for a `conf` outside `0..1`.
    #[must_use]
    pub fn declared(sizes: &[u64], conf: f64) -> Option<Self> {
        let ascends = sizes.first().is_some_and(|first| *first > 0) && sizes.is_sorted_by(|a, b| a < b);
        (ascends && conf > 0.0 && conf < 1.0).then(|| Self { sizes: sizes.to_vec(), conf })
    }

    /// The two-sided confidence of each look: `1 - (1 - conf) / looks`.
    #[must_use]
    pub fn conf_of_each(&self) -> f64 {
        1.0 - (1.0 - self.conf) / self.sizes.len() as f64
    }

    /// On what terms to judge the first `n` samples; `None` where no look was declared at `n`, so that nobody looks.
    #[must_use]
    pub fn terms_at(&self, n: u64, tau: f64) -> Option<Terms> {
        self.sizes.contains(&n).then(|| Terms { conf: self.conf_of_each(), tau, n_min: 0 })
    }

    /// The next declared size above `n`; `None` after the last look, when an undecided claim stays undecided.
    #[must_use]
    pub fn next_after(&self, n: u64) -> Option<u64> {
        self.sizes.iter().copied().find(|size| *size > n)
    }
}

/// What counts say against a share being at most, or at least, a limit: the logarithms of two e-values.
///
/// Under "the share is at most `p0`" the expected e-value never exceeds 1, whenever one stops (Ville 1939), so an
/// e-value of 20 refutes it at 5 %. The alternative is the prior Beta(1, 1/p0 - 1), which has mean `p0`, cut to the side
/// of `p0` that is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Of the share lying above the limit, against "at most"; a natural logarithm.
    pub above: f64,
    /// Of the share lying below the limit, against "at least"; a natural logarithm.
    pub below: f64,
}

impl Evidence {
    /// The evidence of `k` events among `n` about the limit `p0`.
    ///
    /// With `a = 1`, `b = 1/p0 - 1` and `F` the distribution function of Beta,
    ///
    /// `above = ln B(a+k, b+n-k) + ln(1 - F(p0; a+k, b+n-k)) - ln B(a, b) - ln(1 - F(p0; a, b)) - k ln p0 - (n-k)
    /// ln(1-p0)`, and `below` the same with `F` for `1 - F`. A tail too small for a double gives minus infinity: no
    /// evidence.
    ///
    /// Counts of correlated samples are divided by their autocorrelation time, which makes this an approximation.
    /// `None` outside `0 <= k <= n`, `0 < p0 < 1`.
    #[must_use]
    pub fn of(k: f64, n: f64, p0: f64) -> Option<Self> {
        if !(k >= 0.0 && k <= n && n.is_finite() && p0 > 0.0 && p0 < 1.0) {
            return None;
        }
        let (a, b) = (1.0, p0.recip() - 1.0);
        let (now, first) = (beta::tails(a + k, b + n - k, p0), beta::tails(a, b, p0));
        let at_limit = k * p0.ln() + (n - k) * (-p0).ln_1p();
        let gained = ln_beta(a + k, b + n - k) - ln_beta(a, b) - at_limit;
        Some(Self {
            above: gained + now.upper.ln() - first.upper.ln(),
            below: gained + now.lower.ln() - first.lower.ln(),
        })
    }

    /// Decides "the counted share of bad events is at most the limit" at a two-sided confidence, at any time.
    ///
    /// Each side refutes at half the error: with 95 %, from an e-value of 40 on. A `conf` outside `0..1` is
    /// [`Reason::Config`].
    #[must_use]
    pub fn decision(self, conf: f64) -> Decision {
        let tail = (1.0 - conf) / 2.0;
        if !(conf > 0.0 && conf < 1.0) {
            Decision::Undecided(Reason::Config)
        } else if refutes(self.below, tail) {
            Decision::Pass
        } else if refutes(self.above, tail) {
            Decision::Fail
        } else {
            Decision::Undecided(Reason::Straddles)
        }
    }
}

/// Says whether an e-value, given by its logarithm, refutes its hypothesis at level `alpha`: whether it reaches
/// `1 / alpha`. An `alpha` outside `0..1` refutes nothing.
#[must_use]
pub fn refutes(log_e: f64, alpha: f64) -> bool {
    alpha > 0.0 && alpha < 1.0 && log_e >= -alpha.ln()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slo::{Claim, Quantile};

    #[test]
    fn a_sample_is_judged_at_declared_sizes_only() {
        let looks = Looks::default();
        assert!((looks.conf_of_each() - (1.0 - 0.05 / 3.0)).abs() < 1e-15);
        let at = |n| looks.terms_at(n, 2.0).map(|terms| (terms.conf, terms.tau));
        assert_eq!(at(3_600), Some((looks.conf_of_each(), 2.0)));
        assert_eq!((at(3_599), at(0), at(10_000)), (None, None, None));
        assert_eq!((looks.next_after(0), looks.next_after(1_800)), (Some(1_800), Some(3_600)));
        assert_eq!(looks.next_after(7_200), None);
    }

    #[test]
    fn looks_that_are_none_cannot_be_declared() {
        assert!(Looks::declared(&[500], 0.95).is_some_and(|one| (one.conf_of_each() - 0.95).abs() < 1e-15));
        for (sizes, conf) in [
            (&[][..], 0.95),
            (&[0, 5], 0.95),
            (&[5, 5], 0.95),
            (&[9, 5], 0.95),
            (&[5], 1.0),
            (&[5], 0.0),
            (&[5], f64::NAN),
        ] {
            assert_eq!(Looks::declared(sizes, conf), None);
        }
    }

    #[test]
    fn no_sample_is_no_evidence_and_senseless_counts_are_none() {
        assert_eq!(Evidence::of(0.0, 0.0, 0.01), Some(Evidence { above: 0.0, below: 0.0 }));
        for (k, n, p0) in [
            (2.0, 1.0, 0.1),
            (-1.0, 1.0, 0.1),
            (0.0, 1.0, 0.0),
            (0.0, 1.0, 1.0),
            (f64::NAN, 1.0, 0.1),
            (0.0, f64::INFINITY, 0.1),
        ] {
            assert_eq!(Evidence::of(k, n, p0), None);
        }
    }

    #[test]
    fn many_errors_prove_a_failure_and_none_a_pass() {
        let decision = |k, n| Evidence::of(k, n, 0.01).unwrap().decision(0.95);
        assert_eq!(decision(18.0, 600.0), Decision::Fail);
        assert_eq!(decision(0.0, 600.0), Decision::Pass);
        assert_eq!(decision(6.0, 600.0), Decision::Undecided(Reason::Straddles));
        let none = Evidence { above: 900.0, below: f64::NEG_INFINITY };
        for conf in [1.0, 0.0, -3.0, f64::NAN] {
            assert_eq!(none.decision(conf), Decision::Undecided(Reason::Config));
        }
    }

    /// Carries the exact distribution of a count through samples that are events with probability `p`; what `decides`
    /// takes a count out at a size is returned as the share of runs that came to that end.
    fn share_decided(p: f64, samples: u32, decides: impl Fn(u64, u64) -> bool) -> f64 {
        let (mut alive, mut decided) = (vec![1.0], 0.0);
        for n in 1..=samples {
            alive.push(0.0);
            for k in (1..alive.len()).rev() {
                alive[k] = alive[k] * (1.0 - p) + alive[k - 1] * p;
            }
            alive[0] *= 1.0 - p;
            for (k, share) in alive.iter_mut().enumerate().filter(|(_, share)| **share > 1e-12) {
                if decides(k as u64, u64::from(n)) {
                    decided += *share;
                    *share = 0.0;
                }
            }
        }
        decided
    }

    #[test]
    fn looking_after_every_sample_refutes_a_true_limit_in_at_most_the_promised_share() {
        for side in [|e: Evidence| e.above, |e: Evidence| e.below] {
            let refuted =
                share_decided(0.05, 1_000, |k, n| refutes(side(Evidence::of(k as f64, n as f64, 0.05).unwrap()), 0.05));
            assert!(refuted <= 0.05 && refuted > 0.005, "{refuted}");
        }
    }

    #[test]
    fn three_looks_at_the_limit_are_wrong_as_rarely_as_published() {
        let claim = Claim::QuantileWithin { quantile: Quantile::P95 };
        let looks = Looks::default();
        for (wrong, published) in [(Decision::Fail, 0.022), (Decision::Pass, 0.020)] {
            let share = share_decided(0.05, 7_200, |k, n| {
                looks.terms_at(n, 1.0).is_some_and(|terms| claim.judge(k, n, terms).decision == wrong)
            });
            assert!(share <= 0.025 && (share - published).abs() < 0.005, "{wrong:?}: {share}");
        }
    }

    proptest! {
        #[test]
        fn one_step_gains_nothing_on_average_at_the_limit(k in 0..60_u32, more in 0..2_000_u32, p0 in 0.005..0.3_f64) {
            let (k, n) = (f64::from(k), f64::from(k + more));
            let e = |k: f64, n: f64| Evidence::of(k, n, p0).unwrap();
            let (now, hit, miss) = (e(k, n), e(k + 1.0, n + 1.0), e(k, n + 1.0));
            for of in [|e: Evidence| e.above, |e: Evidence| e.below] {
                let (hit, miss) = ((of(hit) - of(now)).exp(), (of(miss) - of(now)).exp());
                if of(now) > -20.0 {
                    prop_assert!((p0 * hit + (1.0 - p0) * miss - 1.0).abs() < 1e-6, "{hit} {miss}");
                }
            }
        }
    }
}
