//! The same load by our engine, and where k6's counts differ from it.

use common::guard::Guard;
use common::load::{self, LoadOptions, LoadReport};
use common::scenario::{Executor, Scenario};
use futures_util::future::join_all;

use super::outcome::Outcome;
use crate::embedded::Embedded;
use crate::export::k6::shortened;

/// Loads the apps with all scenarios of a script side by side, shortened as the script is.
pub(super) async fn engine(scenarios: &[Scenario], on: &Embedded, scale: f64) -> Result<Vec<LoadReport>, String> {
    let guard = Guard::new(on.environment.clone());
    let short: Vec<_> = scenarios.iter().map(|scenario| shorter(scenario, scale)).collect();
    let reports = join_all(short.iter().map(|scenario| load::run(scenario, &guard, LoadOptions::default()))).await;
    reports.into_iter().map(|report| report.map_err(|error| format!("the engine: {error}"))).collect()
}

fn shorter(scenario: &Scenario, scale: f64) -> Scenario {
    let executor: Executor = shortened(&scenario.executor, scale);
    scenario.clone().executor(executor)
}

/// Where k6 and the engine disagree on what was sent and whether it was right; empty if they agree.
///
/// Durations are left out: they depend on what else the machine does, and k6 takes them from another moment.
pub(super) fn differences(scenarios: &[Scenario], ours: &[LoadReport], k6: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    for (scenario, report) in scenarios.iter().zip(ours) {
        let id = &scenario.id;
        let dropped = k6.count(&format!("dropped_iterations{{scenario:{id}}}"));
        for step in &report.steps {
            if step.ok != step.count {
                problems.push(format!(
                    "{id}, {}: {} of {} failed in the engine",
                    step.name,
                    step.count - step.ok,
                    step.count
                ));
            }
            let sent = k6.count(&format!("http_reqs{{scenario:{id},name:{}}}", step.name));
            if !is_close(sent + dropped, step.count) {
                let (name, count) = (&step.name, step.count);
                problems.push(format!("{id}, {name}: k6 sent {sent} and dropped {dropped}, the engine sent {count}"));
            }
        }
        for (metric, good) in [("checks", 1.0), ("unexpected_answers", 0.0), ("http_req_failed", 0.0)] {
            let rate = k6.rate(&format!("{metric}{{scenario:{id}}}"));
            if rate.is_none_or(|rate| (rate - good).abs() > f64::EPSILON) {
                problems.push(format!("{id}: {metric} is {rate:?} in k6, not {good}"));
            }
        }
    }
    let started: u64 = ours.iter().map(|report| report.iterations.started).sum();
    let (iterations, dropped) = (k6.count("iterations"), k6.count("dropped_iterations"));
    if !is_close(iterations + dropped, started) {
        problems.push(format!("k6 did {iterations} iterations and dropped {dropped}, the engine began {started}"));
    }
    let crossed = k6.crossed().into_iter();
    problems.extend(crossed.filter(|one| !depends_on_the_machine(one)).map(|one| format!("k6 crossed {one}")));
    problems
}

/// The ends of two schedules may differ by an iteration or two.
fn is_close(one: u64, other: u64) -> bool {
    one.abs_diff(other) <= 2.max(other / 100)
}

fn depends_on_the_machine(threshold: &str) -> bool {
    threshold.starts_with("http_req_duration") || threshold.starts_with("dropped_iterations")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_schedules_may_differ_at_their_ends_only() {
        assert!(is_close(178, 180) && is_close(1_000, 1_009));
        assert!(!is_close(177, 180) && !is_close(0, 180) && !is_close(360, 180));
    }

    #[test]
    fn a_crossed_limit_of_time_says_nothing_on_a_busy_machine() {
        assert!(depends_on_the_machine("http_req_duration{scenario:a}: p(95)<=150"));
        assert!(!depends_on_the_machine("checks{scenario:a}: rate>0.99"));
    }
}
