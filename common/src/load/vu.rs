//! A virtual user: its connections, its variables and cookies, and one iteration after the other.

mod notes;
mod way;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use crate::clock;
use crate::ids::{TraceId, TraceParent};
use crate::scenario::Record;
use crate::units::Micros;

use super::constants::Constants;
use super::deadline::Deadline;
use super::jar::Jar;
use super::judge::Seen;
use super::plan::PlannedStep;
use super::random::Ids;
use super::recorder::{Exchange, Outcome};
use super::report::{End, ErrorKind};
use super::schedule::Start;
use super::stream::{Flaw, StreamReader};
use super::template::{Template, Values};
use super::transport::{Answer, Connection, Fault, Want};
use super::wire::Cookies;
use super::worker::Shared;
use notes::Notes;
use way::Way;

/// A virtual user of one thread.
pub(crate) struct Vu {
    number: u32,
    shared: Rc<Shared>,
    links: Vec<Link>,
    variables: BTreeMap<String, String>,
    constants: Constants,
    jar: Jar,
    ids: Ids,
    notes: Notes,
    /// What would be left without an outcome if the load ended now.
    under_way: Option<(usize, TraceId)>,
    deadline: Deadline,
    /// The request of the moment.
    request: Vec<u8>,
    room: Vec<u8>,
    stream: StreamReader,
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
    /// When it was meant to start.
    intended: Instant,
}

/// What one request is known by.
#[derive(Debug, Clone, Copy)]
struct Name {
    parent: TraceParent,
    key: uuid::Uuid,
}

