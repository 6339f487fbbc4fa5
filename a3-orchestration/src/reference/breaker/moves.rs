//! Every change of a breaker is stored and reported, in one transaction, and taken up again at the next start.

use common::args;
use common::service::{Db, DbError, Defect, Emit, RequestContext};
use common::telemetry::{BreakerState, EventName};

use super::Move;
use crate::reference::Shared;
use crate::reference::party::Party;

/// How many changes of each breaker are shown.
pub(super) const KEPT: i64 = 20;

/// A change as it was stored.
#[derive(Debug)]
pub(super) struct StoredMove {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) at_ms: i64,
}

/// Stores a breaker's change of state and reports it.
pub(crate) async fn tell(
    shared: &Shared,
    context: &RequestContext,
    party: Party,
    change: Option<Move>,
) -> Result<(), DbError> {
    let Some(change) = change else { return Ok(()) };
    tracing::info!(party = party.as_str(), from = ?change.from, to = ?change.to, "a breaker changed");
    let ctx = &shared.ctx;
    ctx.telemetry.set_breaker(shared.breakers.worst());
    let (id, at_ms) = (uuid::Uuid::now_v7().to_string(), ctx.clock.unix_ms());
    let mut tx = ctx.db.begin().await?;
    let sql = "INSERT INTO breaker_moves (move_id, party, from_state, to_state, at_ms) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![&id, party.as_str(), name(change.from), name(change.to), at_ms]).await?;
    if !ctx.has(Defect::A3BreakerSilent) {
        let context = RequestContext { route: format!("/breakers/{}", party.as_str()), ..context.clone() };
        let event = Emit::new(EventName::BreakerTransition).breaker(change.to).key(format!("breaker:{id}"));
        ctx.telemetry.emit(&mut tx, &context, event).await?;
    }
    tx.commit().await
}

/// Takes up what the breakers were when the last process ended.
pub(crate) async fn restore(shared: &Shared) -> Result<(), DbError> {
    for party in Party::ALL {
        let last = moves(&shared.ctx.db, party, 1).await?.pop();
        let state = last.and_then(|last| parse(&last.to)).unwrap_or(BreakerState::Closed);
        shared.breakers.take_up(party, state, shared.ctx.clock.monotonic());
    }
    shared.ctx.telemetry.set_breaker(shared.breakers.worst());
    Ok(())
}

/// The last changes of a party's breaker, oldest first.
pub(super) async fn moves(db: &Db, party: Party, most: i64) -> Result<Vec<StoredMove>, DbError> {
    let sql = "SELECT from_state, to_state, at_ms FROM breaker_moves WHERE party = $1
               ORDER BY at_ms DESC, move_id DESC LIMIT $2";
    let rows = db.query(sql, args![party.as_str(), most]).await?;
    let read = rows.iter().rev().map(|row| {
        Ok(StoredMove { from: row.text("from_state")?, to: row.text("to_state")?, at_ms: row.int("at_ms")? })
    });
    read.collect()
}

fn name(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

fn parse(text: &str) -> Option<BreakerState> {
    [BreakerState::Closed, BreakerState::Open, BreakerState::HalfOpen].into_iter().find(|state| name(*state) == text)
}
