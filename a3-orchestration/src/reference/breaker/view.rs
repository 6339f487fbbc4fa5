//! `GET /breakers`: each breaker with its last changes and its party's retry budget.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{Json, Problem};
use common::telemetry::BreakerState;
use serde_json::{Value, json};

use super::moves::{self, KEPT, StoredMove};
use super::{Breaker, THRESHOLD};
use crate::reference::party::Party;
use crate::reference::{Shared, backoff};

pub(crate) async fn list(State(shared): State<Shared>) -> Result<Response, Problem> {
    let mut shown = Vec::new();
    for party in Party::ALL {
        let breaker = shared.breakers.with(party, |breaker| *breaker);
        let last = moves::moves(&shared.ctx.db, party, KEPT).await?;
        shown.push(show(&shared, party, breaker, &last));
    }
    Ok(Json(json!({ "breakers": shown })).into_response())
}

fn show(shared: &Shared, party: Party, breaker: Breaker, last: &[StoredMove]) -> Value {
    let now = shared.ctx.clock.monotonic();
    let in_state_ms = breaker.since.map(|since| now.saturating_duration_since(since).as_millis());
    let moves: Vec<_> = last
        .iter()
        .map(|one| json!({ "from": one.from, "to": one.to, "at": clock::rfc3339(one.at_ms), "at_ms": one.at_ms }))
        .collect();
    json!({
        "name": party,
        "app": party.app(),
        "configured": shared.transport.reaches(party),
        "state": breaker.state,
        "failures_in_row": breaker.failures_in_row,
        "failure_threshold": THRESHOLD,
        "open_for_ms": shared.breakers.open_for.as_millis(),
        "opened_ago_ms": in_state_ms.filter(|_| breaker.state != BreakerState::Closed),
        "transitions": moves,
        "backoff": { "base_ms": backoff::BASE.as_millis(), "cap_ms": backoff::CAP.as_millis() },
        "retry_budget": shared.budgets.show(party, now),
    })
}
