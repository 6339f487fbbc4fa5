//! One generator thread: a single-threaded runtime that owns its users, connections and record.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::scenario::Record;
use crate::units::Micros;

use super::executor;
use super::live::ThreadWindow;
use super::pacer::Pacer;
use super::plan::Plan;
use super::recorder::Recorder;
use super::schedule::{Planned, Start};
use super::selfcheck::{CpuTime, thread_cpu};

/// How often a thread looks whether it still gets to its timer.
const TICK: Duration = Duration::from_millis(10);

/// What a thread tells while it runs.
pub(crate) enum Event {
    /// Its users are connected.
    Ready,
    /// A second is over.
    Window(ThreadWindow),
    /// It has nothing more to do.
    Ended(u32),
}

/// What all users of a thread share.
pub(crate) struct Shared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) thread: u32,
    pub(crate) recorder: RefCell<Recorder>,
    pub(crate) stop: CancellationToken,
    pub(crate) pacer: Pacer,
    started_at: OnceCell<Instant>,
    stopped_at: Cell<Option<Instant>>,
    schedules: RefCell<Vec<Box<dyn Planned>>>,
    wall: (Instant, i64),
    next_tick: Cell<Option<Instant>>,
    cpu_from: Cell<Option<(Instant, CpuTime)>>,
}

impl Shared {
    /// When the load starts. Before it is known, the present.
    pub(crate) fn started_at(&self) -> Instant {
        self.started_at.get().copied().unwrap_or_else(clock::monotonic)
    }

    /// The wall clock at an instant, in milliseconds since the Unix epoch.
    pub(crate) fn unix_ms(&self, at: Instant) -> i64 {
        let (then, unix_ms) = self.wall;
        unix_ms + i64::try_from(at.saturating_duration_since(then).as_millis()).unwrap_or(0)
    }

    /// The last moment at which a late iteration may still begin.
    pub(crate) fn last_begin(&self) -> Instant {
        self.started_at() + self.plan.total + self.plan.drain
    }

    /// True if a user runs on this thread.
    pub(crate) fn owns(&self, number: u32) -> bool {
        number % self.plan.threads == self.thread
    }

    /// The number over all threads of this thread's `index`-th user.
    pub(crate) fn number_of(&self, index: usize) -> u32 {
        u32::try_from(index).unwrap_or(u32::MAX).saturating_mul(self.plan.threads).saturating_add(self.thread)
    }

    /// This thread's lane of the schedules, and how many there are.
    pub(crate) fn lane(&self) -> (u64, u64) {
        (u64::from(self.thread), u64::from(self.plan.threads))
    }

    /// Promises the starts of a schedule.
    pub(crate) fn plan_iterations(&self, schedule: impl Planned + 'static) {
        self.schedules.borrow_mut().push(Box::new(schedule));
    }

    /// How many starts were promised before `until`, without warm-up.
    pub(crate) fn planned_until(&self, until: Duration) -> u64 {
        let schedules = self.schedules.borrow();
        let counts = schedules.iter().map(|own| own.before(until).saturating_sub(own.before(self.plan.warm_up)));
        counts.sum()
    }

    /// Notes that an iteration begins for which a user was free at its intended start.
    pub(crate) fn began_free(&self, start: Start, intended: Instant) {
        if start.offset >= self.plan.warm_up {
            self.recorder.borrow_mut().began_free(intended, clock::monotonic());
        }
    }

    /// Counts an iteration as begun; true if its figures count.
    pub(crate) fn begin(&self, start: Start) -> bool {
        #[cfg(test)]
        if let Some(hook) = self.plan.before_iteration {
            hook(start.iteration);
        }
        let measured = start.offset >= self.plan.warm_up;
        let recorder = &mut *self.recorder.borrow_mut();
        *(if measured { &mut recorder.iterations.started } else { &mut recorder.warm_up.iterations }) += 1;
        measured
    }

    /// Counts an iteration as ended: `whole` if it got to its last step, `ok` if all its answers were the expected ones.
    pub(crate) fn finish(&self, measured: bool, whole: bool, ok: bool) {
        if measured {
            let iterations = &mut self.recorder.borrow_mut().iterations;
            *(if whole { &mut iterations.completed } else { &mut iterations.cut_short }) += 1;
            iterations.succeeded += u64::from(whole && ok);
        }
    }

    /// The record of an iteration, if there is a feeder.
    ///
    /// # Errors
    /// When records have run out.
    pub(crate) fn record_of(&self, vu: u32, iteration: u64) -> Result<Option<&Record>, ()> {
        let Some(feeder) = &self.plan.scenario.feeder else { return Ok(None) };
        let records = &self.plan.records;
        feeder.mode.pick(vu, iteration, records.len()).map(|at| Some(&records[at])).ok_or(())
    }
}

