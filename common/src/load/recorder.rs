//! What one thread records. Memory is bounded whatever the length of the load.

mod examples;
mod stages;
mod step;
mod told;

use std::time::{Duration, Instant};

use crate::ids::{AppId, TraceId};
use crate::telemetry::{SUCCESS_SAMPLE_RATE, keeps};
use crate::units::Micros;

use super::journey::JourneyLog;
use super::latency::Latency;
use super::live::{StepWindow, ThreadWindow};
use super::plan::Plan;
use super::report::{Connections, End, Iterations, TraceRecord, WarmUp};
use super::stream::{ChunkLog, StreamFault};
use super::transport::Fault;

pub(crate) use examples::Exchange;
pub(crate) use step::{MAX_SAMPLES, StepRecorder};

/// Traces that are kept over the whole load.
pub(crate) const MAX_TRACES: usize = 20_000;

/// Among the last so many kept traces are those that are still under way.
const TRACES_UNDER_WAY: usize = 2_048;

/// How one request ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) step: usize,
    pub(crate) measured: bool,
    pub(crate) trace: TraceId,
    pub(crate) iteration: u64,
    /// From the start of the load.
    pub(crate) intended_at: Duration,
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
    /// The requests one by one, where redirects were followed: each is reported by its app on its own.
    pub(crate) legs: Vec<Leg>,
}

/// One request of a step that was redirected.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    /// The step whose app and route it shares; a place that no step goes to is not compared with what the app reports.
    pub(crate) step: Option<usize>,
    pub(crate) app: AppId,
    pub(crate) route: String,
    pub(crate) status: Option<u16>,
    pub(crate) ok: bool,
    pub(crate) service: Micros,
    pub(crate) app_us: Option<u64>,
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
    pub(crate) journeys: JourneyLog,
    pub(crate) vus: u32,
    pub(crate) waiting: u64,
    pub(crate) end: End,
    pub(crate) stall: Latency,
    pub(crate) cpu_share: Option<f64>,
    pub(crate) cpu_wait_share: Option<f64>,
    max_traces: usize,
}

impl Recorder {
    pub(crate) fn new(plan: &Plan) -> Self {
        let shares = plan.steps.len() * usize::try_from(plan.threads).unwrap_or(1);
        let room = if plan.keep_acknowledged { told::MAX_TOLD / shares.max(1) } else { 0 };
        Self {
            steps: plan
                .steps
                .iter()
                .map(|step| StepRecorder::new(step, &plan.scenario.executor, plan.warm_up, room))
                .collect(),
            iterations: Iterations::default(),
            warm_up: WarmUp::default(),
            connections: Connections::default(),
            set_up: Latency::new(),
            lag: Latency::new(),
            send_delay: Latency::new(),
            traces: Vec::new(),
            traces_not_kept: 0,
            journeys: JourneyLog::new(plan.journeys),
            vus: 0,
            waiting: 0,
            end: End::Completed,
            stall: Latency::new(),
            cpu_share: None,
            cpu_wait_share: None,
            max_traces: MAX_TRACES / usize::try_from(plan.threads.max(1)).unwrap_or(1),
        }
    }

    /// Notes how late an iteration began although a user was free.
    pub(crate) fn began_free(&mut self, intended: Instant, began: Instant) {
        self.lag.record(Micros::from(began.saturating_duration_since(intended)).0);
    }

    /// Adds a request; `exchange` is copied if it is kept as an example.
    pub(crate) fn record(&mut self, outcome: &Outcome, exchange: Exchange<'_>) {
        let step = &mut self.steps[outcome.step];
        step.window(outcome);
        step.tell(outcome);
        if !outcome.measured {
            self.warm_up.requests += 1;
            self.warm_up.errors += u64::from(outcome.fault.is_some());
            return;
        }
        step.record(outcome, exchange);
        if outcome.fault.is_some() || keeps(outcome.trace, SUCCESS_SAMPLE_RATE) {
            self.keep_trace(outcome);
        }
    }

    /// Adds what is known of a streamed answer; `fault` is what was wrong with the stream itself.
    pub(crate) fn record_stream(&mut self, outcome: &Outcome, log: &ChunkLog, fault: Option<StreamFault>) {
        if outcome.measured {
            self.steps[outcome.step].record_stream(log, fault);
        }
    }

    /// A trace that was begun is kept whole, so that nothing of it looks as if it had been reported twice.
    fn keep_trace(&mut self, outcome: &Outcome) {
        let full = self.traces.len() >= self.max_traces;
        let begun = || self.traces.iter().rev().take(TRACES_UNDER_WAY).any(|kept| kept.trace == outcome.trace);
        if full && !(outcome.step > 0 && begun()) {
            self.traces_not_kept += 1;
            return;
        }
        let kept = |step, status, ok, service, app_us, at_unix_ms| KeptTrace {
            step,
            trace: outcome.trace,
            status,
            ok,
            service,
            app_us,
            at_unix_ms,
        };
        if outcome.legs.is_empty() {
            let Outcome { step, status, service, app_us, at_unix_ms, .. } = *outcome;
            self.traces.push(kept(step, status, outcome.fault.is_none(), service, app_us, at_unix_ms));
        }
        let legs = outcome
            .legs
            .iter()
            .filter_map(|leg| Some(kept(leg.step?, leg.status, leg.ok, leg.service, leg.app_us, leg.at_unix_ms)));
        self.traces.extend(legs);
    }

    /// Notes a request of which nothing is known but that it was under way when the load ended.
    pub(crate) fn cut_off(&mut self, step: usize, trace: TraceId, at_unix_ms: i64) {
        if keeps(trace, SUCCESS_SAMPLE_RATE) && self.traces.len() < self.max_traces {
            let (status, ok, service, app_us) = (None, false, Micros(0), None);
            self.traces.push(KeptTrace { step, trace, status, ok, service, app_us, at_unix_ms });
        }
    }

    /// Takes what happened since the last window.
    pub(crate) fn take_window(&mut self, thread: u32, second: u64) -> ThreadWindow {
        ThreadWindow {
            thread,
            second,
            vus: self.vus,
            waiting: self.waiting,
            dropped: self.iterations.dropped,
            iterations: self.iterations.completed + self.iterations.cut_short,
            lag_p99_us: self.lag.quantile(99, 100),
            steps: self.steps.iter_mut().map(StepRecorder::take_window).collect::<Vec<StepWindow>>(),
        }
    }

    /// Adds the record of another thread.
    pub(crate) fn add(&mut self, other: Self) {
        self.steps.iter_mut().zip(other.steps).for_each(|(own, other)| own.add(other));
        let (own, more) = (&mut self.iterations, other.iterations);
        own.started += more.started;
        own.completed += more.completed;
        own.succeeded += more.succeeded;
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
        self.journeys.add(other.journeys);
        self.stall.add(&other.stall);
        self.cpu_share = self.cpu_share.into_iter().chain(other.cpu_share).reduce(f64::max);
        self.cpu_wait_share = self.cpu_wait_share.into_iter().chain(other.cpu_wait_share).reduce(f64::max);
        if self.end == End::Completed {
            self.end = other.end;
        }
    }
}
