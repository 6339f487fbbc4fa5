//! Calls to other parties, each through its breaker; a failure says whether it will pass.

use std::time::Duration;

use axum::http::{Method, header::RETRY_AFTER};
use common::clock;
use common::contract::header;
use common::service::{DbError, Emit, RequestContext};
use common::telemetry::{BreakerState, EventName};
use serde_json::Value;

use super::Shared;
use super::breaker::Party;

/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a step did not get done this time.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It may pass: try again, not before what the other party asked for.
    Passing { reason: String, retry_after: Option<Duration> },
    /// The breaker is open: nothing was sent.
    Blocked { party: Party, wait: Duration },
    /// Trying again cannot help.
    Final { reason: String },
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Self {
        Self::Passing { reason: error.to_string(), retry_after: None }
    }
}

/// One call.
pub(crate) struct Call<'a> {
    pub(crate) party: Party,
    pub(crate) path: &'a str,
    pub(crate) idempotency_key: String,
    pub(crate) body: Value,
}

/// Posts JSON to a party through its breaker and takes its JSON answer.
pub(crate) async fn post(shared: &Shared, context: &RequestContext, call: Call<'_>) -> Result<Value, Failure> {
    let party = call.party;
    match shared.breakers.admit(party, clock::monotonic()) {
        Err(wait) => return Err(Failure::Blocked { party, wait }),
        Ok(change) => tell(shared, context, party, change).await?,
    }
    let answered = send(shared, context, call).await;
    // A refusal is an answer too: the party works.
    let works = !matches!(answered, Err(Sent { works: false, .. }));
    let change = shared.breakers.record(party, works, clock::monotonic());
    tell(shared, context, party, change).await?;
    answered.map_err(|sent| sent.failure)
}

/// A call that failed, and whether its party seems to work all the same.
struct Sent {
    failure: Failure,
    works: bool,
}

async fn send(shared: &Shared, context: &RequestContext, call: Call<'_>) -> Result<Value, Sent> {
    let final_ = |reason: String| Sent { failure: Failure::Final { reason }, works: true };
    let name = call.party.as_str();
    let app = call.party.app().ok_or_else(|| final_(format!("{name} is not one of the eight apps")))?;
    let request = shared.ctx.upstream.request(context, app, Method::POST, call.path);
    let request = request.map_err(|error| final_(error.to_string()))?;
    let request = request.header(header::IDEMPOTENCY_KEY, call.idempotency_key).timeout(CALL_TIMEOUT).json(&call.body);
    let broken = |reason: String| Sent { failure: Failure::Passing { reason, retry_after: None }, works: false };
    let response = request.send().await.map_err(|error| broken(format!("{name} did not answer: {error}")))?;
    let status = response.status();
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after = asked.map(Duration::from_secs);
    let body = response.json::<Value>().await;
    if status.is_success() {
        return body.map_err(|error| broken(format!("{name} answered {status} with no JSON: {error}")));
    }
    let detail = body.ok().and_then(|body| body["detail"].as_str().map(str::to_owned)).unwrap_or_default();
    let reason = format!("{name} answered {status}: {detail}");
    // 408, 425, 429 and whatever comes with `Retry-After` (409 of a key in flight) say "later"; other 4xx say "never".
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) || retry_after.is_some();
    let failure = if later { Failure::Passing { reason, retry_after } } else { Failure::Final { reason } };
    Err(Sent { failure, works: !status.is_server_error() })
}

/// Reports a breaker's change of state.
async fn tell(
    shared: &Shared,
    context: &RequestContext,
    party: Party,
    change: Option<BreakerState>,
) -> Result<(), DbError> {
    let Some(state) = change else { return Ok(()) };
    tracing::info!(party = party.as_str(), ?state, "a breaker changed");
    let ctx = &shared.ctx;
    ctx.telemetry.set_breaker(shared.breakers.worst());
    let context = RequestContext { route: format!("/breakers/{}", party.as_str()), ..context.clone() };
    let key = format!("breaker:{}:{}", party.as_str(), uuid::Uuid::now_v7());
    let mut tx = ctx.db.begin().await?;
    ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::BreakerTransition).breaker(state).key(key)).await?;
    tx.commit().await
}
