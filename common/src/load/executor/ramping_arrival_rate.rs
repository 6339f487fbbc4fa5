//! Iterations that start at a rate that rises and falls in straight lines, whatever the answers.

use std::rc::Rc;
use std::time::Duration;

use crate::load::schedule::Ramp;
use crate::load::vu::Vu;
use crate::load::worker::Shared;
use crate::scenario::Stage;

use super::arrivals;

/// The warm-up runs at the rate of the start.
pub(super) async fn run(
    shared: &Rc<Shared>,
    users: Vec<Vu>,
    (start_rate, stages, unit): (u32, &[Stage], Duration),
    max_vus: u32,
) {
    let schedule = Ramp::new(shared.plan.warm_up, start_rate, stages, unit, shared.lane());
    arrivals::run(shared, users, schedule, max_vus).await;
}
