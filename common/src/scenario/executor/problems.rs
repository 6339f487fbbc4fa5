//! What is wrong with an executor. The greatest values are far beyond any load that a guard permits; within them no sum
//! and no schedule overflows.

use super::{Executor, Stage};

/// 30 days.
const MAX_MS: u64 = 30 * 24 * 3_600 * 1_000;
/// Users, and iterations per time unit.
const MAX_COUNT: u64 = 1_000_000;
const MAX_ITERATIONS: u64 = 1_000_000_000_000;

#[derive(Default)]
struct Findings(Vec<String>);

/// Every problem of an executor, in order of its fields.
pub(super) fn of(executor: &Executor) -> Vec<String> {
    let mut findings = Findings::default();
    match executor {
        Executor::ConstantVus { vus, duration_ms, iteration_interval_ms } => {
            findings.within("vus", u64::from(*vus), MAX_COUNT);
            findings.within("duration_ms", *duration_ms, MAX_MS);
            findings.within("iteration_interval_ms", iteration_interval_ms.unwrap_or(1), MAX_MS);
        }
        Executor::RampingVus { start_vus, stages, iteration_interval_ms } => {
            findings.stages("start_vus", *start_vus, stages, "users");
            findings.within("iteration_interval_ms", iteration_interval_ms.unwrap_or(1), MAX_MS);
        }
        Executor::SharedIterations { vus, iterations, max_duration_ms } => {
            findings.iterations(*vus, *iterations, *max_duration_ms);
            if *iterations > 0 && *iterations < u64::from(*vus) {
                findings.add(format!("`iterations` ({iterations}) is less than `vus` ({vus}): some would do nothing"));
            }
        }
        Executor::PerVuIterations { vus, iterations, max_duration_ms } => {
            findings.iterations(*vus, *iterations, *max_duration_ms);
            let all = iterations.saturating_mul(u64::from(*vus));
            if *iterations <= MAX_ITERATIONS && all > MAX_ITERATIONS {
                findings.add(format!("`iterations` ({iterations}) of {vus} users are more than {MAX_ITERATIONS}"));
            }
        }
        Executor::ConstantArrivalRate { rate, time_unit_ms, duration_ms, pre_allocated_vus, max_vus } => {
            findings.within("rate", u64::from(*rate), MAX_COUNT);
            findings.within("time_unit_ms", *time_unit_ms, MAX_MS);
            findings.within("duration_ms", *duration_ms, MAX_MS);
            findings.pool(*pre_allocated_vus, *max_vus);
        }
        Executor::RampingArrivalRate { start_rate, time_unit_ms, stages, pre_allocated_vus, max_vus } => {
            findings.within("time_unit_ms", *time_unit_ms, MAX_MS);
            findings.stages("start_rate", *start_rate, stages, "iterations per time unit");
            findings.pool(*pre_allocated_vus, *max_vus);
        }
    }
    findings.0
}

impl Findings {
    fn add(&mut self, problem: String) {
        self.0.push(problem);
    }

    fn within(&mut self, name: &str, value: u64, most: u64) {
        if value == 0 {
            self.add(format!("`{name}` is 0; it must be at least 1"));
        } else if value > most {
            self.add(format!("`{name}` is {value}; it must be at most {most}"));
        }
    }

    fn iterations(&mut self, vus: u32, iterations: u64, max_duration_ms: u64) {
        self.within("vus", u64::from(vus), MAX_COUNT);
        self.within("iterations", iterations, MAX_ITERATIONS);
        self.within("max_duration_ms", max_duration_ms, MAX_MS);
    }

    fn pool(&mut self, pre_allocated_vus: u32, max_vus: u32) {
        self.within("max_vus", u64::from(max_vus), MAX_COUNT);
        if pre_allocated_vus > max_vus {
            self.add(format!("`pre_allocated_vus` ({pre_allocated_vus}) is more than `max_vus` ({max_vus})"));
        }
    }

    /// Stages that jump are fine, and so are those at zero; all of them without length or at zero are not.
    fn stages(&mut self, name: &str, start: u32, stages: &[Stage], what: &str) {
        if u64::from(start) > MAX_COUNT {
            self.add(format!("`{name}` is {start}; it must be at most {MAX_COUNT}"));
        }
        if stages.is_empty() {
            return self.add("`stages` is empty; it needs at least one stage with a duration and a target".to_owned());
        }
        for (at, stage) in stages.iter().enumerate() {
            if u64::from(stage.target) > MAX_COUNT {
                self.add(format!("`stages[{at}].target` is {}; it must be at most {MAX_COUNT}", stage.target));
            }
        }
        let whole = stages.iter().try_fold(0, |sum: u64, stage| sum.checked_add(stage.duration_ms));
        match whole {
            Some(0) => self.add("all `stages` together last 0 ms; at least one must take time".to_owned()),
            Some(whole) if whole <= MAX_MS => self.area(start, stages, what),
            _ => self.add(format!("all `stages` together last too long; {MAX_MS} ms (30 days) is the most")),
        }
    }

    fn area(&mut self, start: u32, stages: &[Stage], what: &str) {
        let mut from = start;
        let mut loaded = false;
        for stage in stages {
            loaded |= stage.duration_ms > 0 && (from > 0 || stage.target > 0);
            from = stage.target;
        }
        if !loaded {
            self.add(format!("the {what} are 0 in all `stages`; nothing would be sent"));
        }
    }
}
