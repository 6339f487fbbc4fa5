//! Iterations that start at a fixed rate, whatever the answers.

use std::rc::Rc;
use std::time::Duration;

use crate::load::schedule::Even;
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::arrivals;

pub(super) async fn run(shared: &Rc<Shared>, users: Vec<Vu>, rate: u32, unit: Duration, max_vus: u32) {
    let (lane, lanes) = shared.lane();
    arrivals::run(shared, users, Even::arrivals(rate, unit, shared.plan.total, lane, lanes), max_vus).await;
}
