//! Iterations that start at a fixed rate. Arrivals that find no free user wait with their intended start while the number
//! of users grows to its cap; those that never find one are dropped and counted.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::task::JoinSet;

use crate::clock;
use crate::load::schedule::{Even, Start};
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::wait_until;

struct Pool {
    free: Vec<Vu>,
    /// Arrivals that are due but not begun are those from here to `arrived`.
    to_begin: Even,
    arrived: u64,
    begun: u64,
}

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>, schedule: Even, max_vus: u32) {
    shared.plan_iterations(schedule.clone());
    let own_cap = (0..max_vus).filter(|number| shared.owns(*number)).count();
    let mut known = users.len();
    let pool = Rc::new(RefCell::new(Pool { free: users, to_begin: schedule.clone(), arrived: 0, begun: 0 }));
    let mut tasks = JoinSet::new();
    for start in schedule {
        let intended = shared.started_at() + start.offset;
        if !wait_until(shared, intended).await {
            break;
        }
        pool.borrow_mut().arrived += 1;
        let mut user = pool.borrow_mut().free.pop();
        if user.is_none() && known < own_cap {
            user = Some(Vu::new(shared.number_of(known), shared));
            known += 1;
        }
        if let Some(user) = user {
            if let Some(start) = take(shared, &pool) {
                shared.began_free(start, shared.started_at() + start.offset);
                tasks.spawn_local(work(Rc::clone(shared), Rc::clone(&pool), user, start));
            } else {
                pool.borrow_mut().free.push(user);
            }
        }
        reap(&mut tasks);
    }
    while let Some(ended) = tasks.join_next().await {
        raise(ended);
    }
    shared.drop_due(pool.borrow().to_begin.clone());
}

/// Runs the iteration, then those that wait.
async fn work(shared: Rc<Shared>, pool: Rc<RefCell<Pool>>, mut user: Vu, first: Start) {
    let mut next = Some(first);
    while let Some(start) = next {
        user.iterate(start, shared.started_at() + start.offset).await;
        next = take(&shared, &pool);
    }
    pool.borrow_mut().free.push(user);
}

/// Takes the arrival that has waited longest, unless it is too late to begin.
fn take(shared: &Shared, pool: &RefCell<Pool>) -> Option<Start> {
    let mut pool = pool.borrow_mut();
    let may_begin = !shared.stop.is_cancelled() && clock::monotonic() <= shared.last_begin();
    let start = if may_begin && pool.begun < pool.arrived { pool.to_begin.next() } else { None };
    pool.begun += u64::from(start.is_some());
    shared.recorder.borrow_mut().waiting = pool.arrived - pool.begun;
    start
}

fn reap(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.try_join_next() {
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