/// Runs a thread's share of the load and returns its record.
///
/// # Errors
/// When the runtime cannot be built.
pub(crate) fn run(
    plan: Arc<Plan>,
    thread: u32,
    stop: CancellationToken,
    events: mpsc::UnboundedSender<Event>,
    start: oneshot::Receiver<Instant>,
) -> std::io::Result<Recorder> {
    // Waking up to 50 µs late, as threads do by default, would show in every intended start. Where it cannot be set, the
    // lag tells.
    let _default = rustix::thread::set_current_timer_slack(Some(std::num::NonZeroU64::MIN));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _inside = runtime.enter();
    let shared = Rc::new(Shared {
        pacer: Pacer::new(),
        wall: (clock::monotonic(), clock::unix_ms()),
        recorder: RefCell::new(Recorder::new(&plan)),
        plan,
        thread,
        stop,
        started_at: OnceCell::new(),
        stopped_at: Cell::new(None),
        schedules: RefCell::default(),
        next_tick: Cell::new(None),
        cpu_from: Cell::new(None),
    });
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, drive(&shared, &events, start));
    let recorder = shared.recorder.replace(Recorder::new(&shared.plan));
    let _gone = events.send(Event::Ended(thread));
    Ok(recorder)
}

async fn drive(shared: &Rc<Shared>, events: &mpsc::UnboundedSender<Event>, start: oneshot::Receiver<Instant>) {
    let pacer = Rc::clone(shared);
    let pacing = tokio::task::spawn_local(async move { pacer.pacer.drive().await });
    let ready = executor::prepare(shared).await;
    let _gone = events.send(Event::Ready);
    let Ok(start) = start.await else { return };
    shared.started_at.get_or_init(|| start);
    let ticker = tokio::task::spawn_local(tick(Rc::clone(shared), events.clone()));
    tokio::select! {
        () = executor::run(shared, ready) => {}
        () = hard_deadline(shared) => {}
    }
    ticker.abort();
    pacing.abort();
    finish(shared, events);
}

async fn hard_deadline(shared: &Shared) {
    let end = shared.started_at() + shared.plan.total + shared.plan.graceful_stop;
    tokio::select! {
        () = tokio::time::sleep_until(end.into()) => {}
        () = async {
            shared.stop.cancelled().await;
            shared.stopped_at.set(Some(clock::monotonic()));
            tokio::time::sleep(shared.plan.stop_grace).await;
        } => {}
    }
}

/// Measures stalls and the CPU, and closes a window each second.
async fn tick(shared: Rc<Shared>, events: mpsc::UnboundedSender<Event>) {
    let start = shared.started_at();
    let measured_from = start + shared.plan.warm_up;
    let mut seconds = 0;
    let mut next = start;
    loop {
        shared.next_tick.set(Some(next));
        tokio::time::sleep_until(next.into()).await;
        let now = clock::monotonic();
        note_stall(&shared, next, now);
        if shared.cpu_from.get().is_none() && now >= measured_from {
            shared.cpu_from.set(thread_cpu().map(|cpu| (now, cpu)));
        }
        let over = now.saturating_duration_since(start).as_secs();
        if over > seconds {
            let window = shared.recorder.borrow_mut().take_window(shared.thread, over - 1);
            let _gone = events.send(Event::Window(window));
            seconds = over;
        }
        next = (next + TICK).max(now);
    }
}

fn note_stall(shared: &Shared, expected: Instant, now: Instant) {
    if now >= shared.started_at() + shared.plan.warm_up {
        let stall = &mut shared.recorder.borrow_mut().stall;
        // Each ring that was swallowed would have been late by a tick less than the one before it.
        let mut late = now.saturating_duration_since(expected);
        while late >= TICK {
            stall.record(Micros::from(late).0);
            late -= TICK;
        }
        stall.record(Micros::from(late).0);
    }
}

/// Notes what the ticker could not, and closes the last window.
fn finish(shared: &Shared, events: &mpsc::UnboundedSender<Event>) {
    let now = clock::monotonic();
    if let Some(expected) = shared.next_tick.get() {
        note_stall(shared, expected, now);
    }
    let cpu = shared.cpu_from.get().zip(thread_cpu()).map(|((from, before), after)| {
        let wall = now.saturating_duration_since(from).as_secs_f64();
        // Four digits, so that the figure is read back from JSON as it was written.
        let share = |part: Duration| (part.as_secs_f64() / wall.max(0.001) * 10_000.0).round() / 10_000.0;
        (share(after.ran.saturating_sub(before.ran)), share(after.waited.saturating_sub(before.waited)))
    });
    let stopped = shared.stop.is_cancelled().then(|| shared.stopped_at.get().unwrap_or(now));
    executor::settle(shared, stopped.map(|at| at.saturating_duration_since(shared.started_at())));
    let second = now.saturating_duration_since(shared.started_at()).as_secs();
    let recorder = &mut *shared.recorder.borrow_mut();
    recorder.cpu_share = cpu.map(|(ran, _)| ran);
    recorder.cpu_wait_share = cpu.map(|(_, waited)| waited);
    let iterations = &mut recorder.iterations;
    iterations.interrupted = iterations.started - iterations.completed - iterations.cut_short;
    let _gone = events.send(Event::Window(recorder.take_window(shared.thread, second)));
}
