//! A number of users that rises and falls in straight lines.
//!
//! A user connects shortly before it is due. When it has to go it begins nothing that was not due before, and what it has
//! under way may end within the graceful stop; what is longer is cut off.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::clock;
use crate::load::schedule::{Grid, PacedUser, Span, Start, lines, spans};
use crate::load::vu::Vu;
use crate::load::worker::Shared;
use crate::scenario::Stage;

use super::back_to_back::back_to_back;
use super::{all_end, wait_until};

/// How long before a user is due it connects.
const CONNECT_AHEAD: Duration = Duration::from_millis(100);

/// The users of the start are there during the warm-up.
pub(super) async fn run(shared: &Rc<Shared>, ready: Vec<Vu>, start_vus: u32, stages: &[Stage], pace: Option<Duration>) {
    let lines = lines(shared.plan.warm_up, start_vus, stages);
    let mut ready = ready.into_iter();
    let mut tasks = JoinSet::new();
    let most = shared.plan.scenario.executor.max_vus();
    for number in (0..most).filter(|number| shared.owns(*number)) {
        let spans = spans(&lines, number);
        let grid = pace.map(|interval| Grid::of(number, interval));
        if let Some(grid) = grid {
            shared.plan_iterations(PacedUser { grid, spans: spans.clone() });
        }
        let user = User { shared: Rc::clone(shared), number, grid };
        tasks.spawn_local(user.live(ready.next(), spans));
    }
    all_end(tasks).await;
}

struct User {
    shared: Rc<Shared>,
    number: u32,
    grid: Option<Grid>,
}

impl User {
    /// Is there during each of its spans. One that is called back while it still may finish is not cut off.
    async fn live(self, mut ready: Option<Vu>, spans: Vec<Span>) {
        let grace = self.shared.plan.graceful_stop;
        for stay in spans.chunk_by(|one, next| next.begin <= one.end + grace) {
            let Some(last) = stay.last() else { return };
            let hard = self.shared.started_at() + last.end + grace;
            // An iteration that is cut off was begun and not ended: it is counted as interrupted.
            let _cut_off = tokio::time::timeout_at(hard.into(), self.stay(ready.take(), stay)).await;
        }
    }

    async fn stay(&self, ready: Option<Vu>, spans: &[Span]) {
        let shared = &self.shared;
        let mut there = ready;
        for span in spans {
            let begin = shared.started_at() + span.begin;
            if there.is_some() && clock::monotonic() < begin {
                there = there.filter(|_| span.begin.is_zero());
            }
            let mut user = match there.take() {
                Some(user) => user,
                None if wait_until(shared, begin.checked_sub(CONNECT_AHEAD).unwrap_or(begin)).await => {
                    let mut user = Vu::new(self.number, shared);
                    user.connect().await;
                    user
                }
                None => return,
            };
            match self.grid {
                Some(grid) => self.paced(&mut user, grid, *span).await,
                None => back_to_back(shared, &mut user, *span, |_| Some(shared.plan.pile.number())).await,
            }
            if span.end < shared.plan.total && !wait_until(shared, shared.started_at() + span.end).await {
                return;
            }
            there = Some(user);
        }
    }

    /// Late iterations begin as soon as the user is free, and keep their intended start.
    async fn paced(&self, user: &mut Vu, grid: Grid, span: Span) {
        let shared = &self.shared;
        let last_begin = shared.started_at() + span.end + shared.plan.drain;
        for offset in grid.within(span) {
            let intended = shared.started_at() + offset;
            let free = clock::monotonic() <= intended;
            if !wait_until(shared, intended).await || clock::monotonic() > last_begin {
                return;
            }
            let start = Start { iteration: shared.plan.pile.number(), offset };
            if free {
                shared.began_free(start, intended);
            }
            user.iterate(start, intended, clock::monotonic()).await;
        }
    }
}
