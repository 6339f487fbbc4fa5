//! Executors as k6's, and how many iterations they mean.

use common::scenario::{Executor, Stage};

/// The fields of an entry of `options.scenarios`, one a line.
///
/// k6 has no paced users. Ours have intended starts, spread evenly over the interval, late ones as soon as the user is
/// free: that is k6's arrival rate of `vus` per interval with as many users.
pub(super) fn fields(executor: &Executor) -> Vec<String> {
    match executor {
        Executor::ConstantVus { vus, duration_ms, iteration_interval_ms: None } => {
            vec![name("constant-vus"), format!("vus: {vus}"), format!("duration: {}", scaled(*duration_ms))]
        }
        Executor::ConstantVus { vus, duration_ms, iteration_interval_ms: Some(interval) } => {
            constant_rate(*vus, *interval, *duration_ms, [*vus, *vus])
        }
        Executor::ConstantArrivalRate { rate, time_unit_ms, duration_ms, pre_allocated_vus, max_vus } => {
            constant_rate(*rate, *time_unit_ms, *duration_ms, [*pre_allocated_vus, *max_vus])
        }
        Executor::RampingVus { start_vus, stages, iteration_interval_ms: None } => {
            vec![name("ramping-vus"), format!("startVUs: {start_vus}"), self::stages(stages)]
        }
        Executor::RampingVus { start_vus, stages, iteration_interval_ms: Some(interval) } => {
            ramping_rate(*start_vus, *interval, stages, [executor.max_vus(); 2])
        }
        Executor::RampingArrivalRate { start_rate, time_unit_ms, stages, pre_allocated_vus, max_vus } => {
            ramping_rate(*start_rate, *time_unit_ms, stages, [*pre_allocated_vus, *max_vus])
        }
        Executor::SharedIterations { vus, iterations, max_duration_ms } => {
            a_number("shared-iterations", *vus, *iterations, *max_duration_ms)
        }
        Executor::PerVuIterations { vus, iterations, max_duration_ms } => {
            a_number("per-vu-iterations", *vus, *iterations, *max_duration_ms)
        }
    }
}

/// True if users keep a pace, which k6 knows as an arrival rate only.
pub(super) fn is_paced(executor: &Executor) -> bool {
    matches!(
        executor,
        Executor::ConstantVus { iteration_interval_ms: Some(_), .. }
            | Executor::RampingVus { iteration_interval_ms: Some(_), .. }
    )
}

/// Iterations that are meant to start over the full duration; `None` where the answers decide.
#[expect(clippy::cast_precision_loss, reason = "milliseconds and rates of a load are far below 2^53")]
pub(super) fn planned(executor: &Executor) -> Option<f64> {
    let even = |rate: u32, unit_ms: u64, ms: u64| f64::from(rate) * ms as f64 / unit_ms.max(1) as f64;
    let lines = |start: u32, unit_ms: u64, stages: &[Stage]| {
        let mut from = start;
        let areas = stages.iter().map(|stage| {
            let mean = (f64::from(from) + f64::from(stage.target)) / 2.0;
            from = stage.target;
            mean * stage.duration_ms as f64 / unit_ms.max(1) as f64
        });
        areas.sum()
    };
    match executor {
        Executor::ConstantVus { vus, duration_ms, iteration_interval_ms } => {
            iteration_interval_ms.map(|interval| even(*vus, interval, *duration_ms))
        }
        Executor::ConstantArrivalRate { rate, time_unit_ms, duration_ms, .. } => {
            Some(even(*rate, *time_unit_ms, *duration_ms))
        }
        Executor::RampingVus { start_vus, stages, iteration_interval_ms } => {
            iteration_interval_ms.map(|interval| lines(*start_vus, interval, stages))
        }
        Executor::RampingArrivalRate { start_rate, time_unit_ms, stages, .. } => {
            Some(lines(*start_rate, *time_unit_ms, stages))
        }
        Executor::SharedIterations { .. } | Executor::PerVuIterations { .. } => None,
    }
}

