//! When a load must end at once: errors or slowness that hold or are proven, silent telemetry, a burning budget.
//!
//! A stop is an action and needs no proof; a failure is a claim and does. Only the conditions whose long window is proof
//! by itself let a verdict fail. Nothing here reads a clock: seconds and the time of each look are given.

mod burning;
mod rolling;
mod rules;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::proportion::binomial_tail_at_least;
use crate::ids::AppId;
use burning::Burning;
use rolling::Rolling;

pub use rules::StopRules;

/// What ended a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCondition {
    /// ST1: the share of errors in the short window was too high at many evaluations in a row.
    ErrorsHeld,
    /// ST2: the errors in the long window are proof.
    ErrorsProven,
    /// ST3: the share of slow answers held.
    SlowHeld,
    /// ST3: the slow answers in the long window are proof.
    SlowProven,
    /// ST4: telemetry was silent although requests went out.
    TelemetrySilent,
    /// ST4, but the harness itself was asleep: nobody knows whether telemetry was silent.
    HarnessAsleep,
    /// ST5: a page of the error budget fired.
    BurnPage,
}

/// The counts behind a stop.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopFigures {
    /// Seconds of the window, or of the silence.
    pub window_s: u64,
    /// Requests in it; for silence, those sent.
    pub n: u64,
    /// Bad ones among them.
    pub k: u64,
    /// The share that is too many, in `0..1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Evaluations in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<u64>,
    /// `P(Bin(n, limit) >= k)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// Evaluations that were planned; `p_value` is at most 0.05 over this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<u64>,
}

/// A condition that ended a load, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Which.
    pub condition: StopCondition,
    /// The step; `None` where it is about the whole load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The app it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// Seconds from the start of the judged part of the load.
    pub at_s: u64,
    /// The counts.
    pub figures: StopFigures,
    /// All of it in a line.
    pub sentence: String,
}

/// A step as stop conditions see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedStep {
    /// Its name.
    pub name: String,
    /// The app it goes to.
    pub app: AppId,
    /// Where slowness ends a load: the latency above which an answer is slow, in microseconds.
    pub slow_us: Option<u64>,
}

/// One second of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepSecond {
    /// Requests sent.
    pub sent: u64,
    /// Requests that came to an end.
    pub count: u64,
    /// Failed ones among them.
    pub errors: u64,
    /// Latencies taken, timeouts included.
    pub timed: u64,
    /// Those of them above the step's limit.
    pub slow: u64,
}

/// How near the nearest condition is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StopMargin {
    /// 0 for far, 1 for a stop.
    pub share: f64,
    /// `ST2 errors of quote: 3 of the 8 in 300 s that stop the load`.
    pub sentence: String,
}

/// The two rules on one share of one step.
#[derive(Debug)]
struct Share {
    what: &'static str,
    limit: f64,
    conditions: (StopCondition, StopCondition),
    short: Rolling,
    long: Rolling,
    held: u64,
}

#[derive(Debug)]
struct Watched {
    step: WatchedStep,
    errors: Share,
    slow: Option<Share>,
    burning: Burning,
}

/// Evaluates the conditions of one load as it runs.
#[derive(Debug)]
pub struct StopWatch {
    rules: StopRules,
    evaluations: u64,
    steps: Vec<Watched>,
    next_second: u64,
    telemetry: Option<Telemetry>,
    looked_at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Telemetry {
    heard_at: Duration,
    sent_since: u64,
    asleep_since: bool,
}

impl StopCondition {
    /// `ST1` to `ST5`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ErrorsHeld => "ST1",
            Self::ErrorsProven => "ST2",
            Self::SlowHeld | Self::SlowProven => "ST3",
            Self::TelemetrySilent | Self::HarnessAsleep => "ST4",
            Self::BurnPage => "ST5",
        }
    }

    /// True if it is proof of a broken share of errors.
    #[must_use]
    pub fn proves_errors(self) -> bool {
        self == Self::ErrorsProven
    }

    /// True if it is proof of a broken P95.
    #[must_use]
    pub fn proves_slowness(self) -> bool {
        self == Self::SlowProven
    }
}

impl fmt::Display for StopCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl StopWatch {
    /// Watches the steps of a load that takes `run`. `endpoints` counts all steps that run in parallel and share the
    /// probability of a stop by chance; it is taken as at least the number of `steps`.
    #[must_use]
    pub fn new(rules: StopRules, steps: Vec<WatchedStep>, run: Duration, endpoints: u64) -> Self {
        let endpoints = endpoints.max(steps.len() as u64);
        let watched = steps.into_iter().map(|step| {
            let slow = step.slow_us.map(|_| {
                Share::new(
                    "slow answers",
                    rules.slow_limit,
                    (StopCondition::SlowHeld, StopCondition::SlowProven),
                    &rules,
                )
            });
            let conditions = (StopCondition::ErrorsHeld, StopCondition::ErrorsProven);
            let errors = Share::new("errors", rules.error_limit, conditions, &rules);
            Watched { step, errors, slow, burning: Burning::new(&rules, run) }
        });
        Self {
            rules,
            evaluations: rules.evaluations(run, endpoints),
            steps: watched.collect(),
            next_second: 0,
            telemetry: None,
            looked_at: Duration::ZERO,
        }
    }

