//! What a user notes of the journey under way, and hands in when it is over.

use std::time::Instant;

use crate::load::jar::without_value;
use crate::load::journey::{Journey, JourneyHop};
use crate::load::plan::PlannedStep;
use crate::load::redirect::without_values;
use crate::load::transport::{Answer, Fault};
use crate::load::worker::Shared;
use crate::units::Micros;

use super::Journey as Iteration;
use super::way::{Way, address, method_of, path_of};

/// Notes of one journey.
#[derive(Debug, Default)]
pub(super) struct Notes {
    hops: Vec<JourneyHop>,
}

impl Notes {
    pub(super) fn clear(&mut self) {
        self.hops.clear();
    }

    /// Notes the request of the moment; an empty one was not sent.
    #[expect(clippy::too_many_arguments, reason = "a hop is all of this")]
    pub(super) fn hop(
        &mut self,
        shared: &Shared,
        step: &PlannedStep,
        iteration: Iteration<'_>,
        way: &Way,
        request: &[u8],
        answer: Option<&Answer<'_>>,
        fault: Option<&Fault>,
        ended: Instant,
    ) {
        let since = |from: Instant, to: Instant| Micros::from(to.saturating_duration_since(from)).0;
        let path = path_of(request).split('?').next().unwrap_or_default();
        let cookies = answer.map(|answer| answer.headers("set-cookie").map(without_value).collect());
        self.hops.push(JourneyHop {
            step: step.name.clone(),
            app: shared.plan.origins[way.origin].app,
            route: way.route(step, request),
            method: method_of(request).to_string(),
            url: address(&shared.plan, way.origin, path),
            span_id: format!("{:016x}", way.span),
            status: answer.map(Answer::status),
            offset_us: since(iteration.intended, way.sending.sent),
            duration_us: since(way.sending.sent, ended),
            redirects_to: answer.and_then(|answer| answer.header("location")).map(without_values),
            cookies: cookies.unwrap_or_default(),
            error: fault.map(|fault| fault.detail.clone()),
        });
    }

    /// Hands the journey in if it is to be kept.
    pub(super) fn hand_in(&mut self, shared: &Shared, vu: u32, iteration: Iteration<'_>, ok: bool, ended: Instant) {
        let log = &mut shared.recorder.borrow_mut().journeys;
        if !log.wants(ok) {
            return;
        }
        log.push(Journey {
            trace_id: iteration.trace,
            vu,
            iteration: iteration.iteration,
            started_at_unix_ms: shared.unix_ms(iteration.intended),
            duration_us: Micros::from(ended.saturating_duration_since(iteration.intended)).0,
            ok,
            hops: std::mem::take(&mut self.hops),
        });
    }
}
