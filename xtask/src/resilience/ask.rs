//! Asking A3 for runs, and what it tells of them.

use common::check::CheckContext;
use common::ids::{AppId, TraceId};
use common::slo::FailedAttempt;
use serde_json::{Value, json};

use super::told;

/// A run that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) trace: TraceId,
    pub(super) id: String,
}

/// All runs so far.
pub(super) struct Asked {
    pub(super) context: CheckContext,
    pub(super) runs: Vec<Run>,
}

impl Asked {
    pub(super) fn new(context: CheckContext) -> Self {
        Self { context, runs: Vec::new() }
    }

    /// Asks for a run until A3 takes it, under one key; tells how often it was answered 503 before.
    pub(super) async fn ask(&mut self) -> Result<u64, String> {
        let trace = TraceId::fresh();
        let body =
            json!({ "title": "A page in rough weather", "summary": "A page that was asked for during outages." });
        let key = format!("outage-{trace}");
        let refused = std::sync::atomic::AtomicU64::new(0);
        let look = || async {
            let request = self.context.client.post(AppId::A3, "/orchestration/run").trace(trace).idempotency_key(&key);
            let reply = request.json(&body).native_errors().send().await?;
            if reply.status == 503 {
                refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            let taken = reply.status == 202;
            Ok(taken.then(|| reply.pointer("/run_id").and_then(|id| id.as_str().map(str::to_owned))).flatten())
        };
        let id = self.context.eventually(look).await.map_err(told)?;
        let id = id.ok_or_else(|| format!("A3 takes no run within {} s", self.context.patience.as_secs()))?;
        self.runs.push(Run { trace, id });
        Ok(refused.into_inner())
    }

    /// Follows runs until they have ended, and gives what A3 shows of each that has.
    pub(super) async fn ended(&self, runs: &[Run]) -> Result<Vec<Value>, String> {
        let mut shown = Vec::new();
        for run in runs {
            let path = format!("/orchestration/runs/{}", run.id);
            let look = || async {
                let reply = self.context.client.get(AppId::A3, &path).send().await?;
                let ended = matches!(reply.pointer("/state"), Some(state) if state == "completed" || state == "failed");
                Ok(if ended { reply.json().ok() } else { None })
            };
            shown.extend(self.context.eventually(look).await.map_err(told)?);
        }
        Ok(shown)
    }

    /// The failed attempts of all runs so far.
    pub(super) async fn failed_attempts(&self) -> Result<Vec<FailedAttempt>, String> {
        Ok(self.ended(&self.runs).await?.iter().flat_map(failed_attempts).collect())
    }

    /// What A3 shows of the breaker before a party.
    pub(super) async fn breaker(&self, party: &str) -> Result<Value, String> {
        let reply = self.context.client.get(AppId::A3, "/breakers").send().await.map_err(told)?;
        let all = reply.pointer("/breakers").and_then(|all| all.as_array().cloned()).unwrap_or_default();
        all.into_iter().find(|one| one["name"] == party).ok_or_else(|| format!("A3 shows no breaker before {party}"))
    }
}

/// The failed attempts that a run lists, step by step.
pub(super) fn failed_attempts(run: &Value) -> Vec<FailedAttempt> {
    let steps = run["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    steps.iter().flat_map(of_step).collect()
}

fn of_step(step: &Value) -> Vec<FailedAttempt> {
    let log = step["attempt_log"].as_array().map(Vec::as_slice).unwrap_or_default();
    let failed = log.iter().enumerate().filter(|(_, one)| one["outcome"] == "failed");
    failed
        .filter_map(|(index, one)| {
            Some(FailedAttempt {
                number: u32::try_from(one["attempt"].as_i64()?).ok()?,
                ended_ms: one["ended_ms"].as_i64()?,
                pause_ms: one["pause_ms"].as_u64()?,
                retry_after_ms: one["retry_after_ms"].as_u64(),
                next_ms: log.get(index + 1).and_then(|next| next["at_ms"].as_i64()),
            })
        })
        .collect()
}
