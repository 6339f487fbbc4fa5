//! One-second windows of all threads, merged while the load runs: for the terminal, stop conditions and the series.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::ids::AppId;
use crate::scenario::{Executor, StageTag};
use crate::slo::StopMargin;

use super::latency::{MAX_US, quantile};
use super::plan::Plan;
use super::report::SecondPoint;

/// Points of a series that are kept: four hours.
const MAX_POINTS: usize = 4 * 3_600;

/// One second of a load, all threads together.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveWindow {
    /// The end of the second, from the start of the load.
    pub elapsed_s: u64,
    /// True if it belongs to the warm-up, which nothing is judged by.
    pub warm_up: bool,
    /// What the load did when the second began.
    pub stage: StageTag,
    /// Virtual users that are there.
    pub vus: u32,
    /// Requests that came to an end in this second.
    pub rps: u64,
    /// 95th percentile of response times in this second; `None` without any, or if it is infinite.
    pub p95_ms: Option<f64>,
    /// The share of failed requests in this second; `None` without any.
    pub error_rate: Option<f64>,
    /// Iterations that wait for a free user.
    pub waiting: u64,
    /// Iterations dropped so far.
    pub dropped: u64,
    /// Requests that came to an end so far.
    pub total: u64,
    /// Iterations that came to an end so far, warm-up apart.
    pub iterations: u64,
    /// 99th percentile so far of how late iterations began although a user was free, on the worst thread.
    pub lag_p99_ms: Option<f64>,
    /// The stop condition that is nearest, where there are any.
    pub nearest_stop: Option<StopMargin>,
    /// Per step, in the scenario's order.
    pub steps: Vec<LiveStep>,
}

/// One second of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveStep {
    /// The step.
    pub name: String,
    /// The app it goes to.
    pub app: AppId,
    /// Requests sent.
    pub sent: u64,
    /// Requests that came to an end.
    pub count: u64,
    /// Failed ones.
    pub errors: u64,
    /// Response times, timeouts included.
    pub samples: u64,
    /// Exact counts above the limits, in the order of the step's limits: limit in microseconds, count.
    pub over: Vec<(u64, u64)>,
    /// Timeouts: response times without end.
    pub infinite: u64,
    /// Value in microseconds and count of each bucket of finite response times.
    pub buckets: Vec<(u64, u64)>,
    /// The same of times to the first byte, from the actual send.
    pub first_byte_buckets: Vec<(u64, u64)>,
}

/// What one thread saw in a second.
#[derive(Debug, Clone)]
pub(crate) struct ThreadWindow {
    pub(crate) thread: u32,
    pub(crate) second: u64,
    pub(crate) vus: u32,
    pub(crate) waiting: u64,
    pub(crate) dropped: u64,
    pub(crate) iterations: u64,
    pub(crate) lag_p99_us: Option<u64>,
    pub(crate) steps: Vec<StepWindow>,
}

/// What one thread saw of one step.
#[derive(Debug, Clone, Default)]
pub(crate) struct StepWindow {
    pub(crate) sent: u64,
    pub(crate) ok: u64,
    pub(crate) errors: u64,
    pub(crate) infinite: u64,
    pub(crate) max_us: u64,
    pub(crate) over: Vec<u64>,
    /// Value and count of each bucket of response times.
    pub(crate) buckets: Vec<(u64, u64)>,
    /// The same of times to the first byte.
    pub(crate) first_byte_buckets: Vec<(u64, u64)>,
}

/// Merges the windows of all threads in order.
pub(crate) struct Merger {
    warm_up: Duration,
    executor: Executor,
    steps: Vec<(String, AppId, Vec<u64>)>,
    reported: BTreeMap<u32, Option<u64>>,
    pending: BTreeMap<u64, Vec<ThreadWindow>>,
    last: BTreeMap<u32, (u32, u64, u64, u64)>,
    total: u64,
    histogram: Histogram<u64>,
    /// Per step.
    pub(crate) series: Vec<Vec<SecondPoint>>,
    pub(crate) truncated: bool,
}

