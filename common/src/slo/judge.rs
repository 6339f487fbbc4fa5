//! Judging a claim on counts: every threshold promise is a promise about a share.
//!
//! An error rate is bad over total against its limit; "P95 within 150 ms" is the share above 150 ms against 5 %. One
//! judgement therefore serves errors, latency and success rates, and carries every figure a report shows.

use serde::{Deserialize, Serialize};

use super::autocorr::{n_eff, tau};
use super::decision::{Decision, Reason};
use super::interval::Interval;
use super::proportion::{at_least, at_most, clopper_pearson, hull};
use super::quantile::Quantile;
use super::rank::first_where;

/// Correlated samples worth fewer than this many independent ones decide nothing.
pub(super) const MIN_N_EFF: f64 = 30.0;

/// More further samples than this are not worth asking for.
const MAX_SAMPLES_NEEDED: u64 = 10_000_000;

/// What is promised about a share of counted events.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Claim {
    /// "Error rate below `limit`": counts errors; holds iff the rate is below, a rate at the limit is broken.
    ErrorRateBelow {
        /// A share, in `0..1`, both excluded.
        limit: f64,
    },
    /// "Error rate at most `limit`": counts errors; a rate at the limit holds.
    ErrorRateAtMost {
        /// A share, in `0..1`, both excluded.
        limit: f64,
    },
    /// "The quantile is at most a latency": counts the samples above that latency.
    QuantileWithin {
        /// Which quantile, below 1.
        quantile: Quantile,
    },
    /// "At least `target` succeed": counts successes.
    SuccessAtLeast {
        /// A share, in `0..=1`, 0 excluded. A target of 1 can be broken, never proven.
        target: f64,
    },
}

/// On what terms a claim is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Two-sided confidence, in `0..1`; each tail holds half of the rest.
    pub conf: f64,
    /// The autocorrelation time of the counted indicator, at least 1. Counts are divided by it.
    pub tau: f64,
    /// Fewer samples than this decide nothing; 0 for no floor.
    pub n_min: u64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { conf: 0.95, tau: 1.0, n_min: 0 }
    }
}

/// How the interval of a judgement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// The hull of the Wilson and the Clopper-Pearson interval.
    Hull,
    /// The exact interval.
    ClopperPearson,
}

/// A claim, what was seen, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was promised.
    pub claim: Claim,
    /// The limit of the counted share: 0.05 for a P95.
    pub limit: f64,
    /// The counted events: errors, samples above the latency, or successes.
    pub k: u64,
    /// All samples.
    pub n: u64,
    /// The observed share `k / n`; `None` without samples or where `k > n`.
    pub point: Option<f64>,
    /// The confidence interval of the share, on the effective counts.
    pub interval: Interval,
    /// The two-sided confidence of the interval.
    pub conf: f64,
    /// The autocorrelation time the counts were divided by.
    pub tau: f64,
    /// How many independent samples `n` is worth; 0 where the terms make no sense.
    pub n_eff: f64,
    /// How the interval was made.
    pub method: Method,
    /// The probability of a result at least this bad at the limit, by the exact binomial; `None` without samples and
    /// for `tau` above 1, where the binomial does not hold.
    pub p_fail: Option<f64>,
    /// The probability of a result at least this good at the limit, like `p_fail`.
    pub p_pass: Option<f64>,
    /// `p_fail` on the effective counts, for any `tau`: what a family-wise correction takes. `None` without samples.
    pub p_fail_effective: Option<f64>,
    /// What follows.
    #[serde(flatten)]
    pub decision: Decision,
    /// How many further samples at the observed share would decide, where that is undecided: `None` where the
    /// share lies at the limit or more than ten million would be needed.
    pub samples_needed: Option<u64>,
}

/// Where an interval lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Good,
    Bad,
    Across,
}

impl Claim {
    /// Judges the claim on `k` counted events among `n` samples.
    ///
    /// Terms or counts that make no sense (`k > n`, a limit outside its range, a `tau` below 1) give
    /// [`Reason::Config`]; zero samples always give [`Reason::TooFew`].
    #[must_use]
    pub fn judge(self, k: u64, n: u64, terms: Terms) -> Judgement {
        let decision = self.decide(k, n, terms);
        let sound = self.is_sound(k, n, terms);
        let (k_eff, worth) = (k as f64 / terms.tau, n_eff(n, terms.tau));
        let counted = sound && n > 0;
        let exact = (counted && terms.tau == 1.0).then(|| self.tails(k as f64, n as f64));
        Judgement {
            claim: self,
            limit: self.limit(),
            k,
            n,
            point: counted.then(|| k as f64 / n as f64),
            interval: if sound { self.interval(k_eff, worth, terms.conf) } else { Interval::VACUOUS },
            conf: terms.conf,
            tau: terms.tau,
            n_eff: if sound { worth } else { 0.0 },
            method: self.method(),
            p_fail: exact.map(|(bad, _)| bad),
            p_pass: exact.map(|(_, good)| good),
            p_fail_effective: counted.then(|| self.tails(k_eff, worth).0),
            decision,
            samples_needed: match decision {
                Decision::Undecided(Reason::Config) | Decision::Pass | Decision::Fail => None,
                Decision::Undecided(_) => self.samples_needed(k, n, terms),
            },
        }
    }

