//! The load engine: runs a [`Scenario`] against the apps behind a [`Guard`] and records what came back.
//!
//! Each thread is a single-threaded runtime that owns its users, connections and histograms; nothing is shared per request,
//! records are merged at the end and windows of one second while it runs. Response times count from the *intended* start, so
//! that a target that stalls cannot hide behind a generator that waits for it.

#[doc(hidden)]
pub mod bench;
mod capsule;
mod constants;
mod deadline;
mod executor;
mod jar;
mod journey;
mod judge;
mod latency;
mod live;
mod options;
mod pacer;
mod packed;
mod plan;
mod random;
mod recorder;
mod redirect;
mod report;
mod schedule;
mod selfcheck;
mod stream;
mod template;
mod thresholds;
mod transport;
mod vu;
mod watch;
mod wire;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::guard::Guard;
use crate::scenario::Scenario;

use live::Merger;
use plan::Plan;
use recorder::Recorder;
use thresholds::Seen;
use transport::Fault;
use watch::Watch;
use worker::Event;

pub use journey::{Journey, JourneyHop};
pub use latency::{Latency, LatencySummary, MAX_US};
pub use live::{LiveStep, LiveWindow};
pub use options::{LoadError, LoadOptions, OnWindow};
pub use packed::PackedSamples;
pub(crate) use random::mix64;
pub use report::{
    Capsule, Connections, End, ErrorKind, Exemplar, INFINITE_US, Iterations, LoadReport, OverLimit, SecondPoint,
    StageFigures, StepReport, Told, TraceRecord, WarmUp,
};
pub use selfcheck::{GeneratorHealth, Lag};
pub use stream::{
    Chunk, ChunkKind, ChunkLog, Dialect, DialectRow, DialectTable, LoggedError, StreamFault, StreamMetrics,
    StreamReport, Usage, dialect,
};
pub use thresholds::{Baseline, ThresholdResult};
pub(crate) use transport::Trust;
pub use transport::TrustError;
pub use watch::{StopOptions, StopReason, TelemetryEar};

/// How long a target may take to accept the first connection.
const REACH_TIMEOUT: Duration = Duration::from_secs(5);
/// From the moment that all threads are ready to the first intended start.
const LEAD: Duration = Duration::from_millis(5);
/// Files that are open besides connections.
const OTHER_FILES: u64 = 64;

/// Runs a scenario to its end, or until the stop token of the options is cancelled.
///
/// Dropping the future stops the load as the token does.
///
/// # Errors
/// When the scenario is invalid, the guard refuses it, a target cannot be reached before the start, or not a single
/// request came to an end (there is no report without samples).
pub async fn run(scenario: &Scenario, guard: &Guard, options: LoadOptions) -> Result<LoadReport, LoadError> {
    let mut plan = Plan::new(scenario, guard, &options)?;
    let fd_limit = check_files(&plan)?;
    plan.resolve().await?;
    reach(&plan).await?;
    let plan = Arc::new(plan);
    let stop = options.stop.child_token();
    let _stops_when_dropped = stop.clone().drop_guard();
    let (events_in, mut events) = mpsc::unbounded_channel();
    let mut threads = Threads::spawn(&plan, &stop, events_in)?;
    let mut merger = Merger::new(&plan);
    let mut watch = Watch::new(&plan, &options);
    let mut waiting = plan.threads;
    let mut started_at_unix_ms = clock::unix_ms();
    while let Some(event) = events.recv().await {
        let mut windows = match event {
            Event::Ready => {
                waiting -= 1;
                if waiting == 0 {
                    started_at_unix_ms = clock::unix_ms() + i64::try_from(LEAD.as_millis()).unwrap_or(0);
                    let start = clock::monotonic() + LEAD;
                    watch.starts(start);
                    threads.start(start);
                }
                continue;
            }
            Event::Window(window) => merger.take(window),
            Event::Ended(thread) => merger.ended(thread),
        };
        for window in &mut windows {
            if watch.take(window) {
                stop.cancel();
            }
            if let Some(on_window) = &options.on_window {
                on_window(window);
            }
        }
    }
    let mut recorder = threads.join()?;
    if watch.stopped_by.is_some() {
        recorder.end = End::Aborted;
    } else if stop.is_cancelled() && recorder.end == End::Completed {
        recorder.end = End::Stopped;
    }
    assemble(&plan, recorder, merger, watch, started_at_unix_ms, fd_limit)
}

struct Threads {
    handles: Vec<JoinHandle<std::io::Result<Recorder>>>,
    starts: Vec<oneshot::Sender<Instant>>,
}

