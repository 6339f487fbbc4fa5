//! A virtual user: its connections, its variables, and one iteration after the other.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use crate::clock;
use crate::ids::TraceId;
use crate::scenario::Record;
use crate::units::Micros;

use super::capsule::{Sent, capsule};
use super::deadline::Deadline;
use super::judge::judge;
use super::plan::PlannedStep;
use super::random::Ids;
use super::recorder::Outcome;
use super::report::{Capsule, End, ErrorKind};
use super::schedule::Start;
use super::template::Values;
use super::transport::{Answer, Connection, Fault, Want};
use super::wire::Parts;
use super::worker::Shared;

/// A virtual user of one thread.
pub(crate) struct Vu {
    number: u32,
    shared: Rc<Shared>,
    links: Vec<Link>,
    variables: BTreeMap<String, String>,
    ids: Ids,
    deadline: Deadline,
    /// The request of the moment.
    request: Vec<u8>,
    room: Vec<u8>,
}

/// A user's way to one origin.
#[derive(Debug, Default)]
struct Link {
    connection: Option<Connection>,
    had_one: bool,
}

/// What all requests of an iteration share.
#[derive(Debug, Clone, Copy)]
struct Journey<'a> {
    iteration: u64,
    trace: TraceId,
    measured: bool,
    record: Option<&'a Record>,
}

/// How far a request got.
#[derive(Debug)]
struct Sending {
    began: Instant,
    sent: Instant,
}

impl Vu {
    pub(crate) fn new(number: u32, shared: &Rc<Shared>) -> Self {
        shared.recorder.borrow_mut().vus += 1;
        Self {
            number,
            shared: Rc::clone(shared),
            links: shared.plan.origins.iter().map(|_| Link::default()).collect(),
            variables: BTreeMap::new(),
            ids: Ids::fresh(),
            deadline: Deadline::new(),
            request: Vec::new(),
            room: Vec::new(),
        }
    }

    /// Opens connections in advance; a failure shows when the first request needs one.
    pub(crate) async fn connect(&mut self) {
        let until = clock::monotonic() + self.shared.plan.request_timeout;
        for origin in 0..self.links.len() {
            let opened = open(&self.shared, &mut self.links[origin], origin);
            if let Ok(Ok(connection)) = self.deadline.hold(until, opened).await {
                self.links[origin].connection = Some(connection);
            }
        }
    }

    /// Runs one iteration that was meant to start at `intended`. False if the target could not be reached.
    pub(crate) async fn iterate(&mut self, start: Start, intended: Instant) -> bool {
        let shared = Rc::clone(&self.shared);
        let record = match shared.record_of(self.number, start.iteration) {
            Ok(record) => record,
            Err(()) => {
                shared.recorder.borrow_mut().end = End::OutOfData;
                shared.stop.cancel();
                return true;
            }
        };
        let measured = shared.begin(start);
        let journey = Journey { iteration: start.iteration, trace: self.ids.trace(), measured, record };
        self.variables.clear();
        let mut intended = intended;
        let (mut reached, mut whole) = (true, true);
        for (at, step) in shared.plan.steps.iter().enumerate() {
            let (fault, ended) = self.request(at, step, journey, intended).await;
            reached &= fault != Some(ErrorKind::Connect);
            if fault.is_some() && !step.extract.is_empty() {
                whole = false;
                break;
            }
            intended = ended;
            if !step.think_time.is_zero() {
                intended = ended + step.think_time;
                shared.pacer.until(intended).await;
            }
        }
        shared.finish(measured, whole);
        reached
    }

    /// Sends one request and records what came of it; tells what went wrong and when it ended.
    async fn request(
        &mut self,
        at: usize,
        step: &PlannedStep,
        journey: Journey<'_>,
        intended: Instant,
    ) -> (Option<ErrorKind>, Instant) {
        let shared = Rc::clone(&self.shared);
        shared.recorder.borrow_mut().steps[at].sent(journey.measured);
        let began = clock::monotonic();
        let mut sending = Sending { began, sent: began };
        let rendered = self.render(step, journey);
        let result = match &rendered {
            Err(fault) => Err(fault.clone()),
            Ok(()) => self.send_in_time(step, &mut sending).await,
        };
        let ended = clock::monotonic();
        let answer = result.as_ref().ok().map(Connection::answer);
        let fault = match (&result, &answer) {
            (Err(fault), _) => Some(fault.clone()),
            (Ok(_), Some(answer)) => judge(step, answer, &mut self.variables).err(),
            (Ok(_), None) => None,
        };
        let kind = fault.as_ref().map(|fault| fault.kind);
        let since = |from: Instant, to: Instant| Micros::from(to.saturating_duration_since(from));
        let outcome = Outcome {
            step: at,
            measured: journey.measured,
            trace: journey.trace,
            iteration: journey.iteration,
            sent_at: sending.sent.saturating_duration_since(shared.started_at()),
            service: since(sending.sent, ended),
            response: since(intended, ended),
            first_byte: answer.and_then(|answer| Some(since(sending.sent, answer.first_byte_at()?))),
            status: answer.map(|answer| answer.status()),
            body_bytes: answer.map_or(0, |answer| answer.body_bytes()),
            app_us: answer.and_then(|answer| answer.app_us()),
            fault,
            at_unix_ms: shared.unix_ms(ended),
        };
        let request = rendered.is_ok().then_some(self.request.as_slice());
        shared.recorder.borrow_mut().record(&outcome, || write_down(&shared, step, request, answer.as_ref()));
        if let Ok(connection) = result
            && connection.is_reusable()
        {
            self.links[step.origin].connection = Some(connection);
        }
        (kind, ended)
    }

