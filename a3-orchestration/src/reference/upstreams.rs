//! Calls to other parties, each through its breaker and its retry budget; a failure says whether it will pass.

use std::time::Duration;

use common::service::{DbError, RequestContext};
use serde_json::Value;

use super::Shared;
use super::breaker;
use super::transport::{Answer, Broken, Call};

/// Why a step did not get done this time.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may pass: try again, not before what the other party asked for.
    Passing(Passing),
    /// Nothing was sent, as the breaker is open or the retry budget is spent.
    Held { reason: String, wait: Duration },
    /// Trying again cannot help.
    Final { reason: String },
}

/// A failure that may pass.
#[derive(Debug)]
pub(crate) struct Passing {
    pub(crate) reason: String,
    /// What the other party answered, if it did.
    pub(crate) status: Option<u16>,
    /// What it asked for.
    pub(crate) retry_after: Option<Duration>,
    /// True if this was the trial of an open breaker.
    pub(crate) is_trial: bool,
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Passing(Passing { reason: error.to_string(), status: None, retry_after: None, is_trial: false })
    }
}

/// Calls a party and takes its JSON answer. `is_retry` says that this very call was made before.
pub(crate) async fn call(
    shared: &Shared,
    context: &RequestContext,
    call: Call,
    is_retry: bool,
) -> Result<Value, Failure> {
    let (party, clock) = (call.party, &shared.ctx.clock);
    if !shared.transport.reaches(party) {
        return Err(Failure::Final { reason: format!("{} is not configured", party.as_str()) });
    }
    let held = |reason: String| move |wait| Failure::Held { reason, wait };
    let admitted = shared.breakers.admit(party, clock.monotonic());
    let admission = admitted.map_err(held(format!("the breaker before {} is open", party.as_str())))?;
    if admission.trial.is_some() {
        shared.budgets.note_trial(party);
    } else {
        let paid = shared.budgets.pay(party, is_retry, clock.monotonic());
        paid.map_err(held(format!("the retry budget of {} is spent", party.as_str())))?;
    }
    breaker::tell(shared, context, party, admission.change).await?;
    let answered = shared.transport.send(context, &call).await;
    // A refusal is an answer too: the party works.
    let works = answered.as_ref().is_ok_and(|answer| answer.status < 500 && !is_garbled(answer));
    let change = shared.breakers.record(party, works, admission.trial, clock.monotonic());
    breaker::tell(shared, context, party, change).await?;
    judge(party.as_str(), answered, admission.trial.is_some())
}

/// A success that says nothing.
fn is_garbled(answer: &Answer) -> bool {
    (200..300).contains(&answer.status) && answer.body.is_null()
}

fn judge(name: &str, answered: Result<Answer, Broken>, is_trial: bool) -> Result<Value, Failure> {
    let answer = answered.map_err(|Broken(error)| {
        let reason = format!("{name} did not answer: {error}");
        Failure::Passing(Passing { reason, status: None, retry_after: None, is_trial })
    })?;
    let Answer { status, retry_after, .. } = answer;
    if (200..300).contains(&status) && !is_garbled(&answer) {
        return Ok(answer.body);
    }
    let detail = answer.body["detail"].as_str().or_else(|| answer.body["message"].as_str()).unwrap_or_default();
    let detail = if is_garbled(&answer) { "with no JSON" } else { detail };
    let reason = format!("{name} answered {status}: {detail}");
    // 408, 425, 429 and whatever comes with `Retry-After` (409 of a key in flight) say "later"; other 4xx say "never".
    let later = !(300..500).contains(&status) || matches!(status, 408 | 425 | 429) || retry_after.is_some();
    if later {
        return Err(Failure::Passing(Passing { reason, status: Some(status), retry_after, is_trial }));
    }
    Err(Failure::Final { reason })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(status: u16, retry_after: Option<Duration>, body: Value) -> Result<Value, Failure> {
        judge("a7", Ok(Answer { status, retry_after, body }), false)
    }

    #[test]
    fn a_failure_says_whether_it_may_pass() {
        for status in [500, 503, 408, 425, 429] {
            assert!(matches!(judged(status, None, Value::Null), Err(Failure::Passing(_))), "{status}");
        }
        assert!(matches!(judged(200, None, Value::Null), Err(Failure::Passing(_))), "a success that says nothing");
        assert!(matches!(judged(409, Some(Duration::from_secs(1)), Value::Null), Err(Failure::Passing(_))));
        for status in [400, 401, 404, 409, 422] {
            assert!(matches!(judged(status, None, json!({})), Err(Failure::Final { .. })), "{status}");
        }
        assert_eq!(judged(201, None, json!({ "slug": "s" })).unwrap(), json!({ "slug": "s" }));
    }
}
