//! The record of one step on one thread.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::load::latency::{Latency, MAX_US};
use crate::load::live::StepWindow;
use crate::load::plan::{Plan, PlannedStep};
use crate::load::report::{ErrorKind, INFINITE_US, OverLimit, SecondPoint, StepReport};
use crate::load::stream::{ChunkLog, StreamFault, StreamReport};

use crate::scenario::Executor;

use super::Outcome;
use super::examples::{Examples, Exchange};
use super::stages::Stages;
use super::told::Ledger;

/// Requests whose samples are kept in send order.
pub(crate) const MAX_SAMPLES: usize = 65_536;

#[derive(Debug, Clone, Copy)]
struct Sample {
    sent_ns: u64,
    /// `None` for a failure that is no timeout: it has no place among latencies.
    response_us: Option<u32>,
    failed: bool,
}

/// Counts, histograms, samples and examples of one step.
#[derive(Debug)]
pub(crate) struct StepRecorder {
    count: u64,
    ok: u64,
    pub(crate) started: u64,
    finished: u64,
    errors: BTreeMap<ErrorKind, u64>,
    statuses: BTreeMap<u16, u64>,
    body_bytes: u64,
    service: Latency,
    response: Latency,
    first_byte: Latency,
    over: Vec<OverLimit>,
    samples: Vec<Sample>,
    examples: Examples,
    stream: Option<Box<StreamReport>>,
    told: Ledger,
    stages: Option<Box<Stages>>,
    window: StepWindow,
    window_histogram: Histogram<u32>,
    window_first_byte: Histogram<u32>,
}

impl StepRecorder {
    /// With room for so many requests to be told one by one.
    pub(crate) fn new(step: &PlannedStep, executor: &Executor, warm_up: Duration, room: usize) -> Self {
        let limits_us = &step.limits_us;
        Self {
            count: 0,
            ok: 0,
            started: 0,
            finished: 0,
            errors: BTreeMap::new(),
            statuses: BTreeMap::new(),
            body_bytes: 0,
            service: Latency::new(),
            response: Latency::new(),
            first_byte: Latency::new(),
            over: limits_us.iter().map(|limit_us| OverLimit { limit_us: *limit_us, count: 0 }).collect(),
            samples: Vec::new(),
            examples: Examples::default(),
            stream: step.stream.map(|wanted| Box::new(StreamReport::new(wanted.rules))),
            told: Ledger::new(room),
            stages: Stages::of(limits_us, executor, warm_up).map(Box::new),
            window: StepWindow { over: vec![0; limits_us.len()], ..StepWindow::default() },
            window_histogram: Histogram::new_with_bounds(1, MAX_US, 3)
                .expect("1 µs to 1 h at 3 digits are valid bounds"),
            window_first_byte: Histogram::new_with_bounds(1, MAX_US, 3)
                .expect("1 µs to 1 h at 3 digits are valid bounds"),
        }
    }

    /// Counts a request as sent.
    pub(crate) fn sent(&mut self, measured: bool) {
        self.window.sent += 1;
        self.started += u64::from(measured);
    }

    /// Adds a request to the current second, warm-up or not.
    pub(super) fn window(&mut self, outcome: &Outcome) {
        let window = &mut self.window;
        match &outcome.fault {
            None => window.ok += 1,
            Some(_) => window.errors += 1,
        }
        let infinite = is_infinite(outcome);
        if infinite {
            window.infinite += 1;
        } else if outcome.fault.is_none() {
            window.max_us = window.max_us.max(outcome.response.0);
            self.window_histogram.saturating_record(outcome.response.0.max(1));
            if let Some(first_byte) = outcome.first_byte {
                self.window_first_byte.saturating_record(first_byte.0.max(1));
            }
        } else {
            return;
        }
        for (over, limit) in window.over.iter_mut().zip(&self.over) {
            *over += u64::from(infinite || outcome.response.0 > limit.limit_us);
        }
    }

    /// Tells a request apart, if that was asked for.
    pub(super) fn tell(&mut self, outcome: &Outcome) {
        self.told.add(outcome);
    }

    pub(super) fn take_window(&mut self) -> StepWindow {
        let fresh = StepWindow { over: vec![0; self.over.len()], ..StepWindow::default() };
        let mut window = std::mem::replace(&mut self.window, fresh);
        window.buckets = drain(&mut self.window_histogram);
        window.first_byte_buckets = drain(&mut self.window_first_byte);
        window
    }

