//! Starts iterations on one thread; one executor a file, the schedule apart from the running.

mod constant_arrival_rate;
mod constant_vus;

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::clock;
use crate::scenario::Executor;

use super::schedule::Even;
use super::vu::Vu;
use super::worker::Shared;

/// What an executor has made ready before the load starts.
pub(crate) struct Ready {
    users: Vec<Vu>,
}

/// Makes the users of this thread and opens their connections, as far as they have to stand ready.
pub(crate) async fn prepare(shared: &Rc<Shared>) -> Ready {
    let count = match &shared.plan.scenario.executor {
        Executor::ConstantArrivalRate { pre_allocated_vus, .. } => *pre_allocated_vus,
        other => other.max_vus(),
    };
    let mut users = Vec::new();
    for number in (0..count).filter(|number| shared.owns(*number)) {
        let mut user = Vu::new(number, shared);
        user.connect().await;
        users.push(user);
    }
    Ready { users }
}

/// Runs this thread's share of the load to its end. The load starts at [`Shared::started_at`].
pub(crate) async fn run(shared: &Rc<Shared>, ready: Ready) {
    let total = shared.plan.total;
    match &shared.plan.scenario.executor {
        Executor::ConstantVus { vus, iteration_interval_ms, .. } => {
            let pace = iteration_interval_ms.map(Duration::from_millis);
            constant_vus::run(shared, ready.users, *vus, pace).await;
        }
        Executor::ConstantArrivalRate { rate, time_unit_ms, max_vus, .. } => {
            let unit = Duration::from_millis(*time_unit_ms);
            let (lane, lanes) = (u64::from(shared.thread), u64::from(shared.plan.threads));
            let schedule = Even::arrivals(*rate, unit, total, lane, lanes);
            constant_arrival_rate::run(shared, ready.users, schedule, *max_vus).await;
        }
        _not_run => {}
    }
}

/// Waits for an instant; false if the load is stopped before.
async fn wait_until(shared: &Shared, at: Instant) -> bool {
    if shared.stop.is_cancelled() {
        return false;
    }
    if at <= clock::monotonic() {
        return true;
    }
    tokio::select! {
        biased;
        () = shared.stop.cancelled() => false,
        () = shared.pacer.until(at) => true,
    }
}
