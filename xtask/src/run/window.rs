//! Was the load on a route even enough to be judged? The stable window of a full run, at the time scale of this one.

use std::collections::BTreeSet;
use std::time::Duration;

use common::contract::Slo;
use common::load::{self, LoadReport, SecondPoint, StepReport};
use common::scenario::{Executor, Scenario};
use common::slo::{Minute, NEVER_US, Stability, WINDOW_MINUTES, WindowReport, WindowRules, indicator_tau};
use common::verdict::{Part, Steadiness};

use super::prior::Prior;

/// Latencies that differ by no more than this say nothing about a limit: 5 ms or 5 % of the limit, which is also what the
/// generator allows itself.
const RESOLUTION_US: u64 = 5_000;

/// A slice of a window has at least this many requests.
const SLICE: u64 = 10;

/// Judges the evenness of a load on one route; `None` for a load that is not meant to be even.
///
/// A shorter profile has the same window in less time: the load is cut into as many slices as a full window has minutes,
/// each with the same number of requests, which at a constant pace are slices of equal time.
pub(super) fn judge(scenario: &Scenario, report: &LoadReport, step: &StepReport, slo: &Slo) -> Option<WindowReport> {
    let even = matches!(scenario.executor, Executor::ConstantVus { .. } | Executor::ConstantArrivalRate { .. });
    let rules = WindowRules { error_limit: slo.error_rate_pct / 100.0, resolution_us: resolution_us(slo) };
    let judged = even.then(|| rules.judge(&slices(report, step)))?;
    // A handful of requests in a slice says nothing about it, neither way.
    let few = step.kept() < SLICE * WINDOW_MINUTES as u64;
    Some(if few { WindowReport { stability: Stability::Undecided, flaws: Vec::new(), ..judged } } else { judged })
}

/// Latencies that differ by no more than this say nothing about the limit, in microseconds.
pub(super) fn resolution_us(slo: &Slo) -> u64 {
    RESOLUTION_US.max(u64::from(slo.p95_ms) * 1_000 / 20)
}

/// What the load says of its own steadiness, and what earlier runs say.
pub(super) fn steadiness(step: &StepReport, slo: &Slo, window: Option<&WindowReport>, prior: Prior) -> Steadiness {
    let flaws: Vec<_> = window.iter().flat_map(|window| &window.flaws).map(ToString::to_string).collect();
    Steadiness {
        established: prior.is_established(),
        window: window.map(|window| window.stability),
        flaws: flaws.join(", "),
        error_halves: error_halves(step),
        slow_thirds: slow_thirds(step, u64::from(slo.p95_ms) * 1_000),
    }
}

/// Requests and failures of both halves of the load; nothing if not every second was kept.
fn error_halves(step: &StepReport) -> Vec<Part> {
    if step.series_truncated {
        return Vec::new();
    }
    let seconds: Vec<_> = step.series.iter().filter(|second| !second.warm_up).collect();
    let sum = |seconds: &[&SecondPoint]| Part {
        n: seconds.iter().map(|second| second.ok + second.errors).sum(),
        bad: seconds.iter().map(|second| second.errors).sum(),
    };
    let (first, last) = seconds.split_at(seconds.len() / 2);
    vec![sum(first), sum(last)]
}

/// Timed requests and those over the limit of the three thirds; nothing if not every request was kept.
fn slow_thirds(step: &StepReport, limit_us: u64) -> Vec<Part> {
    if step.samples_truncated {
        return Vec::new();
    }
    let all = &step.samples_us;
    let slow = |us: &&u32| **us == load::INFINITE_US || u64::from(**us) > limit_us;
    let third = |at: usize| {
        let own = &all[all.len() * at / 3..all.len() * (at + 1) / 3];
        Part { n: own.len() as u64, bad: own.iter().filter(slow).count() as u64 }
    };
    (0..3).map(third).collect()
}

/// Autocorrelation time of "this request failed" in send order.
pub(super) fn error_tau(step: &StepReport) -> f64 {
    let failed: BTreeSet<u64> = step.failed_at.iter().map(|at| u64::from(*at)).collect();
    // Beyond the samples that are kept, nothing is known of single requests.
    indicator_tau((0..step.kept()).map(|at| failed.contains(&at)))
}

fn slices(report: &LoadReport, step: &StepReport) -> Vec<Minute> {
    let health = &report.health;
    let failed: BTreeSet<usize> = step.failed_at.iter().map(|at| *at as usize).collect();
    let kept = usize::try_from(step.kept()).unwrap_or(usize::MAX);
    let share = |of: usize, slice: usize| of * slice / WINDOW_MINUTES..of * (slice + 1) / WINDOW_MINUTES;
    let finite = |us: &u32| if *us == load::INFINITE_US { NEVER_US } else { u64::from(*us) };
    let slice = |at: usize| {
        let failed: Vec<bool> = share(kept, at).map(|place| failed.contains(&place)).collect();
        let sent = failed.len() as u64;
        // What was dropped is spread over the whole load: when, the report does not tell.
        let begun = health.planned.saturating_sub(health.dropped);
        let planned = (sent * health.planned).checked_div(begun).unwrap_or(sent);
        Minute {
            planned,
            latencies_us: step.samples_us[share(step.samples_us.len(), at)].iter().map(finite).collect(),
            // The generator judges its own lateness, which only ever adds to a latency and excuses what is no pass.
            lagging: 0,
            failed,
            silence: Duration::ZERO,
            disturbed: false,
        }
    };
    (0..WINDOW_MINUTES).map(slice).collect()
}
