//! What an event about a checkout session does to its order.

use common::args;
use common::service::{DbError, Defect, Emit, Tx};
use common::telemetry::{EventName, StripeMode};

use super::Session;
use crate::reference::ledger::{self, Kind, Posted, Posting};
use crate::reference::money;
use crate::reference::orders::{self, Order, OrderState};
use crate::reference::plans::Plan;
use crate::reference::state::A5;
use crate::reference::visits;

/// Moves the order on, if the event says so and the order is not further already.
pub(super) async fn apply(app: &A5, tx: &mut Tx, order: &Order, kind: &str, session: &Session) -> Result<(), DbError> {
    let Some(next) = next_state(kind, session.payment_status.as_deref()) else { return Ok(()) };
    let again = next == OrderState::Paid && app.ctx().has(Defect::A5WebhookReplayCredits);
    if !order.state.leads_to(next) && !again {
        return Ok(());
    }
    if next == OrderState::Paid && !is_whole(order, session) {
        let (order_id, paid) = (&order.order_id, session.amount_total);
        tracing::error!(order_id, ?paid, "another amount was paid than the order's: nothing is credited");
        return Ok(());
    }
    orders::advance(tx, order, next, app.now_ms()).await?;
    if next == OrderState::Paid {
        credit(app, tx, order, again).await?;
    }
    Ok(())
}

/// Where an event leads. A session that is completed unpaid waits for news of its payment.
fn next_state(kind: &str, payment_status: Option<&str>) -> Option<OrderState> {
    match (kind, payment_status) {
        ("checkout.session.completed", Some("paid" | "no_payment_required"))
        | ("checkout.session.async_payment_succeeded", _) => Some(OrderState::Paid),
        ("checkout.session.async_payment_failed", _) => Some(OrderState::Failed),
        ("checkout.session.expired", _) => Some(OrderState::Expired),
        _ => None,
    }
}

/// True if what was paid is what the order says.
fn is_whole(order: &Order, session: &Session) -> bool {
    session.amount_total == Some(order.amount_minor)
        && session.currency.as_deref().is_some_and(|currency| currency.eq_ignore_ascii_case(&order.currency))
}

/// Credits the order and reports its revenue, in the trace of whoever began the checkout.
async fn credit(app: &A5, tx: &mut Tx, order: &Order, again: bool) -> Result<(), DbError> {
    let context = order.resume("POST", "/webhooks/stripe");
    let mut cause = format!("order:{}", order.order_id);
    if again && order.state == OrderState::Paid {
        cause.push_str(&format!(":{}", uuid::Uuid::now_v7()));
    }
    let title = Plan::for_sale(&order.plan).map_or(order.plan.as_str(), |plan| plan.title);
    let posting = Posting {
        cause,
        kind: Kind::Purchase,
        sub: &order.sub,
        credits: order.credits,
        reason: &format!("{title} bought"),
        trace_id: context.trace.trace.to_string(),
    };
    if ledger::post(tx, &posting, app.now_ms()).await? != Posted::Entered {
        return Ok(());
    }
    visits::checked_out(app, tx, &context, &order.sub).await?;
    if Plan::find(&order.plan).is_some() {
        tx.execute("UPDATE students SET plan = $1 WHERE sub = $2", args![&order.plan, &order.sub]).await?;
    }
    for name in [EventName::CheckoutCompleted, EventName::RevenueSettled] {
        let emit = Emit::new(name)
            .key(&order.order_id)
            .finance(order.revenue_event_id(), money::sale(order.amount_minor))
            .stripe_mode(StripeMode::Test);
        app.ctx().telemetry.emit(tx, &context, emit).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_lead_where_they_say_and_unknown_ones_nowhere() {
        let leads = |kind: &str, status| next_state(&format!("checkout.session.{kind}"), status);
        assert_eq!(leads("completed", Some("paid")), Some(OrderState::Paid));
        assert_eq!(leads("completed", Some("unpaid")), None);
        assert_eq!(leads("async_payment_succeeded", Some("paid")), Some(OrderState::Paid));
        assert_eq!(leads("async_payment_failed", Some("unpaid")), Some(OrderState::Failed));
        assert_eq!(leads("expired", Some("unpaid")), Some(OrderState::Expired));
        assert_eq!((leads("completed", None), leads("imagined", Some("paid"))), (None, None));
        assert_eq!(next_state("payment_intent.succeeded", Some("paid")), None);
    }
}