    /// Expects telemetry from now on: the start counts as heard.
    pub fn expect_telemetry(&mut self, at: Duration) {
        self.telemetry = Some(Telemetry { heard_at: at, sent_since: 0, asleep_since: false });
    }

    /// Notes that telemetry of this load arrived. Without [`Self::expect_telemetry`] it does nothing.
    pub fn telemetry_heard(&mut self, at: Duration) {
        if let Some(telemetry) = self.telemetry.as_mut().filter(|telemetry| telemetry.heard_at <= at) {
            *telemetry = Telemetry { heard_at: at, sent_since: 0, asleep_since: false };
        }
    }

    /// Takes the second number `second` (from 0; those left out count as empty), in the order of the steps, and looks at
    /// all conditions. `at` is when this happens, on the monotonic clock from the same start.
    ///
    /// The first condition that holds is returned, proof before all others.
    pub fn take(&mut self, second: u64, at: Duration, steps: &[StepSecond]) -> Option<Stop> {
        if second < self.next_second {
            return None;
        }
        // Longer than any window, nothing is left of what was before.
        let skipped = (second - self.next_second).min(30 * 24 * 3_600);
        for _ in 0..skipped {
            self.push(&[]);
        }
        self.push(steps);
        self.next_second = second + 1;
        let silent = self.look(at, steps);
        if !self.next_second.is_multiple_of(self.rules.tick_s) {
            return silent;
        }
        let mut stops = self.shares();
        stops.sort_by_key(|stop| !(stop.condition.proves_errors() || stop.condition.proves_slowness()));
        stops.into_iter().next().or(silent)
    }

    /// The condition that is nearest, as of the last second.
    #[must_use]
    pub fn nearest(&self) -> Option<StopMargin> {
        let bar = self.rules.alpha / self.evaluations as f64;
        let margins = self.steps.iter().flat_map(|watched| {
            let shares = [Some(&watched.errors), watched.slow.as_ref()].into_iter().flatten();
            shares.filter_map(|share| share.margin(&watched.step.name, &self.rules, bar))
        });
        margins.max_by(|one, other| one.share.total_cmp(&other.share))
    }

    fn push(&mut self, seconds: &[StepSecond]) {
        for (at, watched) in self.steps.iter_mut().enumerate() {
            let second = seconds.get(at).copied().unwrap_or_default();
            watched.errors.push(second.count, second.errors);
            watched.burning.push(second.count, second.errors);
            if let Some(slow) = &mut watched.slow {
                slow.push(second.timed, second.slow);
            }
        }
    }

    fn shares(&mut self) -> Vec<Stop> {
        let (rules, evaluations, at_s) = (self.rules, self.evaluations, self.next_second);
        let mut stops = Vec::new();
        for watched in &mut self.steps {
            let step = &watched.step;
            let limit = step.slow_us.map_or_else(String::new, |us| format!(" above {} ms", us as f64 / 1_000.0));
            let shares = [(Some(&mut watched.errors), ""), (watched.slow.as_mut(), limit.as_str())];
            for (share, above) in shares {
                let Some(share) = share else { continue };
                stops.extend(share.tick(&rules, evaluations).map(|(condition, figures)| {
                    let sentence = share.sentence(condition, &figures, step, above);
                    stop(condition, step, at_s, figures, sentence)
                }));
            }
            if let Some((figures, what)) = watched.burning.page(rules.budget_ppm) {
                let sentence = format!("ST5: {} of {}: {what}", step.name, step.app);
                stops.push(stop(StopCondition::BurnPage, step, at_s, figures, sentence));
            }
        }
        stops
    }

    /// ST4.
    fn look(&mut self, at: Duration, steps: &[StepSecond]) -> Option<Stop> {
        let missed = at.saturating_sub(self.looked_at) > self.rules.missed;
        self.looked_at = at;
        let telemetry = self.telemetry.as_mut()?;
        telemetry.sent_since += steps.iter().map(|step| step.sent).sum::<u64>();
        telemetry.asleep_since |= missed;
        let silence = at.saturating_sub(telemetry.heard_at);
        if silence <= self.rules.silence || telemetry.sent_since == 0 {
            return None;
        }
        let (condition, why) = if telemetry.asleep_since {
            (StopCondition::HarnessAsleep, "and the harness itself was not there to hear it")
        } else {
            (StopCondition::TelemetrySilent, "so nothing of this load has a second source")
        };
        let figures = StopFigures { window_s: silence.as_secs(), n: telemetry.sent_since, ..StopFigures::default() };
        let sentence = format!(
            "ST4: no telemetry was heard for {} s in which {} requests were sent, {why}",
            silence.as_secs(),
            telemetry.sent_since
        );
        Some(Stop { condition, step: None, app: None, at_s: self.next_second, figures, sentence })
    }
}

