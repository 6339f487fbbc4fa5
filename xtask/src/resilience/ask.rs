//! Asking A3 for runs, and what it tells of them. An app that does not answer is something that was seen; only what the
//! harness itself cannot do is an error.

use std::future::Future;
use std::time::{Duration, Instant};

use common::client::{Client, ClientError, Reply, Request};
use common::clock;
use common::ids::{AppId, TraceId};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::told;

/// How often it is looked again.
const LOOK_EVERY: Duration = Duration::from_millis(80);
/// How many runs are followed at a time.
const AT_ONCE: usize = 8;

/// A run that A3 took.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) trace: TraceId,
    pub(super) id: String,
}

/// What came of asking for a run.
pub(super) struct Answered {
    /// The run, if A3 took it in time.
    pub(super) run: Option<Run>,
    /// How often it was answered 503 before.
    pub(super) answered_503: u64,
}

/// All runs so far.
pub(super) struct Asked {
    pub(super) client: Client,
    /// How long anything may take.
    pub(super) within: Duration,
    pub(super) runs: Vec<Run>,
}

impl Asked {
    pub(super) fn new(client: Client, within: Duration) -> Self {
        Self { client, within, runs: Vec::new() }
    }

    /// Asks for a run until A3 takes it or the time is over, under one key. One that was taken is among the runs.
    pub(super) async fn ask(&mut self) -> Result<Answered, String> {
        let trace = TraceId::fresh();
        let mut answered_503 = 0;
        let began = clock::monotonic();
        let mut look = ticks(LOOK_EVERY);
        while began.elapsed() < self.within {
            look.tick().await;
            let reply = self.request(trace).await?;
            answered_503 += u64::from(reply.as_ref().is_some_and(|reply| reply.status == 503));
            if let Some(run) = taken(reply, trace) {
                self.runs.push(run.clone());
                return Ok(Answered { run: Some(run), answered_503 });
            }
        }
        Ok(Answered { run: None, answered_503 })
    }

    /// Asks for a run once.
    pub(super) async fn ask_once(&self) -> Result<Option<Run>, String> {
        let trace = TraceId::fresh();
        Ok(taken(self.request(trace).await?, trace))
    }

    async fn request(&self, trace: TraceId) -> Result<Option<Reply>, String> {
        let body =
            json!({ "title": "A page in rough weather", "summary": "A page that was asked for during outages." });
        let request = self.client.post(AppId::A3, "/orchestration/run").trace(trace);
        let request = request.idempotency_key(&format!("outage-{trace}")).json(&body).native_errors();
        answer(request.timeout(self.within)).await
    }

    /// The JSON of an answer of 200; nothing if there was another, or none.
    pub(super) async fn read(&self, app: AppId, path: &str) -> Result<Option<Value>, String> {
        let reply = answer(self.client.get(app, path).native_errors().timeout(self.within)).await?;
        Ok(reply.filter(|reply| reply.status == 200).and_then(|reply| reply.json().ok()))
    }

    /// What A3 shows of a run.
    pub(super) async fn shown(&self, run: &Run) -> Result<Option<Value>, String> {
        self.read(AppId::A3, &format!("/orchestration/runs/{}", run.id)).await
    }

    /// Follows runs until they and their side jobs have ended, or the time of all together is over; what A3 shows of each
    /// then, `null` for one that it does not show.
    pub(super) async fn settled(&self, runs: &[Run]) -> Result<Vec<Value>, String> {
        let began = clock::monotonic();
        let followed: Vec<_> = runs.iter().map(|run| self.followed(run, began)).collect();
        stream::iter(followed).buffered(AT_ONCE).try_collect().await
    }

    async fn followed(&self, run: &Run, began: Instant) -> Result<Value, String> {
        let mut last = Value::Null;
        let mut look = ticks(LOOK_EVERY);
        loop {
            look.tick().await;
            last = self.shown(run).await?.unwrap_or(last);
            if has_settled(&last) || began.elapsed() >= self.within {
                return Ok(last);
            }
        }
    }

    /// What A3 shows of its breakers.
    pub(super) async fn breakers(&self) -> Result<Vec<Value>, String> {
        let shown = self.read(AppId::A3, "/breakers").await?.unwrap_or_default();
        Ok(shown["breakers"].as_array().cloned().unwrap_or_default())
    }

    /// Looks again and again until `look` gives something or the time is over.
    pub(super) async fn until<T, F>(&self, mut look: impl FnMut() -> F) -> Result<Option<T>, String>
    where
        F: Future<Output = Result<Option<T>, String>>,
    {
        let began = clock::monotonic();
        let mut again = ticks(LOOK_EVERY);
        loop {
            again.tick().await;
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if began.elapsed() >= self.within {
                return Ok(None);
            }
        }
    }
}

/// The answer; nothing if the app gave none.
async fn answer(request: Request) -> Result<Option<Reply>, String> {
    match request.send().await {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if is_ours(&error) => Err(told(error)),
        Err(_) => Ok(None),
    }
}

/// True if the harness, not the app, is why there is no answer.
fn is_ours(error: &ClientError) -> bool {
    use ClientError::{CaFile, Malformed, Refused, Setup};
    matches!(error, Refused(_) | Malformed { .. } | CaFile { .. } | Setup(_))
}

fn taken(reply: Option<Reply>, trace: TraceId) -> Option<Run> {
    let reply = reply.filter(|reply| reply.status == 202)?;
    let id = reply.pointer("/run_id")?.as_str()?.to_owned();
    Some(Run { trace, id })
}

/// Ticks that are so far apart at least, however long what is between them takes.
pub(super) fn ticks(apart: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(apart);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

pub(super) fn is_completed(run: &Value) -> bool {
    run["state"] == "completed"
}

/// True once the run has ended, none of its side jobs waits, and nothing is under way: A3 reads attempts before jobs, so
/// that a job may be shown as done beside an attempt that is not.
fn has_settled(run: &Value) -> bool {
    let jobs = run["side_jobs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut attempts = jobs.iter().flat_map(|job| job["attempt_log"].as_array().into_iter().flatten());
    (is_completed(run) || run["state"] == "failed")
        && jobs.iter().all(|job| job["state"] != "pending")
        && attempts.all(|attempt| attempt["outcome"] != "under_way")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_settled_when_nothing_of_it_waits() {
        let of = |state: &str, jobs: Value| has_settled(&json!({ "state": state, "side_jobs": jobs }));
        assert!(of("completed", json!([{ "state": "done" }, { "state": "dropped" }])));
        assert!(of("failed", json!([])));
        assert!(!of("completed", json!([{ "state": "pending" }])));
        let under_way = json!([{ "state": "done", "attempt_log": [{ "outcome": "under_way" }] }]);
        assert!(!of("completed", under_way), "the attempts were read before the job was done");
        assert!(!of("running", json!([])));
        assert!(!has_settled(&Value::Null), "nothing that is shown is no end");
    }
}
