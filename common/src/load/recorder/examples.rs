//! The requests that a report shows one by one: the slowest, and the first that failed.

use crate::ids::TraceId;
use crate::load::capsule::{Sent, capsule};
use crate::load::plan::Plan;
use crate::load::report::{Capsule, Exemplar};
use crate::load::wire::Parts;

use super::Outcome;

const SLOWEST: usize = 10;
const FAILED: usize = 20;
/// Bytes of an answer's body that are kept; a capsule shows fewer.
const ANSWER_BYTES: usize = 512;

/// A request and its answer as they went over the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) origin: usize,
    /// `None` if it could not be filled in.
    pub(crate) request: Option<&'a [u8]>,
    /// What was read of the answer's body.
    pub(crate) answer: &'a [u8],
}

/// A copy of an exchange that is made readable when the load is over, so that a slow request costs no more than a copy
/// into bytes that are there already.
#[derive(Debug)]
struct Example {
    trace: TraceId,
    at_unix_ms: i64,
    response_us: u64,
    service_us: u64,
    error: Option<String>,
    origin: usize,
    sent: bool,
    request: Vec<u8>,
    status: Option<u16>,
    answer: Vec<u8>,
}

/// Examples of one step on one thread.
#[derive(Debug, Default)]
pub(super) struct Examples {
    /// Slowest first.
    slowest: Vec<Example>,
    /// In the order in which they failed.
    failed: Vec<Example>,
}

impl Examples {
    pub(super) fn record(&mut self, outcome: &Outcome, exchange: Exchange<'_>) {
        if outcome.fault.is_some() {
            if self.failed.len() < FAILED {
                self.failed.push(Example::of(outcome, exchange, (Vec::new(), Vec::new())));
            }
            return;
        }
        let full = self.slowest.len() >= SLOWEST;
        if full && self.slowest.last().is_some_and(|least| least.response_us >= outcome.response.0) {
            return;
        }
        let room = if full { self.slowest.pop().map(|least| (least.request, least.answer)) } else { None };
        let at = self.slowest.partition_point(|other| other.response_us >= outcome.response.0);
        self.slowest.insert(at, Example::of(outcome, exchange, room.unwrap_or_default()));
    }

    pub(super) fn add(&mut self, other: Self) {
        self.slowest.extend(other.slowest);
        self.slowest.sort_by_key(|example| std::cmp::Reverse(example.response_us));
        self.slowest.truncate(SLOWEST);
        self.failed.extend(other.failed);
        self.failed.sort_by_key(|example| example.at_unix_ms);
        self.failed.truncate(FAILED);
    }

    /// The slowest and the failed, written down without secrets.
    pub(super) fn write_down(self, plan: &Plan) -> (Vec<Exemplar>, Vec<Exemplar>) {
        let written = |examples: Vec<Example>| examples.into_iter().map(|example| example.write_down(plan)).collect();
        (written(self.slowest), written(self.failed))
    }
}

impl Example {
    fn of(outcome: &Outcome, exchange: Exchange<'_>, (mut request, mut answer): (Vec<u8>, Vec<u8>)) -> Self {
        request.clear();
        request.extend_from_slice(exchange.request.unwrap_or_default());
        answer.clear();
        answer.extend_from_slice(&exchange.answer[..exchange.answer.len().min(ANSWER_BYTES)]);
        Self {
            trace: outcome.trace,
            at_unix_ms: outcome.at_unix_ms,
            response_us: outcome.response.0,
            service_us: outcome.service.0,
            error: outcome.fault.as_ref().map(|fault| fault.detail.clone()),
            origin: exchange.origin,
            sent: exchange.request.is_some(),
            request,
            status: outcome.status,
            answer,
        }
    }

    fn write_down(self, plan: &Plan) -> Exemplar {
        Exemplar {
            trace_id: self.trace,
            at_unix_ms: self.at_unix_ms,
            response_us: self.response_us,
            service_us: self.service_us,
            capsule: self.capsule(plan),
            error: self.error,
        }
    }

    fn capsule(&self, plan: &Plan) -> Capsule {
        let parts = Parts::of(&self.request).ok().filter(|_| self.sent);
        let (method, none) = (http::Method::default(), http::HeaderMap::new());
        let origin = &plan.origins[self.origin];
        let sent = Sent {
            method: parts.as_ref().map_or(&method, |parts| &parts.method),
            tls: origin.tls,
            authority: &origin.authority,
            path: parts.as_ref().map_or("", |parts| parts.path),
            headers: parts.as_ref().map_or(&none, |parts| &parts.headers),
            body: parts.as_ref().map_or(&[], |parts| parts.body),
        };
        capsule(&sent, self.status, &self.answer)
    }
}
