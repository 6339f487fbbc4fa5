//! Is a quarter of an hour of load settled enough to be judged? Found per minute, from the end of the warm-up on.
//!
//! A window is stable only if that is shown: its last third is as fast as its first (an equivalence test, not the
//! absence of a difference), and nothing speaks against it.

mod flaw;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::autocorr::{NEVER_US, indicator_tau};
use super::decision::{Decision, Reason};
use super::judge::{Claim, Terms};
use super::proportion::{at_least, at_most};
use super::quantile::{Quantile, nearest_rank};
use super::ratio::{QuantileRatio, QuantileSample, quantile_ratio};

pub use flaw::Flaw;

/// The length of a window, in minutes.
pub const WINDOW_MINUTES: usize = 15;
/// What is left out before the first window, in minutes.
pub const WARM_UP_MINUTES: usize = 1;
/// Windows end within so many minutes after the warm-up.
pub const SEARCH_MINUTES: usize = 60;
/// A send that is late by this much, in microseconds, counts as lagging.
pub const LAGGING_US: u64 = 5_000;

/// Telemetry may be silent for this long.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// In every minute at least this many of a hundred planned requests are sent.
const LEAST_SENT_PERCENT: u128 = 98;
/// Thirds may differ by this factor, either way.
const EVEN: f64 = 1.2;
/// A minute may differ from the window by this factor, either way.
const MINUTE_EVEN: f64 = 1.5;
/// A minute's p-value below this, over all minutes of a window, is no chance.
const MINUTE_P: f64 = 0.001;

/// What one minute of load on one endpoint was like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Minute {
    /// Requests that were due.
    pub planned: u64,
    /// For every request that was sent, in send order, whether it failed.
    pub failed: Vec<bool>,
    /// The latencies that count, in send order, in microseconds; [`NEVER_US`] for a request that never answered.
    pub latencies_us: Vec<u64>,
    /// Sends that were late by [`LAGGING_US`] or more.
    pub lagging: u64,
    /// The longest silence of telemetry that reached into this minute while requests were due.
    pub silence: Duration,
    /// True if something was restarted, deployed, reconfigured or broken on purpose, or if a digest of build or
    /// configuration differs from the one before.
    pub disturbed: bool,
}

/// Whether a window may be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stability {
    /// It was shown to be even.
    Stable,
    /// Nothing speaks against it, and it was not shown.
    Undecided,
    /// Something speaks against it.
    Unstable,
}

/// What was found about a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowReport {
    /// Whether it may be judged.
    pub stability: Stability,
    /// What speaks against it; empty unless it is unstable.
    pub flaws: Vec<Flaw>,
    /// The ratio of the medians of its last and first third, at 95 %: stable needs both limits within a factor of 1.2.
    pub medians: QuantileRatio,
}

impl WindowReport {
    /// Why a verdict cannot be made of the window; [`Reason::Ok`] for a stable one.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match (self.stability, self.flaws.first()) {
            (Stability::Stable, _) => Reason::Ok,
            (Stability::Undecided, _) => Reason::UndecidedStability,
            (Stability::Unstable, flaw) => flaw.map_or(Reason::Unstable, |flaw| flaw.reason()),
        }
    }
}

/// A stable window of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StableWindow {
    /// Its first minute, from 0 at the start of the load.
    pub first_minute: usize,
    /// What was found about it.
    pub report: WindowReport,
}

/// The first stable window of a load whose error rate must stay below `error_limit`.
///
/// # Errors
///
/// [`Reason::TooFew`] for a load shorter than warm-up and window; [`Reason::Unstable`] once no window within
/// [`SEARCH_MINUTES`] is stable; before that, while the load may go on, why the last one is not.
pub fn first_stable(minutes: &[Minute], error_limit: f64) -> Result<StableWindow, Reason> {
    let settled = minutes.get(WARM_UP_MINUTES..).unwrap_or_default();
    let searched = &settled[..settled.len().min(SEARCH_MINUTES)];
    let mut last = Reason::TooFew;
    for (start, window) in searched.windows(WINDOW_MINUTES).enumerate() {
        let report = judge_window(window, error_limit);
        last = report.reason();
        if report.stability == Stability::Stable {
            return Ok(StableWindow { first_minute: WARM_UP_MINUTES + start, report });
        }
    }
    Err(if searched.len() == SEARCH_MINUTES { Reason::Unstable } else { last })
}