/// The executor as `K6_DURATION_SCALE` shortens it: durations rounded to milliseconds, numbers of iterations unchanged.
pub(crate) fn shortened(executor: &Executor, scale: f64) -> Executor {
    let mut shortened = executor.clone();
    let shorten = |ms: &mut u64| {
        if *ms > 0 {
            *ms = scaled_ms(*ms, scale);
        }
    };
    match &mut shortened {
        Executor::ConstantVus { duration_ms, .. } | Executor::ConstantArrivalRate { duration_ms, .. } => {
            shorten(duration_ms);
        }
        Executor::SharedIterations { max_duration_ms, .. } | Executor::PerVuIterations { max_duration_ms, .. } => {
            shorten(max_duration_ms);
        }
        Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
            stages.iter_mut().for_each(|stage| shorten(&mut stage.duration_ms));
        }
    }
    shortened
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "far below 2^53"
)]
fn scaled_ms(ms: u64, scale: f64) -> u64 {
    ((ms as f64 * scale).round() as u64).max(1)
}

fn name(executor: &str) -> String {
    format!("executor: '{executor}'")
}

fn constant_rate(rate: u32, unit_ms: u64, duration_ms: u64, vus: [u32; 2]) -> Vec<String> {
    let mut fields = vec![name("constant-arrival-rate"), format!("rate: {rate}"), unit(unit_ms)];
    fields.push(format!("duration: {}", scaled(duration_ms)));
    fields.extend(users(vus));
    fields
}

fn ramping_rate(start: u32, unit_ms: u64, lines: &[Stage], vus: [u32; 2]) -> Vec<String> {
    let mut fields = vec![name("ramping-arrival-rate"), format!("startRate: {start}"), unit(unit_ms), stages(lines)];
    fields.extend(users(vus));
    fields
}

fn a_number(executor: &str, vus: u32, iterations: u64, max_duration_ms: u64) -> Vec<String> {
    let most = format!("maxDuration: {}", scaled(max_duration_ms));
    vec![name(executor), format!("vus: {vus}"), format!("iterations: {iterations}"), most]
}

fn users([ready, most]: [u32; 2]) -> [String; 2] {
    [format!("preAllocatedVUs: {ready}"), format!("maxVUs: {most}")]
}

fn unit(ms: u64) -> String {
    format!("timeUnit: '{}'", plain_duration(ms))
}

fn stages(stages: &[Stage]) -> String {
    let lines: String = stages
        .iter()
        .map(|stage| format!("        {{ target: {}, duration: {} }},\n", stage.target, scaled(stage.duration_ms)))
        .collect();
    format!("stages: [\n{lines}      ]")
}

/// A duration that `K6_DURATION_SCALE` shortens.
pub(super) fn scaled(ms: u64) -> String {
    if ms == 0 { "'0s'".to_owned() } else { format!("scaled('{}')", plain_duration(ms)) }
}

/// `15m`, `500ms`: the largest unit that it is a whole number of.
pub(super) fn plain_duration(ms: u64) -> String {
    match ms {
        ms if ms % 60_000 == 0 && ms > 0 => format!("{}m", ms / 60_000),
        ms if ms % 1_000 == 0 => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn paced_users_are_an_arrival_rate_of_users_per_interval() {
        let executor = Executor::ConstantVus { vus: 10, duration_ms: 900_000, iteration_interval_ms: Some(500) };
        assert_eq!(
            fields(&executor),
            [
                "executor: 'constant-arrival-rate'",
                "rate: 10",
                "timeUnit: '500ms'",
                "duration: scaled('15m')",
                "preAllocatedVUs: 10",
                "maxVUs: 10"
            ]
        );
        assert_eq!(planned(&executor), Some(18_000.0));
    }

    #[test]
    fn a_ramp_of_paced_users_means_the_area_under_its_lines() {
        let stages = vec![Stage::new(Duration::from_secs(10), 20), Stage::new(Duration::from_secs(5), 20)];
        let executor = Executor::RampingVus { start_vus: 0, stages, iteration_interval_ms: Some(1_000) };
        assert_eq!(planned(&executor), Some(200.0));
        assert!(fields(&executor).iter().any(|field| field.contains("{ target: 20, duration: scaled('10s') }")));
    }
}
