//! A number of iterations that all users of all threads take from one pile, each as fast as it can.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::load::schedule::Span;
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::all_end;
use super::back_to_back::back_to_back;

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>) {
    let mut tasks = JoinSet::new();
    for user in users {
        tasks.spawn_local(take(Rc::clone(shared), user));
    }
    all_end(tasks).await;
}

/// The warm-up takes nothing from the pile.
async fn take(shared: Rc<Shared>, mut user: Vu) {
    let whole = Span { begin: Duration::ZERO, end: shared.plan.total };
    let (pile, warm_up) = (&shared.plan.pile, shared.plan.warm_up);
    let next = |offset| if offset < warm_up { Some(pile.number()) } else { pile.take() };
    back_to_back(&shared, &mut user, whole, next).await;
}
