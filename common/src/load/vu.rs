//! A virtual user: its connections, its variables, and one iteration after the other.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::Full;

use crate::clock;
use crate::contract::header;
use crate::ids::TraceParent;
use crate::scenario::Record;
use crate::units::Micros;

use super::capsule::{Sent, capsule};
use super::connection::{Answer, Connection, Fault, Unanswered};
use super::constants::Constants;
use super::judge::{Seen, app_us};
use super::plan::{BodyPlan, PathPlan, PlannedStep};
use super::random::Ids;
use super::recorder::Outcome;
use super::report::{End, ErrorKind};
use super::schedule::Start;
use super::template::{Template, Values};
use super::worker::Shared;

/// A virtual user of one thread.
pub(crate) struct Vu {
    number: u32,
    shared: Rc<Shared>,
    connections: Vec<Option<Connection>>,
    had_connection: Vec<bool>,
    variables: BTreeMap<String, String>,
    constants: Constants,
    ids: Ids,
}

struct Prepared {
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    parent: TraceParent,
    key: uuid::Uuid,
}

impl Vu {
    pub(crate) fn new(number: u32, shared: &Rc<Shared>) -> Self {
        let origins = shared.plan.origins.len();
        shared.recorder.borrow_mut().vus += 1;
        Self {
            number,
            shared: Rc::clone(shared),
            connections: (0..origins).map(|_| None).collect(),
            had_connection: vec![false; origins],
            variables: BTreeMap::new(),
            constants: Constants::default(),
            ids: Ids::fresh(),
        }
    }

