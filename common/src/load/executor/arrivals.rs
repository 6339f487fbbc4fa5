//! Hands arrivals to free users.
//!
//! Arrivals that find no free user wait with their intended start while the number of users grows to its cap: a new user
//! connects in its own task, and whoever is free first, old or new, takes the arrival that has waited longest. Those that
//! nobody takes before the no-new-work deadline are dropped and counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::clock;
use crate::load::schedule::{Planned, Start};
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::{all_end, raise, wait_until};

/// Where a free user is given its next start, or nothing when there is no more.
#[derive(Default)]
struct Desk {
    start: Cell<Option<Start>>,
    given: Notify,
}

struct Pool<S> {
    shared: Rc<Shared>,
    state: RefCell<State<S>>,
}

struct State<S> {
    /// The desks of those that are free, the one that was busy last on top. Nothing waits while there are any.
    free: Vec<Rc<Desk>>,
    /// Arrivals that are due but not begun are those from here to `arrived`.
    to_begin: S,
    arrived: u64,
    begun: u64,
    connecting: u64,
    /// No more arrivals will come.
    closed: bool,
}

/// Starts an iteration for each start of the schedule with the users given and more, up to `max_vus` on all threads.
pub(super) async fn run<S>(shared: &Rc<Shared>, users: Vec<Vu>, schedule: S, max_vus: u32)
where
    S: Iterator<Item = Start> + Planned + Clone + 'static,
{
    shared.plan_iterations(schedule.clone());
    let cap = (0..max_vus).filter(|number| shared.owns(*number)).count();
    let mut known = users.len();
    let mut tasks = JoinSet::new();
    let pool = Rc::new(Pool::new(shared, schedule.clone(), cap));
    for user in users.into_iter().rev() {
        let desk = Rc::new(Desk::default());
        pool.state.borrow_mut().free.push(Rc::clone(&desk));
        tasks.spawn_local(serve(Rc::clone(&pool), desk, user));
    }
    for start in schedule {
        if !wait_until(shared, shared.started_at() + start.offset).await {
            break;
        }
        if pool.arrive() {
            continue;
        }
        if known < cap && pool.needs_another() {
            tasks.spawn_local(join(Rc::clone(&pool), shared.number_of(known)));
            known += 1;
        }
        // Arrivals that are due at once follow each other without a pause; users must get their turn.
        tokio::task::yield_now().await;
        while let Some(ended) = tasks.try_join_next() {
            raise(ended);
        }
    }
    pool.close();
    all_end(tasks).await;
}

impl<S: Iterator<Item = Start>> Pool<S> {
    fn new(shared: &Rc<Shared>, to_begin: S, cap: usize) -> Self {
        let free = Vec::with_capacity(cap);
        let state = State { free, to_begin, arrived: 0, begun: 0, connecting: 0, closed: false };
        Self { shared: Rc::clone(shared), state: RefCell::new(state) }
    }

    /// Notes an arrival; true if a free user took it.
    fn arrive(&self) -> bool {
        self.state.borrow_mut().arrived += 1;
        let Some(desk) = self.state.borrow_mut().free.pop() else {
            self.show_waiting();
            return false;
        };
        let Some(start) = self.take() else {
            self.state.borrow_mut().free.push(desk);
            return false;
        };
        desk.start.set(Some(start));
        desk.given.notify_one();
        true
    }

    /// Takes the arrival that has waited longest, unless it is too late to begin.
    fn take(&self) -> Option<Start> {
        if self.shared.stop.is_cancelled() || clock::monotonic() > self.shared.last_begin() {
            return None;
        }
        let start = {
            let mut state = self.state.borrow_mut();
            if state.begun == state.arrived {
                return None;
            }
            state.begun += 1;
            state.to_begin.next()
        };
        self.show_waiting();
        start
    }

    fn show_waiting(&self) {
        let state = self.state.borrow();
        self.shared.recorder.borrow_mut().waiting = state.arrived - state.begun;
    }

    /// True if more arrivals wait than users are about to come; then one more is counted among these.
    fn needs_another(&self) -> bool {
        let mut state = self.state.borrow_mut();
        let needed = state.arrived - state.begun > state.connecting;
        state.connecting += u64::from(needed);
        needed
    }

    /// Puts a user among the free ones; false if there will be nothing to do.
    fn rest(&self, desk: &Rc<Desk>) -> bool {
        let mut state = self.state.borrow_mut();
        if !state.closed {
            state.free.push(Rc::clone(desk));
        }
        !state.closed
    }

    /// Sends the free users home; the others take what waits and follow.
    fn close(&self) {
        let mut state = self.state.borrow_mut();
        state.closed = true;
        state.free.drain(..).for_each(|desk| desk.given.notify_one());
    }

    async fn work(&self, user: &mut Vu, start: Start) {
        user.iterate(start, self.shared.started_at() + start.offset, clock::monotonic()).await;
    }

    /// Does what waits.
    async fn catch_up(&self, user: &mut Vu) {
        while let Some(start) = self.take() {
            self.work(user, start).await;
        }
    }
}

/// A user that stands ready.
async fn serve<S: Iterator<Item = Start>>(pool: Rc<Pool<S>>, desk: Rc<Desk>, mut user: Vu) {
    loop {
        desk.given.notified().await;
        let Some(start) = desk.start.take() else { return };
        pool.shared.began_free(start, pool.shared.started_at() + start.offset);
        pool.work(&mut user, start).await;
        pool.catch_up(&mut user).await;
        if !pool.rest(&desk) {
            return;
        }
    }
}

/// A user that comes because the others do not suffice.
async fn join<S: Iterator<Item = Start>>(pool: Rc<Pool<S>>, number: u32) {
    let mut user = Vu::new(number, &pool.shared);
    tokio::select! {
        biased;
        () = pool.shared.stop.cancelled() => {}
        () = user.connect() => {}
        () = tokio::time::sleep_until(pool.shared.last_begin().into()) => {}
    }
    pool.state.borrow_mut().connecting -= 1;
    pool.catch_up(&mut user).await;
    let desk = Rc::new(Desk::default());
    if pool.rest(&desk) {
        serve(pool, desk, user).await;
    }
}
