//! Orders: made when a student is sent to pay, moved on by webhooks, forward only. An order keeps the trace and labels
//! it was made in, and what is paid later takes effect in them.

use common::args;
use common::ids::TraceId;
use common::service::{Carried, Db, DbError, RequestContext, Row, Tx};

use super::plans::Plan;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderState {
    /// Sent to pay.
    Open,
    /// The payment page has expired.
    Expired,
    /// A payment that was under way came to nothing.
    Failed,
    /// Paid and credited.
    Paid,
}

impl OrderState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Paid => "paid",
        }
    }

    fn read(text: &str) -> Self {
        [Self::Paid, Self::Expired, Self::Failed].into_iter().find(|state| state.as_str() == text).unwrap_or(Self::Open)
    }

    /// Money that was taken wins over whatever was heard before; nothing undoes it.
    fn rank(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Expired | Self::Failed => 1,
            Self::Paid => 2,
        }
    }

    /// True if an order in this state may go on to `next`.
    pub(super) fn leads_to(self, next: Self) -> bool {
        next.rank() > self.rank()
    }
}

/// An order.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) order_id: String,
    pub(super) sub: String,
    pub(super) plan: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) credits: i64,
    pub(super) state: OrderState,
    pub(super) session_id: Option<String>,
    pub(super) session_url: Option<String>,
    pub(super) created_ms: i64,
    pub(super) paid_ms: Option<i64>,
    context: String,
}

impl Order {
    /// The id that revenue of this order goes by.
    pub(super) fn revenue_event_id(&self) -> String {
        format!("rev_{}", self.order_id)
    }

    /// What is told of the order once its payment goes on.
    pub(super) fn resume(&self, method: &str, route: &str) -> RequestContext {
        resume(&self.context, method, route)
    }
}

/// Goes on in a stored context; without a readable one, in a fresh trace.
pub(super) fn resume(stored: &str, method: &str, route: &str) -> RequestContext {
    match serde_json::from_str::<Carried>(stored) {
        Ok(carried) => carried.resume(method, route),
        Err(error) => {
            tracing::error!(%error, "a stored context cannot be read: the work goes on in a trace of its own");
            RequestContext::internal(route)
        }
    }
}

/// The stored form of a context.
pub(super) fn stored(context: &RequestContext) -> String {
    serde_json::to_string(&context.carry()).unwrap_or_default()
}

/// The order of this form, made if it is the first time that it is sent.
pub(super) async fn of_form(
    db: &Db,
    context: &RequestContext,
    sub: &str,
    plan: &Plan,
    nonce: &str,
    now_ms: i64,
) -> Result<Option<Order>, DbError> {
    let order_id = format!("ord_{}", uuid::Uuid::now_v7().simple());
    let mut tx = db.begin().await?;
    tx.execute(
        "INSERT INTO orders (order_id, sub, nonce, plan, amount_minor, currency, credits, state, context, trace_id,
         created_ms) VALUES ($1, $2, $3, $4, $5, 'usd', $6, 'open', $7, $8, $9) ON CONFLICT (nonce, plan) DO NOTHING",
        args![
            order_id,
            sub,
            nonce,
            plan.id,
            plan.price_minor,
            plan.credits,
            stored(context),
            context.trace.trace.to_string(),
            now_ms,
        ],
    )
    .await?;
    let rows = tx.query("SELECT * FROM orders WHERE nonce = $1 AND plan = $2", args![nonce, plan.id]).await?;
    tx.commit().await?;
    rows.first().map(read).transpose()
}

/// Keeps the checkout session of an order. True the first time.
pub(super) async fn keep_session(tx: &mut Tx, order_id: &str, id: &str, url: &str) -> Result<bool, DbError> {
    let sql = "UPDATE orders SET session_id = $2, session_url = $3 WHERE order_id = $1 AND session_id IS NULL";
    Ok(tx.execute(sql, args![order_id, id, url]).await? > 0)
}

/// The order of a checkout session, if it is this student's.
pub(super) async fn of_session(db: &Db, sub: &str, session_id: &str) -> Result<Option<Order>, DbError> {
    let sql = "SELECT * FROM orders WHERE session_id = $1 AND sub = $2";
    db.query_one(sql, args![session_id, sub]).await?.as_ref().map(read).transpose()
}

/// An order, as this transaction sees it.
pub(super) async fn load(tx: &mut Tx, order_id: &str) -> Result<Option<Order>, DbError> {
    tx.query("SELECT * FROM orders WHERE order_id = $1", args![order_id]).await?.first().map(read).transpose()
}

/// The orders made in a trace, oldest first.
pub(super) async fn of_trace(db: &Db, trace: TraceId) -> Result<Vec<Order>, DbError> {
    let sql = "SELECT * FROM orders WHERE trace_id = $1 ORDER BY created_ms, order_id";
    db.query(sql, args![trace.to_string()]).await?.iter().map(read).collect()
}

/// True if this student paid for the plan.
pub(super) async fn has_paid(db: &Db, sub: &str, plan: &str) -> Result<bool, DbError> {
    let sql = "SELECT order_id FROM orders WHERE sub = $1 AND plan = $2 AND state = 'paid'";
    Ok(db.query_one(sql, args![sub, plan]).await?.is_some())
}

/// Moves an order on.
pub(super) async fn advance(tx: &mut Tx, order: &Order, next: OrderState, now_ms: i64) -> Result<(), DbError> {
    let paid_ms = (next == OrderState::Paid).then_some(now_ms);
    let sql = "UPDATE orders SET state = $2, paid_ms = $3 WHERE order_id = $1";
    tx.execute(sql, args![&order.order_id, next.as_str(), paid_ms]).await.map(drop)
}

fn read(row: &Row) -> Result<Order, DbError> {
    Ok(Order {
        order_id: row.text("order_id")?,
        sub: row.text("sub")?,
        plan: row.text("plan")?,
        amount_minor: row.int("amount_minor")?,
        currency: row.text("currency")?,
        credits: row.int("credits")?,
        state: OrderState::read(&row.text("state")?),
        session_id: row.opt_text("session_id")?,
        session_url: row.opt_text("session_url")?,
        created_ms: row.int("created_ms")?,
        paid_ms: row.opt_int("paid_ms")?,
        context: row.text("context")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [OrderState; 4] = [OrderState::Open, OrderState::Expired, OrderState::Failed, OrderState::Paid];

    #[test]
    fn a_state_is_read_as_it_is_written() {
        for state in STATES {
            assert_eq!(OrderState::read(state.as_str()), state);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_the_news_an_order_that_was_ever_paid_ends_paid(news in proptest::collection::vec(0..4_usize, 0..12)) {
            let told = news.iter().map(|at| STATES[*at]);
            let step = |now: OrderState, next| if now.leads_to(next) { next } else { now };
            let end = told.clone().fold(OrderState::Open, step);
            prop_assert_eq!(end == OrderState::Paid, told.clone().any(|state| state == OrderState::Paid));
            prop_assert_eq!(end == OrderState::Open, told.clone().all(|state| state == OrderState::Open));
        }
    }
}
