//! What thresholds are about: counts and durations of all steps so far.

use std::time::Duration;

use crate::load::latency::Latency;
use crate::load::live::LiveWindow;
use crate::load::report::{Iterations, StepReport};
use crate::scenario::{Aggregate, ThresholdMetric};

/// Counts and durations of one step.
#[derive(Debug, Clone)]
pub(crate) struct StepSeen {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) errors: u64,
    pub(crate) response: Latency,
    pub(crate) first_byte: Latency,
}

/// Counts and durations of a load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) steps: Vec<StepSeen>,
    pub(crate) iterations: u64,
    pub(crate) dropped: u64,
    pub(crate) seconds: f64,
}

impl StepSeen {
    pub(crate) fn new(name: &str) -> Self {
        let (response, first_byte) = (Latency::new(), Latency::new());
        Self { name: name.to_owned(), count: 0, errors: 0, response, first_byte }
    }
}

impl Seen {
    /// The figures of a report.
    pub(crate) fn of(steps: &[StepReport], iterations: &Iterations, seconds: f64) -> Self {
        let steps = steps.iter().map(|step| StepSeen {
            name: step.name.clone(),
            count: step.count,
            errors: step.error_count(),
            response: step.response.clone(),
            first_byte: step.first_byte.clone(),
        });
        let ended = iterations.completed + iterations.cut_short;
        Self { steps: steps.collect(), iterations: ended, dropped: iterations.dropped, seconds }
    }

    /// Adds a second of a load that has been measured for so long.
    pub(crate) fn add(&mut self, window: &LiveWindow, measured: Duration) {
        for (seen, step) in self.steps.iter_mut().zip(&window.steps) {
            seen.count += step.count;
            seen.errors += step.errors;
            step.buckets.iter().for_each(|(us, count)| seen.response.record_many(*us, *count));
            seen.response.record_infinite_many(step.infinite);
            step.first_byte_buckets.iter().for_each(|(us, count)| seen.first_byte.record_many(*us, *count));
        }
        self.iterations = window.iterations;
        self.dropped = window.dropped;
        self.seconds = measured.as_secs_f64();
    }

    /// The value of an aggregate: milliseconds, a share, a count or events a second. Infinite where it falls among
    /// timeouts; `None` without anything to compute it of.
    pub(crate) fn value(&self, metric: &ThresholdMetric, aggregate: Aggregate) -> Option<f64> {
        let concerned = || self.steps.iter().filter(|step| metric.step.as_ref().is_none_or(|name| *name == step.name));
        let sum = |of: fn(&StepSeen) -> u64| concerned().map(of).sum::<u64>();
        match metric.metric.as_str() {
            "http_req_duration" => duration(concerned().map(|step| &step.response), aggregate),
            "http_req_waiting" => duration(concerned().map(|step| &step.first_byte), aggregate),
            "http_req_failed" => {
                let count = sum(|step| step.count);
                (count > 0).then(|| sum(|step| step.errors) as f64 / count as f64)
            }
            "http_reqs" => self.counter(sum(|step| step.count), aggregate),
            "iterations" => self.counter(self.iterations, aggregate),
            "dropped_iterations" => self.counter(self.dropped, aggregate),
            _ => None,
        }
    }

    fn counter(&self, count: u64, aggregate: Aggregate) -> Option<f64> {
        match aggregate {
            Aggregate::Count => Some(count as f64),
            _ => (self.seconds > 0.0).then(|| count as f64 / self.seconds),
        }
    }
}

fn duration<'a>(mut of: impl Iterator<Item = &'a Latency>, aggregate: Aggregate) -> Option<f64> {
    let mut all = of.next()?.clone();
    of.for_each(|other| all.add(other));
    if all.count() == 0 {
        return None;
    }
    let summary = all.summary();
    let us = match aggregate {
        Aggregate::Percentile(percent) => all.quantile(parts_per_million(percent), 1_000_000),
        Aggregate::Med => summary.p50_us,
        Aggregate::Min => summary.min_us,
        Aggregate::Avg => summary.mean_us.filter(|_| all.beyond() == 0),
        Aggregate::Max => summary.max_us.filter(|_| all.beyond() == 0),
        Aggregate::Rate | Aggregate::Count => return None,
    };
    Some(us.map_or(f64::INFINITY, |us| us as f64 / 1_000.0))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage of 0 to 100")]
fn parts_per_million(percent: f64) -> u64 {
    (percent * 10_000.0).round() as u64
}