    /// The limit of the counted share.
    fn limit(self) -> f64 {
        match self {
            Self::ErrorRateBelow { limit } | Self::ErrorRateAtMost { limit } => limit,
            Self::QuantileWithin { quantile } => quantile.share_above(),
            Self::SuccessAtLeast { target } => target,
        }
    }

    /// The probabilities at the limit of a result at least this bad and at least this good.
    fn tails(self, k: f64, n: f64) -> (f64, f64) {
        let (more, fewer) = (at_least(k, n, self.limit()), at_most(k, n, self.limit()));
        if self.counts_good() { (fewer, more) } else { (more, fewer) }
    }

    fn counts_good(self) -> bool {
        matches!(self, Self::SuccessAtLeast { .. })
    }

    fn method(self) -> Method {
        match self {
            Self::QuantileWithin { .. } => Method::ClopperPearson,
            _ => Method::Hull,
        }
    }

    fn is_sound(self, k: u64, n: u64, terms: Terms) -> bool {
        let limit = self.limit();
        let in_range = limit > 0.0 && (limit < 1.0 || self.counts_good() && limit == 1.0);
        let terms_hold = terms.conf > 0.0 && terms.conf < 1.0 && terms.tau >= 1.0 && terms.tau.is_finite();
        k <= n && in_range && terms_hold
    }

    fn interval(self, k: f64, n: f64, conf: f64) -> Interval {
        match self.method() {
            Method::Hull => hull(k, n, conf),
            Method::ClopperPearson => clopper_pearson(k, n, conf),
        }
    }

    fn side(self, k: f64, n: f64, conf: f64) -> Side {
        let Interval { lower, upper } = self.interval(k, n, conf);
        let limit = self.limit();
        let (good, bad) = match self {
            Self::ErrorRateBelow { .. } => (upper < limit, lower >= limit),
            Self::ErrorRateAtMost { .. } | Self::QuantileWithin { .. } => (upper <= limit, lower > limit),
            Self::SuccessAtLeast { .. } => (lower >= limit, upper < limit),
        };
        match (good, bad) {
            (true, _) => Side::Good,
            (_, true) => Side::Bad,
            _ => Side::Across,
        }
    }

    /// The decision of [`Claim::judge`] alone, which costs less: for simulations that ask a million times.
    #[must_use]
    pub fn decide(self, k: u64, n: u64, terms: Terms) -> Decision {
        if !self.is_sound(k, n, terms) {
            return Decision::Undecided(Reason::Config);
        }
        if n == 0 || n < terms.n_min {
            return Decision::Undecided(Reason::TooFew);
        }
        let worth = n_eff(n, terms.tau);
        if terms.tau > 1.0 && worth < MIN_N_EFF {
            let few = (n as f64) < MIN_N_EFF;
            return Decision::Undecided(if few { Reason::TooFew } else { Reason::Autocorrelated });
        }
        match self.side(k as f64 / terms.tau, worth, terms.conf) {
            Side::Good => Decision::Pass,
            Side::Bad => Decision::Fail,
            Side::Across => {
                let best = if self.counts_good() { worth } else { 0.0 };
                let passable = self.side(best, worth, terms.conf) == Side::Good;
                Decision::Undecided(if passable { Reason::Straddles } else { Reason::TooFew })
            }
        }
    }

    /// How many further samples at the observed share decide; without samples, the best share is supposed.
    fn samples_needed(self, k: u64, n: u64, terms: Terms) -> Option<u64> {
        let rate = match n {
            0 => f64::from(u8::from(self.counts_good())),
            _ => k as f64 / n as f64,
        };
        let by_worth = if terms.tau > 1.0 { (MIN_N_EFF * terms.tau).ceil() as u64 } else { 0 };
        let first = n.saturating_add(1).max(terms.n_min).max(by_worth);
        let last = n.saturating_add(MAX_SAMPLES_NEEDED);
        let decided = |total: u64| {
            let worth = n_eff(total, terms.tau);
            self.side(rate * worth, worth, terms.conf) != Side::Across
        };
        if first > last || !decided(last) {
            return None;
        }
        Some(first_where(first, last, decided) - n)
    }
}

/// Judges "the quantile of the latencies is at most `limit_us`" on samples in send order, in microseconds.
///
/// Requests that never answered count as [`super::NEVER_US`]. `terms.tau` is what history says; the larger of it and
/// the samples' own autocorrelation time is used.
#[must_use]
pub fn judge_latency(samples: &[u64], limit_us: u64, quantile: Quantile, terms: Terms) -> Judgement {
    let over = samples.iter().filter(|us| **us > limit_us).count() as u64;
    let terms = Terms { tau: tau(samples, limit_us, terms.tau).value, ..terms };
    Claim::QuantileWithin { quantile }.judge(over, samples.len() as u64, terms)
}

#[cfg(test)]
mod tests;
