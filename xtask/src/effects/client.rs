//! Clients: each pursues its intents one after the other, and asks again under the same key while it does not know.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::client::{ClientError, Reply, Request};
use common::clock;
use common::history::{Fault, Intent, Operation, Outcome, Step};
use futures_util::future::join_all;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::apps::Subject;

/// How long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a client waits for one answer, and how long under answers that are held back.
const ANSWER_WITHIN: (Duration, Duration) = (Duration::from_secs(6), Duration::from_millis(250));
/// The first pause before asking again, which doubles, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));

/// All clients of a cell, and what they write down.
pub(super) struct Clients {
    pub(super) subject: Arc<Subject>,
    fault: Fault,
    operations: Mutex<Vec<Operation>>,
    /// Requests that were given up and may still arrive.
    stragglers: Mutex<JoinSet<()>>,
    /// Requests sent so far; the end of all clients is [`u64::MAX`].
    sent: watch::Sender<u64>,
    /// True once nobody is there to be asked.
    given_up: AtomicBool,
}

/// What an attempt came to, and whether another one makes sense.
struct Attempt {
    outcome: Outcome,
    again: bool,
}

impl Clients {
    pub(super) fn new(subject: Arc<Subject>, fault: Fault) -> Arc<Self> {
        let sent = watch::Sender::new(0);
        Arc::new(Self {
            subject,
            fault,
            operations: Mutex::default(),
            stragglers: Mutex::default(),
            sent,
            given_up: AtomicBool::new(false),
        })
    }

    /// Tells how many requests were sent.
    pub(super) fn sent(&self) -> watch::Receiver<u64> {
        self.sent.subscribe()
    }

    /// Lets every client end after the attempt that it is at.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Everything that was written down so far, in order.
    pub(super) fn operations(&self) -> Vec<Operation> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries out all steps, each client its own; then sends once more what is to be sent again, and waits for whatever
    /// is still under way.
    pub(super) async fn run(self: Arc<Self>, steps: Vec<(Step, Intent)>) {
        let mut own: BTreeMap<u32, Vec<(Step, Intent)>> = BTreeMap::new();
        let again: Vec<_> = steps.iter().filter(|(step, _)| step.again).cloned().collect();
        for step in steps {
            own.entry(step.0.process).or_default().push(step);
        }
        let mut running = JoinSet::new();
        for steps in own.into_values() {
            let clients = Arc::clone(&self);
            running.spawn(async move {
                for (step, intent) in &steps {
                    clients.pursue(step, intent).await;
                }
            });
        }
        while running.join_next().await.is_some() {}
        self.sent.send_replace(u64::MAX);
        for (step, intent) in &again {
            let _ = self.attempt(step.process, intent).await;
        }
        let mut stragglers = std::mem::take(&mut *self.stragglers.lock().unwrap_or_else(PoisonError::into_inner));
        while stragglers.join_next().await.is_some() {}
    }

    /// Asks until the intent is acknowledged, is refused for good, or the patience ends.
    async fn pursue(&self, step: &Step, intent: &Intent) {
        let started = clock::monotonic();
        let (mut copies, mut pause) = (step.copies, PAUSE.0);
        loop {
            let attempts = join_all((0..copies).map(|_| self.attempt(step.process, intent))).await;
            let is = |what: fn(&Attempt) -> bool| attempts.iter().any(what);
            let unknown = is(|attempt| attempt.outcome.is_info());
            if is(|attempt| attempt.outcome.is_ok()) || (unknown && step.gives_up) || !is(|attempt| attempt.again) {
                return;
            }
            if started.elapsed() >= PATIENCE || self.given_up.load(Ordering::Relaxed) {
                return;
            }
            tokio::time::sleep(pause).await;
            (copies, pause) = (1, (pause * 2).min(PAUSE.1));
        }
    }

    /// Sends one request and writes down what came of it.
    async fn attempt(&self, process: u32, intent: &Intent) -> Attempt {
        let invoked_ms = clock::unix_ms();
        let request = self.subject.request(process, intent).timeout(ANSWER_WITHIN.0);
        self.sent.send_if_modified(|sent| {
            *sent = sent.saturating_add(1);
            true
        });
        let attempt = match self.answer(request).await {
            None => Attempt { outcome: info(format!("no answer within {:?}", ANSWER_WITHIN.1)), again: true },
            Some(answer) => judge(intent, answer),
        };
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let op = u64::try_from(operations.len()).unwrap_or(u64::MAX);
        operations.push(Operation {
            op,
            process,
            app: intent.app,
            kind: intent.kind.clone(),
            key: intent.key.clone(),
            trace_id: intent.trace_id,
            invoked_ms,
            completed_ms: clock::unix_ms(),
            outcome: attempt.outcome.clone(),
        });
        attempt
    }

    /// The answer; nothing if the client gave it up. The request itself goes on then, as one that a network holds back.
    async fn answer(&self, request: Request) -> Option<Result<Reply, ClientError>> {
        if self.fault != Fault::Delay {
            return Some(request.send().await);
        }
        let (told, tells) = tokio::sync::oneshot::channel();
        self.stragglers.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            drop(told.send(request.send().await));
        });
        tokio::time::timeout(ANSWER_WITHIN.1, tells).await.ok()?.ok()
    }
}

fn info(why: String) -> Outcome {
    Outcome::Info { why }
}

/// What a client knows after an answer, or after none.
fn judge(intent: &Intent, answer: Result<Reply, ClientError>) -> Attempt {
    let reply = match answer {
        Ok(reply) => reply,
        // No connection: nothing was sent.
        Err(error @ ClientError::Connect { .. }) => {
            return Attempt { outcome: Outcome::Fail { why: error.to_string() }, again: true };
        }
        Err(error @ (ClientError::Refused(_) | ClientError::Malformed { .. })) => {
            return Attempt { outcome: Outcome::Fail { why: error.to_string() }, again: false };
        }
        Err(error) => return Attempt { outcome: info(error.to_string()), again: true },
    };
    let status = reply.status;
    if Subject::acknowledges(intent, status) {
        let (id, answer) = Subject::read(intent, &reply);
        return Attempt { outcome: Outcome::Ok { id, answer }, again: false };
    }
    let told = reply.pointer("/detail").and_then(|detail| detail.as_str().map(str::to_owned)).unwrap_or_default();
    by_status(status, format!("status {status}: {told}"))
}

/// What an answer that acknowledges nothing says: after a 408 or 5xx nobody knows; any other status is a refusal, of which
/// some pass.
fn by_status(status: u16, why: String) -> Attempt {
    match status {
        408 | 500.. => Attempt { outcome: info(why), again: true },
        409 | 425 | 429 => Attempt { outcome: Outcome::Fail { why }, again: true },
        _ => Attempt { outcome: Outcome::Fail { why }, again: false },
    }
}

/// A member of an answer, as text.
pub(super) fn text(reply: &Reply, pointer: &str) -> Option<String> {
    reply.pointer(pointer).as_ref().and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_rules_an_effect_out_is_a_refusal() {
        for (status, unknown, again) in [
            (500, true, true),
            (503, true, true),
            (408, true, true),
            (409, false, true),
            (429, false, true),
            (402, false, false),
            (422, false, false),
        ] {
            let attempt = by_status(status, String::new());
            assert_eq!((attempt.outcome.is_info(), attempt.again), (unknown, again), "{status}");
            assert!(!attempt.outcome.is_ok(), "{status}");
        }
    }
}
