//! What was promised and what was begun: the difference was dropped, however the load ended.

use std::time::Duration;

use crate::load::worker::Shared;
use crate::scenario::Executor;

/// Counts what this thread dropped. `stopped` is when an early stop came, from the start of the load: what was due only
/// after it was never planned.
pub(crate) fn settle(shared: &Shared, stopped: Option<Duration>) {
    let started = shared.recorder.borrow().iterations.started;
    let counted = |whole: u64| Some(if stopped.is_some() { started } else { whole });
    let planned = match &shared.plan.scenario.executor {
        // The first thread that settles takes what all have left over.
        Executor::SharedIterations { .. } => counted(started + shared.plan.pile.clear()),
        Executor::PerVuIterations { vus, iterations, .. } => {
            let own = (0..*vus).filter(|number| shared.owns(*number)).map(|_| *iterations);
            counted(own.fold(0, u64::saturating_add))
        }
        Executor::ConstantVus { iteration_interval_ms: None, .. }
        | Executor::RampingVus { iteration_interval_ms: None, .. } => None,
        Executor::ConstantVus { .. }
        | Executor::RampingVus { .. }
        | Executor::ConstantArrivalRate { .. }
        | Executor::RampingArrivalRate { .. } => {
            Some(shared.planned_until(stopped.unwrap_or(shared.plan.total)).max(started))
        }
    };
    let recorder = &mut *shared.recorder.borrow_mut();
    recorder.waiting = 0;
    recorder.iterations.planned = planned;
    recorder.iterations.dropped = planned.map_or(0, |planned| planned.saturating_sub(started));
}