fn stop(condition: StopCondition, step: &WatchedStep, at_s: u64, figures: StopFigures, sentence: String) -> Stop {
    Stop { condition, step: Some(step.name.clone()), app: Some(step.app), at_s, figures, sentence }
}

impl Share {
    fn new(what: &'static str, limit: f64, conditions: (StopCondition, StopCondition), rules: &StopRules) -> Self {
        let (short, long) = (Rolling::new(rules.held_window_s), Rolling::new(rules.proven_window_s));
        Self { what, limit, conditions, short, long, held: 0 }
    }

    fn push(&mut self, n: u64, k: u64) {
        self.short.push(n, k);
        self.long.push(n, k);
    }

    fn tick(&mut self, rules: &StopRules, evaluations: u64) -> Option<(StopCondition, StopFigures)> {
        let (n, k) = (self.short.n(), self.short.k());
        let bad = k >= rules.least_bad && n >= rules.least_requests && k as f64 >= self.limit * n as f64;
        self.held = if bad && self.short.is_full() { self.held + 1 } else { 0 };
        if let Some(p_value) = self.proof(rules.alpha / evaluations as f64) {
            let (window_s, n, k) = (rules.proven_window_s, self.long.n(), self.long.k());
            let (limit, p_value, evaluations) = (Some(self.limit), Some(p_value), Some(evaluations));
            let figures = StopFigures { window_s, n, k, limit, p_value, evaluations, ticks: None };
            return Some((self.conditions.1, figures));
        }
        let (window_s, limit, ticks) = (rules.held_window_s, Some(self.limit), Some(self.held));
        let figures = StopFigures { window_s, n, k, limit, ticks, ..StopFigures::default() };
        (self.held >= rules.held_ticks).then_some((self.conditions.0, figures))
    }

    /// The probability of the long window at the limit, if it is at most `bar`.
    fn proof(&self, bar: f64) -> Option<f64> {
        let (n, k) = (self.long.n(), self.long.k());
        // At or below the limit the tail is about a half: not worth computing.
        if !self.long.is_full() || k as f64 <= self.limit * n as f64 {
            return None;
        }
        Some(binomial_tail_at_least(k, n, self.limit)).filter(|p| *p <= bar)
    }

    fn sentence(&self, condition: StopCondition, figures: &StopFigures, step: &WatchedStep, above: &str) -> String {
        let StopFigures { window_s, n, k, .. } = figures;
        let (what, limit) = (self.what, self.limit * 100.0);
        let head =
            format!("{condition}: {} of {}: {k} {what}{above} in {n} requests of {window_s} s", step.name, step.app);
        match (figures.p_value, figures.ticks) {
            (Some(p), _) => format!(
                "{head}; at a true share of {limit} % that has probability {p:.1e}, at most 0.05 over {} planned evaluations",
                figures.evaluations.unwrap_or(1)
            ),
            (None, ticks) => {
                format!("{head}, at or above {limit} % at {} evaluations in a row", ticks.unwrap_or(0))
            }
        }
    }

    fn margin(&self, step: &str, rules: &StopRules, bar: f64) -> Option<StopMargin> {
        let (n, k) = (self.long.n(), self.long.k());
        let what = self.what;
        let by_count = stopping_count(n, self.limit, bar).filter(|_| k > 0).map(|needed| StopMargin {
            share: (k as f64 / needed as f64).min(1.0),
            sentence: format!(
                "{} {what} of {step}: {k} of the {needed} in {} s that stop the load",
                self.conditions.1, rules.proven_window_s
            ),
        });
        let by_time = (self.held > 0).then(|| StopMargin {
            share: (self.held as f64 / rules.held_ticks as f64).min(1.0),
            sentence: format!(
                "{} {what} of {step}: too many at {} of the {} evaluations in a row that stop the load",
                self.conditions.0, self.held, rules.held_ticks
            ),
        });
        [by_count, by_time].into_iter().flatten().max_by(|one, other| one.share.total_cmp(&other.share))
    }
}

/// The smallest `k` with `P(Bin(n, limit) >= k) <= bar`; `None` if not even `n` of `n` would do.
fn stopping_count(n: u64, limit: f64, bar: f64) -> Option<u64> {
    (n > 0 && binomial_tail_at_least(n, n, limit) <= bar)
        .then(|| super::rank::first_where(1, n, |k| binomial_tail_at_least(k, n, limit) <= bar))
}

#[cfg(test)]
mod tests;
