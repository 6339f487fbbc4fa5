//! A fixed number of users, each on its own schedule, or starting again as soon as it has finished.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock;
use crate::load::schedule::{Even, Span};
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::back_to_back::back_to_back;
use super::{all_end, wait_until};

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>, vus: u32, pace: Option<Duration>) {
    let mut tasks = JoinSet::new();
    for (index, user) in users.into_iter().enumerate() {
        let shared = Rc::clone(shared);
        let number = shared.number_of(index);
        if let Some(interval) = pace {
            let schedule = Even::paced(number, vus, interval, shared.plan.total);
            shared.plan_iterations(schedule.clone());
            tasks.spawn_local(paced(shared, user, schedule));
        } else {
            tasks.spawn_local(unpaced(shared, user, number, vus));
        }
    }
    all_end(tasks).await;
}

/// Late iterations begin as soon as the user is free, and keep their intended start.
async fn paced(shared: Rc<Shared>, mut user: Vu, schedule: Even) {
    for start in schedule {
        let intended = shared.started_at() + start.offset;
        let free = clock::monotonic() <= intended;
        if !wait_until(&shared, intended).await || clock::monotonic() > shared.last_begin() {
            return;
        }
        if free {
            shared.began_free(start, intended);
        }
        user.iterate(start, intended, clock::monotonic()).await;
    }
}

async fn unpaced(shared: Rc<Shared>, mut user: Vu, number: u32, vus: u32) {
    let whole = Span { begin: Duration::ZERO, end: shared.plan.total };
    let mut numbers = (u64::from(number)..).step_by(usize::try_from(vus).unwrap_or(usize::MAX));
    back_to_back(&shared, &mut user, whole, |_| numbers.next()).await;
}
