//! Buying: from a plan button to the payment page, and back from it. What was paid is credited by webhooks alone.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::service::{Emit, Form, Problem, Query, RequestContext};
use common::telemetry::{EventName, StripeMode};
use serde::Deserialize;

use super::orders::{self, Order, OrderState};
use super::pages::{self, Frame};
use super::plans::Plan;
use super::sessions::Student;
use super::state::A5;
use super::stripe::NewSession;
use super::{cookies, ledger};

/// Seconds after which a page that waits for a payment looks again.
const LOOK_AGAIN_S: u32 = 2;

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    form_nonce: String,
    plan: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReturnQuery {
    #[serde(default)]
    session_id: String,
}

#[derive(Template)]
#[template(path = "checkout_return.html")]
struct Return {
    frame: Frame,
    payment: &'static str,
    plan: &'static str,
    price: String,
    credits: i64,
    balance: i64,
    look_again_s: u32,
}

#[derive(Template)]
#[template(path = "checkout_cancelled.html")]
struct Cancelled {
    frame: Frame,
}

/// `POST /checkout`: to the payment page. The same form leads to the same page, however often it is sent.
pub(super) async fn begin(
    State(app): State<A5>,
    context: RequestContext,
    student: Student,
    Form(choice): Form<Choice>,
) -> Result<Response, Problem> {
    if !student.was_shown(&choice.form_nonce) {
        return Ok(pages::stale_form());
    }
    let Some(plan) = Plan::for_sale(&choice.plan) else {
        let text = "Please choose one on the pricing page.";
        return Ok(pages::message(Frame::signed_in(), StatusCode::NOT_FOUND, "There is no such plan to buy", text));
    };
    let now_ms = app.now_ms();
    let order = orders::of_form(&app.ctx().db, &context, &student.sub, plan, &choice.form_nonce, now_ms).await?;
    let order = order.ok_or_else(|| Problem::unavailable("the order was not kept: send the form again"))?;
    match (order.state, order.session_id.as_deref(), order.session_url.as_deref()) {
        (OrderState::Open, Some(_), Some(url)) => Ok(cookies::see_other(url, &[])),
        (OrderState::Open, ..) => send_to_pay(&app, &order, plan).await,
        (OrderState::Paid, Some(id), _) => Ok(cookies::see_other(&format!("/checkout/return?session_id={id}"), &[])),
        _ => Ok(cookies::see_other("/pricing", &[])),
    }
}

/// Makes the checkout session in the order's own trace, and leads to its page.
async fn send_to_pay(app: &A5, order: &Order, plan: &Plan) -> Result<Response, Problem> {
    let context = order.resume("POST", "/checkout");
    let asked = NewSession {
        order_id: &order.order_id,
        plan,
        success_url: &app.at("/checkout/return?session_id={CHECKOUT_SESSION_ID}"),
        cancel_url: &app.at("/checkout/cancelled"),
    };
    let session = match app.stripe().check_out(&context, &asked).await {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(%error, "a checkout cannot begin");
            let text = "The payment service does not answer as it should. Nothing was charged. Please try again.";
            return Ok(pages::message(
                Frame::signed_in(),
                StatusCode::BAD_GATEWAY,
                "Paying is not possible at the moment",
                text,
            ));
        }
    };
    let mut tx = app.ctx().db.begin().await?;
    if orders::keep_session(&mut tx, &order.order_id, &session.id, &session.url).await? {
        let emit = Emit::new(EventName::CheckoutStarted).status(303).key(&order.order_id).stripe_mode(StripeMode::Test);
        app.ctx().telemetry.emit(&mut tx, &context, emit).await?;
    }
    tx.commit().await?;
    Ok(cookies::see_other(&session.url, &[]))
}

/// `GET /checkout/return`: tells whether the payment has arrived; until it has, the page looks again by itself.
pub(super) async fn come_back(
    State(app): State<A5>,
    student: Student,
    Query(query): Query<ReturnQuery>,
) -> Result<Response, Problem> {
    let db = &app.ctx().db;
    let Some(order) = orders::of_session(db, &student.sub, &query.session_id).await? else {
        let text = "We know of no such payment of yours. Your credits page lists all that were made.";
        return Ok(pages::message(Frame::signed_in(), StatusCode::NOT_FOUND, "There is no such payment", text));
    };
    let plan = Plan::for_sale(&order.plan).map_or("Credits", |plan| plan.title);
    let page = Return {
        frame: Frame::signed_in(),
        payment: match order.state {
            OrderState::Open => "pending",
            state => state.as_str(),
        },
        plan,
        price: super::plans::price(order.amount_minor),
        credits: order.credits,
        balance: ledger::balance(db, &ledger::account(&student.sub)).await?,
        look_again_s: LOOK_AGAIN_S,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

/// `GET /checkout/cancelled`.
pub(super) async fn cancelled(_: Student) -> Response {
    pages::respond(StatusCode::OK, &Cancelled { frame: Frame::signed_in() })
}
