//! A fixed number of users, each on its own schedule, or starting again as soon as it has finished.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::clock;
use crate::load::schedule::{Even, Start};
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::wait_until;

/// How long a user that is not paced waits after it could not reach the target.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>, vus: u32, pace: Option<Duration>) {
    let mut tasks = JoinSet::new();
    for (number, user) in users.into_iter().enumerate() {
        let shared = Rc::clone(shared);
        let number = shared.number_of(number);
        match pace {
            Some(interval) => {
                let schedule = Even::paced(number, vus, interval, shared.plan.total);
                tasks.spawn_local(paced(shared, user, schedule));
            }
            None => {
                tasks.spawn_local(unpaced(shared, user, number, vus));
            }
        }
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// Late iterations begin as soon as the user is free, and keep their intended start.
async fn paced(shared: Rc<Shared>, mut user: Vu, mut schedule: Even) {
    shared.plan_iterations(schedule.clone());
    while let Some(start) = schedule.peek() {
        let intended = shared.started_at() + start.offset;
        let free = clock::monotonic() <= intended;
        if !wait_until(&shared, intended).await || clock::monotonic() > shared.last_begin() {
            break;
        }
        schedule.next();
        if free {
            shared.began_free(start, intended);
        }
        user.iterate(start, intended).await;
    }
    shared.drop_due(schedule);
}

/// Starts again at once, at most as often as the guard permits.
async fn unpaced(shared: Rc<Shared>, mut user: Vu, number: u32, vus: u32) {
    let mut intended: Instant = shared.started_at();
    let end = shared.started_at() + shared.plan.total;
    let mut iteration = u64::from(number);
    while intended < end && wait_until(&shared, intended).await {
        let began = clock::monotonic().max(intended);
        let offset = began.saturating_duration_since(shared.started_at());
        let reached = user.iterate(Start { iteration, offset }, began).await;
        iteration += u64::from(vus);
        intended = clock::monotonic().max(began + shared.plan.least_interval);
        if !reached {
            intended += UNREACHABLE_PAUSE;
        }
    }
}