    /// Adds a request that counts.
    pub(super) fn record(&mut self, outcome: &Outcome, exchange: Exchange<'_>) {
        self.count += 1;
        self.finished += 1;
        self.body_bytes += outcome.body_bytes;
        if let Some(status) = outcome.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        let response_us = self.latency(outcome);
        match &outcome.fault {
            None => self.ok += 1,
            Some(fault) => *self.errors.entry(fault.kind).or_default() += 1,
        }
        if self.samples.len() < MAX_SAMPLES {
            let sent_ns = u64::try_from(outcome.sent_at.as_nanos()).unwrap_or(u64::MAX);
            self.samples.push(Sample { sent_ns, response_us, failed: outcome.fault.is_some() });
        }
        if let Some(stages) = &mut self.stages {
            stages.record(outcome);
        }
        self.examples.record(outcome, exchange);
    }

    /// Successes and timeouts are latencies; other failures are not.
    fn latency(&mut self, outcome: &Outcome) -> Option<u32> {
        let infinite = is_infinite(outcome);
        if infinite {
            self.service.record_infinite();
            self.response.record_infinite();
        } else if outcome.fault.is_none() {
            self.service.record(outcome.service.0);
            self.response.record(outcome.response.0);
            if let Some(first_byte) = outcome.first_byte {
                self.first_byte.record(first_byte.0);
            }
        } else {
            return None;
        }
        for over in &mut self.over {
            over.count += u64::from(infinite || outcome.response.0 > over.limit_us);
        }
        let shown = u32::try_from(outcome.response.0).unwrap_or(INFINITE_US - 1).min(INFINITE_US - 1);
        Some(if infinite { INFINITE_US } else { shown })
    }

    pub(super) fn record_stream(&mut self, log: &ChunkLog, fault: Option<StreamFault>) {
        if let Some(stream) = &mut self.stream {
            stream.record(log, fault);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.ok += other.ok;
        self.started += other.started;
        self.finished += other.finished;
        self.body_bytes += other.body_bytes;
        other.errors.into_iter().for_each(|(kind, count)| *self.errors.entry(kind).or_default() += count);
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        self.service.add(&other.service);
        self.response.add(&other.response);
        self.first_byte.add(&other.first_byte);
        self.over.iter_mut().zip(&other.over).for_each(|(own, other)| own.count += other.count);
        if let (Some(own), Some(other)) = (&mut self.stages, other.stages) {
            own.add(*other);
        }
        self.samples.extend(other.samples);
        self.examples.add(other.examples);
        if let Some((own, more)) = self.stream.as_mut().zip(other.stream) {
            own.add(*more);
        }
        self.told.merge(other.told);
    }

    pub(crate) fn into_report(
        mut self,
        plan: &Plan,
        step: &PlannedStep,
        series: Vec<SecondPoint>,
        series_truncated: bool,
    ) -> StepReport {
        self.samples.sort_by_key(|sample| sample.sent_ns);
        self.samples.truncate(MAX_SAMPLES);
        let places = (0_u32..).zip(&self.samples);
        let cut_off = self.started.saturating_sub(self.finished);
        if let Some(stream) = &mut self.stream {
            stream.cut_off = cut_off;
        }
        let (slowest, failed) = self.examples.write_down(plan);
        let mut report = StepReport {
            name: step.name.clone(),
            app: step.app,
            route: step.route.clone(),
            count: self.count,
            ok: self.ok,
            errors: self.errors,
            statuses: self.statuses,
            cut_off,
            body_bytes: self.body_bytes,
            failed_at: places.filter(|(_, sample)| sample.failed).map(|(place, _)| place).collect(),
            samples_us: self.samples.iter().filter_map(|sample| sample.response_us).collect(),
            samples_truncated: self.count > self.samples.len() as u64,
            service: self.service,
            response: self.response,
            first_byte: self.first_byte,
            over: self.over,
            series,
            series_truncated,
            slowest,
            failed,
            stream: self.stream,
            acknowledged: Vec::new(),
            unacknowledged: Vec::new(),
            told_not_kept: 0,
            stages: self.stages.map(|stages| stages.figures()).unwrap_or_default(),
        };
        self.told.tell(&mut report);
        report
    }
}

/// Values and counts of what was recorded; nothing is left of it.
fn drain(histogram: &mut Histogram<u32>) -> Vec<(u64, u64)> {
    let buckets = histogram.iter_recorded();
    let drained = buckets.map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration())).collect();
    histogram.reset();
    drained
}

pub(super) fn is_infinite(outcome: &Outcome) -> bool {
    outcome.fault.as_ref().is_some_and(|fault| fault.kind == ErrorKind::Timeout)
}