impl Merger {
    pub(crate) fn new(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| (step.name.clone(), step.app, step.limits_us.clone())).collect();
        Self {
            warm_up: plan.warm_up,
            executor: plan.scenario.executor.clone(),
            steps,
            reported: (0..plan.threads).map(|thread| (thread, None)).collect(),
            pending: BTreeMap::new(),
            last: BTreeMap::new(),
            total: 0,
            histogram: Histogram::new_with_bounds(1, MAX_US, 3).expect("1 µs to 1 h at 3 digits are valid bounds"),
            series: vec![Vec::new(); plan.steps.len()],
            truncated: false,
        }
    }

    /// Takes a window and returns those that are complete now.
    pub(crate) fn take(&mut self, window: ThreadWindow) -> Vec<LiveWindow> {
        self.reported.insert(window.thread, Some(window.second));
        self.pending.entry(window.second).or_default().push(window);
        self.complete()
    }

    /// Waits no longer for a thread that has ended.
    pub(crate) fn ended(&mut self, thread: u32) -> Vec<LiveWindow> {
        self.reported.insert(thread, Some(u64::MAX));
        self.complete()
    }

    fn complete(&mut self) -> Vec<LiveWindow> {
        let mut done = Vec::new();
        while let Some(entry) = self.pending.first_entry() {
            let second = *entry.key();
            if !self.reported.values().all(|reported| reported.is_some_and(|reported| reported >= second)) {
                break;
            }
            let windows = entry.remove();
            done.push(self.merge(second, &windows));
        }
        done
    }

    #[expect(clippy::cast_precision_loss, reason = "figures to show")]
    fn merge(&mut self, second: u64, windows: &[ThreadWindow]) -> LiveWindow {
        for window in windows {
            self.last.insert(window.thread, (window.vus, window.waiting, window.dropped, window.iterations));
        }
        let warm_up = Duration::from_secs(second) < self.warm_up;
        let mut all = Histogram::<u64>::new_with_bounds(1, MAX_US, 3).expect("valid bounds as above");
        let (mut count, mut errors, mut samples) = (0, 0, 0);
        let mut steps = Vec::with_capacity(self.steps.len());
        for at in 0..self.steps.len() {
            let step = self.merge_step(at, second, warm_up, windows);
            all.add(&self.histogram).expect("all histograms have the same bounds");
            count += step.count;
            errors += step.errors;
            samples += step.samples;
            steps.push(step);
        }
        self.total += count;
        let p95_us = quantile(&all, samples, 95, 100);
        LiveWindow {
            elapsed_s: second + 1,
            warm_up,
            stage: self.stage_of(second),
            vus: self.last.values().map(|last| last.0).sum(),
            rps: count,
            p95_ms: p95_us.map(|us| us as f64 / 1_000.0),
            error_rate: (count > 0).then(|| errors as f64 / count as f64),
            waiting: self.last.values().map(|last| last.1).sum(),
            dropped: self.last.values().map(|last| last.2).sum(),
            total: self.total,
            iterations: self.last.values().map(|last| last.3).sum(),
            lag_p99_ms: windows.iter().filter_map(|window| window.lag_p99_us).max().map(|us| us as f64 / 1_000.0),
            nearest_stop: None,
            steps,
        }
    }

    /// What the load does at the begin of a second; the warm-up is steady.
    fn stage_of(&self, second: u64) -> StageTag {
        match Duration::from_secs(second).checked_sub(self.warm_up) {
            Some(offset) => self.executor.stage_at(offset),
            None => StageTag::Steady,
        }
    }

    /// Merges one step; its response times are in `self.histogram` afterwards.
    fn merge_step(&mut self, at: usize, second: u64, warm_up: bool, windows: &[ThreadWindow]) -> LiveStep {
        self.histogram.reset();
        let (name, app, limits) = &self.steps[at];
        let mut sum = StepWindow { over: vec![0; limits.len()], ..StepWindow::default() };
        for window in windows.iter().map(|window| &window.steps[at]) {
            sum.sent += window.sent;
            sum.ok += window.ok;
            sum.errors += window.errors;
            sum.infinite += window.infinite;
            sum.max_us = sum.max_us.max(window.max_us);
            sum.over.iter_mut().zip(&window.over).for_each(|(sum, over)| *sum += over);
            sum.first_byte_buckets.extend(&window.first_byte_buckets);
            for (value, count) in &window.buckets {
                self.histogram.record_n(*value, *count).expect("the value comes from a histogram of the same bounds");
            }
        }
        let samples = self.histogram.len() + sum.infinite;
        let finite = |us: u64| us.min(sum.max_us);
        let stage = self.stage_of(second);
        if self.series[at].len() < MAX_POINTS {
            self.series[at].push(SecondPoint {
                second,
                warm_up,
                stage,
                sent: sum.sent,
                ok: sum.ok,
                errors: sum.errors,
                p50_us: quantile(&self.histogram, samples, 50, 100).map(finite),
                p95_us: quantile(&self.histogram, samples, 95, 100).map(finite),
                p99_us: quantile(&self.histogram, samples, 99, 100).map(finite),
                max_us: (!self.histogram.is_empty()).then_some(sum.max_us),
            });
        } else {
            self.truncated = true;
        }
        LiveStep {
            name: name.clone(),
            app: *app,
            sent: sum.sent,
            count: sum.ok + sum.errors,
            errors: sum.errors,
            samples,
            over: limits.iter().copied().zip(sum.over).collect(),
            infinite: sum.infinite,
            buckets: self
                .histogram
                .iter_recorded()
                .map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()))
                .collect(),
            first_byte_buckets: sum.first_byte_buckets,
        }
    }
}