    /// Fills in the request.
    fn render(&mut self, step: &PlannedStep, journey: Journey<'_>) -> Result<(), Fault> {
        let parent = self.ids.span_of(journey.trace);
        let key = self.ids.uuid();
        let mut values = Values {
            parent,
            key,
            vu: self.number,
            iteration: journey.iteration,
            record: journey.record,
            variables: &self.variables,
            ids: &mut self.ids,
        };
        let rendered = step.wire.render(&self.shared.plan.guard, &mut values, "", &mut self.room, &mut self.request);
        rendered.map_err(|why| Fault::new(ErrorKind::Expectation, format!("request not sent: {why}")))
    }

    async fn send_in_time(&mut self, step: &PlannedStep, sending: &mut Sending) -> Result<Connection, Fault> {
        let limit = self.shared.plan.request_timeout;
        let until = sending.began + limit;
        let sent = send(&self.shared, &mut self.links[step.origin], step, &self.request, sending);
        let in_time = self.deadline.hold(until, sent).await;
        in_time.unwrap_or_else(|_passed| {
            Err(Fault::new(ErrorKind::Timeout, format!("no whole answer within {}", Micros::from(limit))))
        })
    }
}

impl Drop for Vu {
    fn drop(&mut self) {
        if let Ok(mut recorder) = self.shared.recorder.try_borrow_mut() {
            recorder.vus = recorder.vus.saturating_sub(1);
        }
    }
}

/// Sends on the open connection, or on a new one if it was closed while nothing was under way.
async fn send(
    shared: &Shared,
    link: &mut Link,
    step: &PlannedStep,
    request: &[u8],
    sending: &mut Sending,
) -> Result<Connection, Fault> {
    let mut kept = link.connection.take();
    let mut connection = match kept.take_if(Connection::is_alive) {
        Some(connection) => {
            sending.sent = clock::monotonic();
            let delay = Micros::from(sending.sent.saturating_duration_since(sending.began));
            shared.recorder.borrow_mut().send_delay.record(delay.0);
            connection
        }
        None => {
            let connection = open(shared, link, step.origin).await?;
            sending.sent = clock::monotonic();
            connection
        }
    };
    let want = if step.reads_body { Want::Keep } else { Want::Count };
    connection.exchange(request, want).await?;
    Ok(connection)
}

async fn open(shared: &Shared, link: &mut Link, origin: usize) -> Result<Connection, Fault> {
    let began = clock::monotonic();
    let opened = Connection::open(shared.plan.route(origin)).await;
    let took = Micros::from(clock::monotonic().saturating_duration_since(began)).0;
    let again = std::mem::replace(&mut link.had_one, true);
    let recorder = &mut *shared.recorder.borrow_mut();
    if opened.is_ok() {
        recorder.connections.opened += 1;
        recorder.connections.reconnects += u64::from(again);
        recorder.set_up.record(took);
    } else {
        recorder.connections.failed += 1;
    }
    opened
}

fn write_down(shared: &Shared, step: &PlannedStep, request: Option<&[u8]>, answer: Option<&Answer<'_>>) -> Capsule {
    let origin = &shared.plan.origins[step.origin];
    let parts = request.and_then(|request| Parts::of(request).ok());
    let none = http::HeaderMap::new();
    let sent = Sent {
        method: step.wire.method(),
        tls: origin.tls,
        authority: &origin.authority,
        path: parts.as_ref().map_or("", |parts| parts.path),
        headers: parts.as_ref().map_or(&none, |parts| &parts.headers),
        body: parts.as_ref().map_or(&[], |parts| parts.body),
    };
    capsule(&sent, answer.map(Answer::status), answer.map_or(&[], Answer::body))
}
