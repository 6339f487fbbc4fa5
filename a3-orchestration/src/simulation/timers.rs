//! Simulated waiting: a task waits for a time of the clock, and the one who moves the clock wakes it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::clock::Clock;
use tokio::sync::{Notify, oneshot};

/// All that waits.
#[derive(Debug)]
pub(super) struct Timers {
    clock: Clock,
    state: Mutex<State>,
    /// Notified when the task that moves begins to wait.
    parked: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By time and order of arrival: the task, and how to wake it.
    waiting: BTreeMap<(i64, u64), (u64, oneshot::Sender<()>)>,
    arrivals: u64,
    /// The task that moves now.
    moving: u64,
}

impl Timers {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default(), parked: Notify::new() }
    }

    /// Waits for so much simulated time.
    pub(super) async fn wait(&self, time: Duration) {
        let until_ms = self.clock.unix_ms() + i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.lock();
            state.arrivals += 1;
            let (order, task) = (state.arrivals, state.moving);
            state.waiting.insert((until_ms, order), (task, wake));
        }
        self.parked.notify_one();
        // Nobody wakes a task of a process that was killed.
        if woken.await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Says which task moves from now on.
    pub(super) fn moves(&self, task: u64) {
        self.lock().moving = task;
    }

    /// Ends when the task that moves begins to wait.
    pub(super) async fn parked(&self) {
        self.parked.notified().await;
    }

    /// When the next one is to be woken.
    pub(super) fn next_ms(&self) -> Option<i64> {
        self.lock().waiting.keys().next().map(|(at_ms, _)| *at_ms)
    }

    /// Wakes the first one whose time has come, and tells which task it is.
    pub(super) fn wake_one(&self, now_ms: i64) -> Option<u64> {
        let mut state = self.lock();
        let entry = state.waiting.first_entry().filter(|entry| entry.key().0 <= now_ms)?;
        let (task, wake) = entry.remove();
        // A task that is gone needs no waking.
        let _ = wake.send(());
        Some(task)
    }

    /// Forgets all who wait: their process was killed.
    pub(super) fn clear(&self) {
        self.lock().waiting.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