/// How far a request got.
#[derive(Debug, Clone, Copy)]
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
            constants: Constants::default(),
            jar: Jar::default(),
            ids: Ids::fresh(),
            notes: Notes::default(),
            under_way: None,
            deadline: Deadline::new(),
            request: Vec::new(),
            room: Vec::new(),
            stream: StreamReader::default(),
        }
    }

    /// Opens connections in advance; a failure shows when the first request needs one.
    pub(crate) async fn connect(&mut self) {
        let until = clock::monotonic() + self.shared.plan.request_timeout;
        for origin in 0..self.links.len() {
            if self.shared.plan.origins[origin].stand_by {
                continue;
            }
            let opened = open(&self.shared, &mut self.links[origin], origin);
            if let Ok(Ok(connection)) = self.deadline.hold(until, opened).await {
                self.links[origin].connection = Some(connection);
            }
        }
    }

    /// Runs one iteration that was meant to start at `intended`, at `now`. Whether the target could be reached, and when
    /// the last answer was there.
    pub(crate) async fn iterate(&mut self, start: Start, intended: Instant, now: Instant) -> (bool, Instant) {
        let shared = Rc::clone(&self.shared);
        let record = match shared.record_of(self.number, start.iteration) {
            Ok(record) => record,
            Err(()) => {
                shared.recorder.borrow_mut().end = End::OutOfData;
                shared.stop.cancel();
                return (true, now);
            }
        };
        let measured = shared.begin(start);
        let trace = self.ids.trace();
        let journey = Journey { iteration: start.iteration, trace, measured, record, intended };
        self.begin();
        let (mut intended, mut now) = (intended, now);
        let (mut reached, mut whole, mut ok) = (true, true, true);
        for (at, step) in shared.plan.steps.iter().enumerate() {
            let (fault, ended) = self.request(at, step, journey, intended, now).await;
            reached &= fault != Some(ErrorKind::Connect);
            ok &= fault.is_none();
            now = ended;
            if fault.is_some() && step.checks.takes() {
                whole = false;
                break;
            }
            intended = ended;
            if !step.think_time.is_zero() {
                intended = ended + step.think_time;
                shared.pacer.until(intended).await;
                now = clock::monotonic();
            }
        }
        shared.finish(measured, whole, ok);
        if measured && shared.plan.is_journey {
            self.notes.hand_in(&shared, self.number, journey, whole && ok, now);
        }
        (reached, now)
    }

    /// Forgets the last iteration.
    fn begin(&mut self) {
        self.variables.clear();
        self.constants = Constants::fresh(&mut self.ids);
        self.notes.clear();
        if !self.shared.plan.scenario.keep_cookies {
            self.jar.clear();
        }
    }

    /// Sends one request and records what came of it; tells what went wrong and when it ended.
    async fn request(
        &mut self,
        at: usize,
        step: &PlannedStep,
        journey: Journey<'_>,
        intended: Instant,
        now: Instant,
    ) -> (Option<ErrorKind>, Instant) {
        let shared = Rc::clone(&self.shared);
        shared.recorder.borrow_mut().steps[at].sent(journey.measured);
        self.under_way = (journey.measured && shared.plan.is_journey).then_some((at, journey.trace));
        let name = Name { parent: self.ids.span_of(journey.trace), key: self.ids.uuid() };
        let mut way = Way::new(step, name.parent, now);
        let rendered = self.render(step, journey, name, now);
        if step.stream.is_some() {
            self.stream.begin(journey.trace, shared.started_at(), intended);
        }
        let result = match &rendered {
            Err(fault) => Err(fault.clone()),
            Ok(()) => self.go(step, journey, &mut way).await,
        };
        let answer = result.as_ref().ok().map(Connection::answer);
        let ended = answer.and_then(|answer| answer.last_byte_at()).unwrap_or_else(clock::monotonic);
        let fault = match (&result, answer) {
            (Err(fault), _) => Some(fault.clone()),
            (Ok(_), Some(answer)) => way.lost.take().or_else(|| self.judge(step, journey, name, answer).err()),
            (Ok(_), None) => None,
        };
        let flaw = match (step.stream, &answer, &fault) {
            (Some(wanted), Some(answer), None) => self.stream.judge(wanted, answer.header("content-type")).err(),
            _ => None,
        };
        let fault = fault.or_else(|| flaw.as_ref().map(Flaw::fault));
        let fault = fault.map(|fault| way.located(fault, &self.request));
        if shared.plan.is_journey {
            let (request, fault) = (&self.request, fault.as_ref());
            self.notes.hop(&shared, step, journey, &way, request, answer.as_ref(), fault, ended);
        }
        let kind = fault.as_ref().map(|fault| fault.kind);
        let since = |from: Instant, to: Instant| Micros::from(to.saturating_duration_since(from));
        let (origin, first_sent) = (way.origin, way.first_sent());
        let outcome = Outcome {
            step: at,
            measured: journey.measured,
            trace: journey.trace,
            iteration: journey.iteration,
            intended_at: intended.saturating_duration_since(shared.started_at()),
            sent_at: first_sent.saturating_duration_since(shared.started_at()),
            service: since(first_sent, ended),
            response: since(intended, ended),
            first_byte: answer.and_then(|answer| Some(since(first_sent, answer.first_byte_at()?))),
            status: answer.map(|answer| answer.status()),
            body_bytes: answer.map_or(0, |answer| answer.body_bytes()),
            app_us: answer.and_then(|answer| answer.app_us()),
            legs: way.into_legs(&shared, step, &self.request, answer.as_ref(), fault.is_none()),
            fault,
            at_unix_ms: shared.unix_ms(ended),
        };
        let request = rendered.is_ok().then_some(self.request.as_slice());
        let exchange = Exchange { origin, request, answer: answer.as_ref().map_or(&[], Answer::body) };
        shared.recorder.borrow_mut().record(&outcome, exchange);
        if step.stream.is_some() {
            let head = answer.and_then(|answer| answer.first_byte_at());
            let log = self.stream.end(first_sent, head, answer.map(|_| ended), outcome.fault.as_ref());
            shared.recorder.borrow_mut().record_stream(&outcome, log, flaw.map(|flaw| flaw.fault));
        }
        self.under_way = None;
        if let Ok(connection) = result {
            self.put_back(origin, connection);
        }
        (kind, ended)
    }

    fn put_back(&mut self, origin: usize, connection: Connection) {
        if connection.is_reusable() {
            self.links[origin].connection = Some(connection);
        }
    }

    /// Fills in the request.
    fn render(&mut self, step: &PlannedStep, journey: Journey<'_>, name: Name, now: Instant) -> Result<(), Fault> {
        let cookies = Cookies { jar: &self.jar, origin: step.origin, now_unix_ms: self.shared.unix_ms(now) };
        let mut values = Values {
            parent: name.parent,
            key: name.key,
            vu: self.number,
            iteration: journey.iteration,
            record: journey.record,
            variables: &self.variables,
            constants: &self.constants,
            ids: &mut self.ids,
        };
        let (guard, room) = (&self.shared.plan.guard, &mut self.room);
        let rendered = step.wire.render(guard, &mut values, Some(cookies), room, &mut self.request);
        rendered.map_err(|why| Fault::new(ErrorKind::Expectation, format!("request not sent: {why}")))
    }

    /// Checks an answer with the values that the request was made with, and takes what later steps need.
    fn judge(&mut self, step: &PlannedStep, journey: Journey<'_>, name: Name, answer: Answer<'_>) -> Result<(), Fault> {
        let mut seen = Seen::new(answer);
        let mut fill = |template: &Template| {
            let mut values = Values {
                parent: name.parent,
                key: name.key,
                vu: self.number,
                iteration: journey.iteration,
                record: journey.record,
                variables: &self.variables,
                constants: &self.constants,
                ids: &mut self.ids,
            };
            let mut text = Vec::new();
            template.fill(&mut values, &mut text)?;
            String::from_utf8(text).map_err(|_| "an expectation is not UTF-8".to_owned())
        };
        step.checks.expected(&mut seen, &mut fill)?;
        step.checks.take(&mut seen, &mut self.variables)
    }

    /// Sends the request, and those that redirects ask for as far as the step follows them.
    async fn go(&mut self, step: &PlannedStep, journey: Journey<'_>, way: &mut Way) -> Result<Connection, Fault> {
        let shared = Rc::clone(&self.shared);
        loop {
            let connection = self.send_in_time(step, way.origin, &mut way.sending).await?;
            let answer = connection.answer();
            if !shared.plan.is_journey {
                return Ok(connection);
            }
            self.keep_cookies(way.origin, &answer);
            let Some(next) = way.onward(&shared.plan, step, &answer, &self.request) else { return Ok(connection) };
            let ended = clock::monotonic();
            self.notes.hop(&shared, step, journey, way, &self.request, Some(&answer), None, ended);
            way.end_leg(&shared, step, &self.request, Some(&answer), true);
            let parent = self.ids.span_of(journey.trace);
            let cookies = Cookies { jar: &self.jar, origin: next.origin, now_unix_ms: shared.unix_ms(ended) };
            self.request = next.render(&self.request, way.origin, parent, cookies)?;
            self.put_back(way.origin, connection);
            way.begin_leg(next.origin, parent.span);
        }
    }

    /// Takes the cookies that an answer sets.
    fn keep_cookies(&mut self, origin: usize, answer: &Answer<'_>) {
        let mut now = None;
        for set in answer.headers("set-cookie") {
            let now = *now.get_or_insert_with(|| self.shared.unix_ms(clock::monotonic()));
            let host = &self.shared.plan.origins[origin].host;
            self.jar.store(origin, host, way::path_of(&self.request), set, now);
        }
    }

    async fn send_in_time(
        &mut self,
        step: &PlannedStep,
        origin: usize,
        sending: &mut Sending,
    ) -> Result<Connection, Fault> {
        let limit = self.shared.plan.request_timeout;
        let until = sending.began + limit;
        let reader = &mut self.stream;
        let mut each = |at: Instant, piece: &[u8]| reader.piece(at, piece);
        let want = match step.stream {
            Some(_) => Want::Each(&mut each),
            None if step.reads_body => Want::Keep,
            None => Want::Count,
        };
        let sent = send(&self.shared, &mut self.links[origin], origin, &self.request, want, sending);
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
            if let Some((step, trace)) = self.under_way {
                recorder.cut_off(step, trace, self.shared.unix_ms(clock::monotonic()));
            }
        }
    }
}

/// Sends on the open connection, or on a new one if it was closed while nothing was under way.
async fn send(
    shared: &Shared,
    link: &mut Link,
    origin: usize,
    request: &[u8],
    want: Want<'_>,
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
            let connection = open(shared, link, origin).await?;
            sending.sent = clock::monotonic();
            connection
        }
    };
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