    /// Opens connections in advance; a failure shows when the first request needs one.
    pub(crate) async fn connect(&mut self) {
        let limit = self.shared.plan.request_timeout;
        for origin in 0..self.connections.len() {
            if let Ok(Ok(connection)) = tokio::time::timeout(limit, self.open(origin)).await {
                self.connections[origin] = Some(connection);
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
        self.variables.clear();
        self.constants = Constants::fresh(&mut self.ids);
        let mut intended = intended;
        let (mut reached, mut whole) = (true, true);
        for at in 0..shared.plan.steps.len() {
            let step = &shared.plan.steps[at];
            let fault = self.request(at, start.iteration, intended, measured, record).await;
            reached &= fault != Some(ErrorKind::Connect);
            if fault.is_some() && step.checks.takes() {
                whole = false;
                break;
            }
            if !step.think_time.is_zero() {
                tokio::time::sleep(step.think_time).await;
            }
            intended = clock::monotonic();
        }
        shared.finish(measured, whole);
        reached
    }

    async fn request(
        &mut self,
        at: usize,
        iteration: u64,
        intended: Instant,
        measured: bool,
        record: Option<&Record>,
    ) -> Option<ErrorKind> {
        let shared = Rc::clone(&self.shared);
        let step = &shared.plan.steps[at];
        let began = clock::monotonic();
        shared.recorder.borrow_mut().steps[at].sent(measured);
        let prepared = self.prepare(step, iteration, record);
        let mut sent = began;
        let result = match &prepared {
            Err(fault) => Err(fault.clone()),
            Ok(prepared) => self.send_in_time(step, prepared, &mut sent, began).await,
        };
        let ended = clock::monotonic();
        if result.is_err() {
            self.connections[step.origin] = None;
        }
        let fault = match &result {
            Ok(answer) => self.judge(step, answer, prepared.as_ref().ok(), iteration, record).err(),
            Err(fault) => Some(fault.clone()),
        };
        let answer = result.ok();
        let kind = fault.as_ref().map(|fault| fault.kind);
        let outcome = Outcome {
            step: at,
            measured,
            trace: prepared.as_ref().map_or_else(|_| self.ids.trace_parent().trace, |prepared| prepared.parent.trace),
            sent_at: sent.saturating_duration_since(shared.started_at()),
            service: Micros::from(ended.saturating_duration_since(sent)),
            response: Micros::from(ended.saturating_duration_since(intended)),
            status: answer.as_ref().map(Answer::status),
            body_bytes: answer.as_ref().map_or(0, Answer::body_bytes),
            app_us: answer.as_ref().and_then(|answer| app_us(answer.header(header::SERVER_TIMING)?)),
            fault,
            at_unix_ms: clock::unix_ms(),
        };
        shared
            .recorder
            .borrow_mut()
            .record(&outcome, || write_down(&shared, step, prepared.as_ref().ok(), answer.as_ref()));
        kind
    }

    async fn send_in_time(
        &mut self,
        step: &PlannedStep,
        prepared: &Prepared,
        sent: &mut Instant,
        began: Instant,
    ) -> Result<Answer, Fault> {
        let limit = self.shared.plan.request_timeout;
        tokio::time::timeout(limit, self.send(step, prepared, sent, began)).await.unwrap_or_else(|_| {
            let detail = format!("no whole answer within {}", Micros::from(limit));
            Err(Fault { kind: ErrorKind::Timeout, detail })
        })
    }

    /// Sends on the open connection, or on a new one if it was closed while nothing was under way.
    async fn send(
        &mut self,
        step: &PlannedStep,
        prepared: &Prepared,
        sent: &mut Instant,
        began: Instant,
    ) -> Result<Answer, Fault> {
        let mut request = Request::new(Full::new(prepared.body.clone()));
        *request.method_mut() = step.method.clone();
        *request.uri_mut() = prepared.uri.clone();
        *request.headers_mut() = prepared.headers.clone();
        let open = self.connections[step.origin].take();
        if let Some(mut connection) = open
            && connection.ready().await
        {
            *sent = clock::monotonic();
            let delay = Micros::from(sent.saturating_duration_since(began));
            self.shared.recorder.borrow_mut().send_delay.record(delay.0);
            match connection.exchange(request, step.reads_body).await {
                Ok(answer) => {
                    self.connections[step.origin] = Some(connection);
                    return Ok(answer);
                }
                Err(Unanswered::NotSent(unsent)) => request = *unsent,
                Err(Unanswered::Broken(fault)) => return Err(fault),
            }
        }
        let mut connection = self.open(step.origin).await?;
        *sent = clock::monotonic();
        match connection.exchange(request, step.reads_body).await {
            Ok(answer) => {
                self.connections[step.origin] = Some(connection);
                Ok(answer)
            }
            Err(Unanswered::Broken(fault)) => Err(fault),
            Err(Unanswered::NotSent(_)) => Err(Fault {
                kind: ErrorKind::Reset,
                detail: "a new connection was closed before the request".to_owned(),
            }),
        }
    }

    async fn open(&mut self, origin: usize) -> Result<Connection, Fault> {
        let began = clock::monotonic();
        let opened = Connection::open(&self.shared.plan.origins[origin].addresses).await;
        let took = Micros::from(clock::monotonic().saturating_duration_since(began)).0;
        let again = std::mem::replace(&mut self.had_connection[origin], true);
        let counts = &mut self.shared.recorder.borrow_mut().connections;
        if opened.is_ok() {
            counts.opened += 1;
            counts.reconnects += u64::from(again);
            counts.opening_us += took;
            counts.opening_max_us = counts.opening_max_us.max(took);
        } else {
            counts.failed += 1;
        }
        opened
    }

    /// Checks an answer with the values that the request was made with, and takes what later steps need.
    fn judge(
        &mut self,
        step: &PlannedStep,
        answer: &Answer,
        prepared: Option<&Prepared>,
        iteration: u64,
        record: Option<&Record>,
    ) -> Result<(), Fault> {
        let Some(&Prepared { parent, key, .. }) = prepared else { return Ok(()) };
        let mut seen = Seen::new(answer);
        let mut fill = |template: &Template| {
            let (variables, constants, ids) = (&self.variables, &self.constants, &mut self.ids);
            let mut values = Values { parent, key, vu: self.number, iteration, record, variables, constants, ids };
            let mut text = String::new();
            template.fill(&mut values, &mut text).map(|()| text)
        };
        step.checks.expected(&mut seen, &mut fill)?;
        step.checks.take(&mut seen, &mut self.variables)
    }

    /// Fills in the request.
    fn prepare(&mut self, step: &PlannedStep, iteration: u64, record: Option<&Record>) -> Result<Prepared, Fault> {
        let parent = self.ids.trace_parent();
        let key = self.ids.uuid();
        let broken =
            |detail: String| Fault { kind: ErrorKind::Expectation, detail: format!("request not sent: {detail}") };
        let mut values = Values {
            parent,
            key,
            vu: self.number,
            iteration,
            record,
            variables: &self.variables,
            constants: &self.constants,
            ids: &mut self.ids,
        };
        let uri = match &step.path {
            PathPlan::Fixed(uri) => uri.clone(),
            PathPlan::Filled(template) => {
                let mut path = String::new();
                template.fill(&mut values, &mut path).map_err(broken)?;
                let permit = self.shared.plan.guard.permit(step.app, &step.method, &path);
                let permit = permit.map_err(|refusal| broken(refusal.to_string()))?;
                permit.path_and_query().parse().map_err(|error| broken(format!("path: {error}")))?
            }
        };
        let mut headers = step.headers.clone();
        for (name, template) in &step.filled_headers {
            let mut text = String::new();
            template.fill(&mut values, &mut text).map_err(broken)?;
            let value = HeaderValue::try_from(text).map_err(|error| broken(format!("header {name}: {error}")))?;
            headers.insert(name.clone(), value);
        }
        stamp(&mut headers, parent).map_err(broken)?;
        let body = match &step.body {
            BodyPlan::Fixed(body) => body.clone(),
            BodyPlan::Filled(template) => {
                let mut text = String::new();
                template.fill(&mut values, &mut text).map_err(broken)?;
                Bytes::from(text)
            }
        };
        Ok(Prepared { uri, headers, body, parent, key })
    }
}

impl Drop for Vu {
    fn drop(&mut self) {
        if let Ok(mut recorder) = self.shared.recorder.try_borrow_mut() {
            recorder.vus = recorder.vus.saturating_sub(1);
        }
    }
}

fn stamp(headers: &mut HeaderMap, parent: TraceParent) -> Result<(), String> {
    let value = |text: String| HeaderValue::try_from(text).map_err(|error| error.to_string());
    headers.insert(header::TRACEPARENT, value(parent.to_string())?);
    headers.insert(header::TRACE_ID, value(parent.trace.to_string())?);
    Ok(())
}

fn write_down(
    shared: &Shared,
    step: &PlannedStep,
    prepared: Option<&Prepared>,
    answer: Option<&Answer>,
) -> super::report::Capsule {
    let path = prepared.and_then(|prepared| prepared.uri.path_and_query()).map_or("", |path| path.as_str());
    let sent = Sent {
        method: &step.method,
        authority: &shared.plan.origins[step.origin].authority,
        path,
        headers: prepared.map_or(&step.headers, |prepared| &prepared.headers),
        body: prepared.map_or(&[], |prepared| &prepared.body),
    };
    capsule(&sent, answer.map(Answer::status), answer.map_or(&[], Answer::body))
}