/// On what terms a window is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowRules {
    /// The errors of a third break their limit if their share is shown to be at least this, in `0..1`.
    pub error_limit: f64,
    /// Latencies that differ by no more than this are even whatever their ratio, in microseconds: a drift from 1 ms to
    /// 2 ms says nothing about a limit of 150 ms. 0 for ratios alone.
    pub resolution_us: u64,
}

/// Judges whether a window is stable, by ratios alone; see [`WindowRules::judge`].
#[must_use]
pub fn judge_window(minutes: &[Minute], error_limit: f64) -> WindowReport {
    WindowRules { error_limit, resolution_us: 0 }.judge(minutes)
}

impl WindowRules {
    /// Judges whether a window is stable.
    ///
    /// Unstable: telemetry was silent for over 60 s, a minute sent less than 98 % of its plan, the P99 of the send lag is 5
    /// ms or more, something was changed; the P50 or P95 of two thirds differ by more than a factor of 1.2 at 99 %; a
    /// minute's median is off by more than a factor of 1.5 with a two-sided binomial p-value below 0.001/15 of its count
    /// above the window's median; or the errors of a third break their limit. Otherwise stable if the 95 % interval of
    /// the ratio of the medians of the last and the first third lies within a factor of 1.2, else undecided.
    #[must_use]
    pub fn judge(self, minutes: &[Minute]) -> WindowReport {
        let thirds = thirds(minutes);
        let latencies = thirds.map(|third| gathered(third, |minute| &minute.latencies_us));
        let medians = latencies.each_ref().map(|third| QuantileSample::of(third, Quantile::P50, 1.0));
        let tails = latencies.each_ref().map(|third| QuantileSample::of(third, Quantile::P95, 1.0));
        let mut flaws = conditions(minutes);
        flaws.extend(self.shifts(&medians));
        flaws.extend(self.shifts(&tails));
        let mut taus = medians.each_ref().map(QuantileSample::tau);
        taus.sort_unstable_by(f64::total_cmp);
        flaws.extend(self.odd_minutes(minutes, taus[1]));
        let broken = |third: &usize| errors_break(thirds[*third], self.error_limit);
        flaws.extend((0..3).filter(broken).map(|third| Flaw::Errors { third }));
        let ratio = quantile_ratio(&medians[0], &medians[2], 0.95, None);
        let stability = match (flaws.is_empty(), self.is_even(&ratio)) {
            (false, _) => Stability::Unstable,
            (true, false) => Stability::Undecided,
            (true, true) => Stability::Stable,
        };
        WindowReport { stability, flaws, medians: ratio }
    }

    /// True if the limits of the ratio show that both sides are even: each within a factor of 1.2, or within the
    /// resolution of the earlier side.
    fn is_even(self, ratio: &QuantileRatio) -> bool {
        let within = |limit: f64| (EVEN.recip()..=EVEN).contains(&limit) || self.is_fine(ratio, limit);
        ratio.lower.is_some_and(within) && ratio.upper.is_some_and(within)
    }

    /// True if a latency that is `factor` times the earlier one differs from it by no more than the resolution.
    fn is_fine(self, ratio: &QuantileRatio, factor: f64) -> bool {
        ratio.before.value.is_some_and(|us| (factor - 1.0).abs() * us as f64 <= self.resolution_us as f64)
    }

