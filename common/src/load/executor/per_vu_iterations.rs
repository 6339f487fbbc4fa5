//! A number of iterations for each user, one after the other.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::load::schedule::Span;
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::all_end;
use super::back_to_back::back_to_back;

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>, vus: u32, iterations: u64) {
    let mut tasks = JoinSet::new();
    for (index, user) in users.into_iter().enumerate() {
        tasks.spawn_local(repeat(Rc::clone(shared), user, shared.number_of(index), vus, iterations));
    }
    all_end(tasks).await;
}

/// Those of the warm-up are not among the user's iterations, but are numbered with them.
async fn repeat(shared: Rc<Shared>, mut user: Vu, number: u32, vus: u32, iterations: u64) {
    let whole = Span { begin: Duration::ZERO, end: shared.plan.total };
    let warm_up = shared.plan.warm_up;
    let mut numbers = (u64::from(number)..).step_by(usize::try_from(vus).unwrap_or(usize::MAX));
    let mut left = iterations;
    let next = |offset| {
        if offset >= warm_up {
            left = left.checked_sub(1)?;
        }
        numbers.next()
    };
    back_to_back(&shared, &mut user, whole, next).await;
}
