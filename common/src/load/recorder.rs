//! What one thread records. Memory is bounded whatever the length of the load.

mod step;

use std::time::{Duration, Instant};

use crate::ids::TraceId;
use crate::telemetry::{SUCCESS_SAMPLE_RATE, keeps};
use crate::units::Micros;

use super::latency::Latency;
use super::live::{StepWindow, ThreadWindow};
use super::plan::Plan;
use super::report::{Capsule, Connections, End, Iterations, TraceRecord, WarmUp};
use super::transport::Fault;

pub(crate) use step::StepRecorder;

/// Traces that are kept over the whole load.
pub(crate) const MAX_TRACES: usize = 20_000;

/// How one request ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) step: usize,
    pub(crate) measured: bool,
    pub(crate) trace: TraceId,
    pub(crate) iteration: u64,
    /// From the start of the load.
    pub(crate) sent_at: Duration,
    pub(crate) service: Micros,
    pub(crate) response: Micros,
    /// From the actual send to the first byte of the answer.
    pub(crate) first_byte: Option<Micros>,
    pub(crate) status: Option<u16>,
    pub(crate) body_bytes: u64,
    pub(crate) app_us: Option<u64>,
    pub(crate) fault: Option<Fault>,
    pub(crate) at_unix_ms: i64,
}

/// A request whose trace is kept; the step stands for app and route until the report is made.
#[derive(Debug)]
pub(crate) struct KeptTrace {
    step: usize,
    trace: TraceId,
    status: Option<u16>,
    ok: bool,
    service: Micros,
    app_us: Option<u64>,
    at_unix_ms: i64,
}

impl KeptTrace {
    pub(crate) fn into_record(self, plan: &Plan) -> TraceRecord {
        let step = &plan.steps[self.step];
        TraceRecord {
            trace_id: self.trace,
            app: step.app,
            route: step.route.clone(),
            status: self.status,
            ok: self.ok,
            service_us: self.service.0,
            app_us: self.app_us,
            at_unix_ms: self.at_unix_ms,
        }
    }
}

/// The record of one thread.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) steps: Vec<StepRecorder>,
    pub(crate) iterations: Iterations,
    pub(crate) warm_up: WarmUp,
    pub(crate) connections: Connections,
    pub(crate) set_up: Latency,
    pub(crate) lag: Latency,
    pub(crate) send_delay: Latency,
    pub(crate) traces: Vec<KeptTrace>,
    pub(crate) traces_not_kept: u64,
    pub(crate) vus: u32,
    pub(crate) waiting: u64,
    pub(crate) end: End,
    pub(crate) worst_stall_us: u64,
    pub(crate) cpu_share: Option<f64>,
    pub(crate) cpu_wait_share: Option<f64>,
    max_traces: usize,
}

impl Recorder {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            steps: plan.steps.iter().map(|step| StepRecorder::new(&step.limits_us)).collect(),
            iterations: Iterations::default(),
            warm_up: WarmUp::default(),
            connections: Connections::default(),
            set_up: Latency::new(),
            lag: Latency::new(),
            send_delay: Latency::new(),
            traces: Vec::new(),
            traces_not_kept: 0,
            vus: 0,
            waiting: 0,
            end: End::Completed,
            worst_stall_us: 0,
            cpu_share: None,
            cpu_wait_share: None,
            max_traces: MAX_TRACES / usize::try_from(plan.threads.max(1)).unwrap_or(1),
        }
    }

    /// Notes how late an iteration began although a user was free.
    pub(crate) fn began_free(&mut self, intended: Instant, began: Instant) {
        self.lag.record(Micros::from(began.saturating_duration_since(intended)).0);
    }

    /// Adds a request; `capsule` writes it down if it is kept as an example.
    pub(crate) fn record(&mut self, outcome: &Outcome, capsule: impl FnOnce() -> Capsule) {
        let step = &mut self.steps[outcome.step];
        step.window(outcome);
        if !outcome.measured {
            self.warm_up.requests += 1;
            self.warm_up.errors += u64::from(outcome.fault.is_some());
            return;
        }
        step.record(outcome, capsule);
        if outcome.fault.is_some() || keeps(outcome.trace, SUCCESS_SAMPLE_RATE) {
            self.keep_trace(outcome);
        }
    }

    fn keep_trace(&mut self, outcome: &Outcome) {
        if self.traces.len() >= self.max_traces {
            self.traces_not_kept += 1;
            return;
        }
        self.traces.push(KeptTrace {
            step: outcome.step,
            trace: outcome.trace,
            status: outcome.status,
            ok: outcome.fault.is_none(),
            service: outcome.service,
            app_us: outcome.app_us,
            at_unix_ms: outcome.at_unix_ms,
        });
    }

    /// Takes what happened since the last window.
    pub(crate) fn take_window(&mut self, thread: u32, second: u64) -> ThreadWindow {
        ThreadWindow {
            thread,
            second,
            vus: self.vus,
            waiting: self.waiting,
            dropped: self.iterations.dropped,
            steps: self.steps.iter_mut().map(StepRecorder::take_window).collect::<Vec<StepWindow>>(),
        }
    }

    /// Adds the record of another thread.
    pub(crate) fn add(&mut self, other: Self) {
        self.steps.iter_mut().zip(other.steps).for_each(|(own, other)| own.add(other));
        let (own, more) = (&mut self.iterations, other.iterations);
        own.started += more.started;
        own.completed += more.completed;
        own.cut_short += more.cut_short;
        own.interrupted += more.interrupted;
        own.dropped += more.dropped;
        own.planned = own.planned.zip(more.planned).map(|(own, more)| own + more);
        self.warm_up.iterations += other.warm_up.iterations;
        self.warm_up.requests += other.warm_up.requests;
        self.warm_up.errors += other.warm_up.errors;
        self.connections.opened += other.connections.opened;
        self.connections.reconnects += other.connections.reconnects;
        self.connections.failed += other.connections.failed;
        self.set_up.add(&other.set_up);
        self.lag.add(&other.lag);
        self.send_delay.add(&other.send_delay);
        self.traces.extend(other.traces);
        self.traces_not_kept += other.traces_not_kept;
        self.worst_stall_us = self.worst_stall_us.max(other.worst_stall_us);
        self.cpu_share = self.cpu_share.into_iter().chain(other.cpu_share).reduce(f64::max);
        self.cpu_wait_share = self.cpu_wait_share.into_iter().chain(other.cpu_wait_share).reduce(f64::max);
        if self.end == End::Completed {
            self.end = other.end;
        }
    }
}