    /// Pairs of thirds whose quantiles differ by more than is even, at 99 %.
    fn shifts(self, thirds: &[QuantileSample; 3]) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        for (from, to) in [(0, 1), (0, 2), (1, 2)] {
            let ratio = quantile_ratio(&thirds[from], &thirds[to], 0.99, None);
            let apart = |limit: f64| !self.is_fine(&ratio, limit);
            let above = ratio.lower.is_some_and(|lower| lower > EVEN && apart(lower));
            let below = ratio.upper.is_some_and(|upper| upper < EVEN.recip() && apart(upper));
            if above || below {
                flaws.push(Flaw::Shift { quantile: thirds[from].quantile(), from, to });
            }
        }
        flaws
    }

    /// Minutes whose median is off, counts divided by `tau`.
    fn odd_minutes(self, minutes: &[Minute], tau: f64) -> Vec<Flaw> {
        let sorted = |mut values: Vec<u64>| {
            values.sort_unstable();
            values
        };
        let all = sorted(gathered(minutes, |minute| &minute.latencies_us));
        let Some(middle) = nearest_rank(&all, Quantile::P50) else { return Vec::new() };
        let odd = |minute: &Minute| {
            let own = sorted(minute.latencies_us.clone());
            let Some(median) = nearest_rank(&own, Quantile::P50) else { return false };
            let fine = median.abs_diff(middle) <= self.resolution_us;
            let (median, middle_us) = (magnitude(median), magnitude(middle));
            let off = median > MINUTE_EVEN * middle_us || median * MINUTE_EVEN < middle_us;
            let above = own.iter().filter(|us| **us > middle).count() as f64;
            !fine && off && two_sided_binomial_p(above / tau, own.len() as f64 / tau) < MINUTE_P / WINDOW_MINUTES as f64
        };
        minutes.iter().enumerate().filter(|(_, of)| odd(of)).map(|(minute, _)| Flaw::OddMinute { minute }).collect()
    }
}

/// Three parts of the same length; what is left over goes to the last.
fn thirds(minutes: &[Minute]) -> [&[Minute]; 3] {
    let (first, rest) = minutes.split_at(minutes.len() / 3);
    let (second, third) = rest.split_at(minutes.len() / 3);
    [first, second, third]
}

fn gathered<T: Clone>(minutes: &[Minute], of: impl Fn(&Minute) -> &Vec<T>) -> Vec<T> {
    minutes.iter().flat_map(|minute| of(minute).iter().cloned()).collect()
}

/// What must hold before latencies are looked at.
fn conditions(minutes: &[Minute]) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    if minutes.len() != WINDOW_MINUTES {
        flaws.push(Flaw::Length);
    }
    for (minute, of) in minutes.iter().enumerate() {
        if of.silence > LONGEST_SILENCE {
            flaws.push(Flaw::Silence { minute });
        }
        let (sent, planned) = (of.failed.len() as u128, u128::from(of.planned));
        if planned == 0 || 100 * sent < LEAST_SENT_PERCENT * planned {
            flaws.push(Flaw::Unsent { minute });
        }
        if of.disturbed {
            flaws.push(Flaw::Disturbed { minute });
        }
    }
    let sent = minutes.iter().map(|minute| minute.failed.len() as u64).sum();
    let lagging = minutes.iter().fold(0_u64, |sum, minute| sum.saturating_add(minute.lagging));
    // The P99 is below the bound exactly if no more sends than those ranked above it reach the bound.
    if Quantile::P99.rank(sent).is_some_and(|rank| lagging > sent - rank) {
        flaws.push(Flaw::Lag);
    }
    flaws
}

/// A latency as a number that can be multiplied.
fn magnitude(us: u64) -> f64 {
    if us == NEVER_US { f64::INFINITY } else { us as f64 }
}

/// Twice the smaller tail of `k` among `n` at one half, continued to fractions.
fn two_sided_binomial_p(k: f64, n: f64) -> f64 {
    (2.0 * at_least(k, n, 0.5).min(at_most(k, n, 0.5))).min(1.0)
}

fn errors_break(third: &[Minute], limit: f64) -> bool {
    let failed = gathered(third, |minute| &minute.failed);
    let errors = failed.iter().filter(|failed| **failed).count() as u64;
    let terms = Terms { tau: indicator_tau(failed.iter().copied()), ..Terms::default() };
    Claim::ErrorRateBelow { limit }.judge(errors, failed.len() as u64, terms).decision == Decision::Fail
}

#[cfg(test)]
mod tests;
