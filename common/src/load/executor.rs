//! Starts iterations on one thread; one executor a file, the schedules apart from the running.
//!
//! Users are tasks that live as long as they are wanted; nothing is spawned and nothing is allocated for an iteration.
//! Work ends twice: after the no-new-work deadline nothing begins, at the hard one what is under way is cut off.

mod account;
mod arrivals;
mod back_to_back;
mod constant_arrival_rate;
mod constant_vus;
mod per_vu_iterations;
mod ramping_arrival_rate;
mod ramping_vus;
mod shared_iterations;

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::clock;
use crate::scenario::Executor;

use super::vu::Vu;
use super::worker::Shared;

pub(crate) use account::settle;

/// What an executor has made ready before the load starts.
pub(crate) struct Ready {
    users: Vec<Vu>,
}

/// Makes the users of this thread and opens their connections, as far as they have to stand ready.
pub(crate) async fn prepare(shared: &Rc<Shared>) -> Ready {
    let count = match &shared.plan.scenario.executor {
        Executor::ConstantArrivalRate { pre_allocated_vus, .. }
        | Executor::RampingArrivalRate { pre_allocated_vus, .. } => *pre_allocated_vus,
        Executor::RampingVus { start_vus, .. } => *start_vus,
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
    let pace_of = |interval_ms: &Option<u64>| interval_ms.map(Duration::from_millis);
    let users = ready.users;
    match &shared.plan.scenario.executor {
        Executor::ConstantVus { vus, iteration_interval_ms, .. } => {
            constant_vus::run(shared, users, *vus, pace_of(iteration_interval_ms)).await;
        }
        Executor::RampingVus { start_vus, stages, iteration_interval_ms } => {
            ramping_vus::run(shared, users, *start_vus, stages, pace_of(iteration_interval_ms)).await;
        }
        Executor::SharedIterations { .. } => shared_iterations::run(shared, users).await,
        Executor::PerVuIterations { vus, iterations, .. } => {
            per_vu_iterations::run(shared, users, *vus, *iterations).await;
        }
        Executor::ConstantArrivalRate { rate, time_unit_ms, max_vus, .. } => {
            let unit = Duration::from_millis(*time_unit_ms);
            constant_arrival_rate::run(shared, users, *rate, unit, *max_vus).await;
        }
        Executor::RampingArrivalRate { start_rate, time_unit_ms, stages, max_vus, .. } => {
            let unit = Duration::from_millis(*time_unit_ms);
            ramping_arrival_rate::run(shared, users, (*start_rate, stages, unit), *max_vus).await;
        }
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

/// Waits until all users have ended; a panic of one goes on here.
async fn all_end(mut users: JoinSet<()>) {
    while let Some(ended) = users.join_next().await {
        raise(ended);
    }
}

fn raise(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