impl Threads {
    fn spawn(
        plan: &Arc<Plan>,
        stop: &CancellationToken,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, LoadError> {
        let mut threads = Self { handles: Vec::new(), starts: Vec::new() };
        for thread in 0..plan.threads {
            let (start, started) = oneshot::channel();
            let (plan, stop, events) = (Arc::clone(plan), stop.clone(), events.clone());
            let builder = std::thread::Builder::new().name(format!("load-{thread}"));
            let handle = builder.spawn(move || worker::run(plan, thread, stop, events, started));
            threads.handles.push(handle.map_err(LoadError::Thread)?);
            threads.starts.push(start);
        }
        Ok(threads)
    }

    fn start(&mut self, at: Instant) {
        for start in self.starts.drain(..) {
            let _ended_already = start.send(at);
        }
    }

    /// Merges the records of all threads; a panic on one goes on here.
    fn join(self) -> Result<Recorder, LoadError> {
        let mut all: Option<Recorder> = None;
        for handle in self.handles {
            let record = handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let record = record.map_err(LoadError::Thread)?;
            match &mut all {
                Some(all) => all.add(record),
                None => all = Some(record),
            }
        }
        all.ok_or_else(|| LoadError::Options("`threads` is 0".to_owned()))
    }
}

fn check_files(plan: &Plan) -> Result<Option<u64>, LoadError> {
    let limit = selfcheck::fd_limit();
    let connections = u64::from(plan.scenario.executor.max_vus()) * plan.origins.len() as u64;
    let needed = connections + OTHER_FILES;
    match limit {
        Some(limit) if limit < needed => Err(LoadError::OpenFiles { limit, needed }),
        _ => Ok(limit),
    }
}

/// Opens one connection to each target, so that a dead one is an error and not a thousand failed requests.
async fn reach(plan: &Plan) -> Result<(), LoadError> {
    for (at, origin) in plan.origins.iter().enumerate().filter(|(_, origin)| !origin.stand_by) {
        let late = || Fault::new(ErrorKind::Connect, "no connection within 5 s");
        let reached = tokio::time::timeout(REACH_TIMEOUT, transport::reach(plan.route(at))).await;
        reached.unwrap_or_else(|_| Err(late())).map_err(|fault| origin.unreachable(fault))?;
    }
    Ok(())
}

fn assemble(
    plan: &Plan,
    recorder: Recorder,
    merger: Merger,
    watch: Watch,
    started_at_unix_ms: i64,
    fd_limit: Option<u64>,
) -> Result<LoadReport, LoadError> {
    let executor = &plan.scenario.executor;
    let health = GeneratorHealth {
        threads: plan.threads,
        schedule_lag: Lag::from(&recorder.lag),
        send_delay: Lag::from(&recorder.send_delay),
        cpu_share: recorder.cpu_share,
        cpu_wait_share: recorder.cpu_wait_share,
        stall: Lag::from(&recorder.stall),
        planned: recorder.iterations.planned.unwrap_or(0),
        dropped: recorder.iterations.dropped,
        fd_limit,
    };
    let elapsed = Duration::from_millis(u64::try_from(clock::unix_ms() - started_at_unix_ms).unwrap_or(0));
    let truncated = merger.truncated;
    let steps = recorder.steps.into_iter().zip(&plan.steps).zip(merger.series);
    let steps: Vec<_> = steps.map(|((own, step), series)| own.into_report(plan, step, series, truncated)).collect();
    if steps.iter().all(|step| step.count == 0) {
        let (scenario, started) = (plan.scenario.id.clone(), recorder.iterations.started);
        return Err(LoadError::NoSamples { scenario, started, warm_up: recorder.warm_up.requests });
    }
    let measured_s = elapsed.min(plan.total).saturating_sub(plan.warm_up).as_secs_f64();
    let (thresholds, stopped_by) = watch.into_results(&Seen::of(&steps, &recorder.iterations, measured_s));
    Ok(LoadReport {
        scenario: plan.scenario.id.clone(),
        scenario_digest: plan.scenario.digest(),
        app: plan.scenario.app,
        executor: executor.name().to_owned(),
        open_model: executor.is_open_model(),
        started_at_unix_ms,
        measured_s,
        end: recorder.end,
        stopped_by,
        thresholds,
        iterations: recorder.iterations,
        warm_up: recorder.warm_up,
        connections: Connections { set_up: Lag::from(&recorder.set_up), ..recorder.connections },
        steps,
        health,
        traces: recorder.traces.into_iter().map(|kept| kept.into_record(plan)).collect(),
        journeys: recorder.journeys.into_journeys(),
        traces_not_kept: recorder.traces_not_kept,
    })
}

#[cfg(test)]
mod tests;
