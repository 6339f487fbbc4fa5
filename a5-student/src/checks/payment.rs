//! A student's way through a payment: plan button, hosted page, and back.

use std::time::Duration;

use common::check::{CheckContext, CheckError, Findings};
use common::client::{ClientError, Reply, Session};
use common::ids::{AppId, TraceId};
use serde_json::Value;

use super::html;
use super::journey::{self, Student};

/// A card that pays.
pub(super) const PAYS: &str = "4242424242424242";
/// A card that pays, and whose webhook comes three times.
pub(super) const PAYS_TOLD_THRICE: &str = "4000000000000341";
/// Cards that do not pay: declined, too little money.
pub(super) const DECLINED: [&str; 2] = ["4000000000000002", "4000000000009995"];

/// A new student, signed in.
pub(super) async fn buyer(cx: &CheckContext) -> Result<Session, CheckError> {
    cx.want(AppId::A1)?;
    let (session, page) = journey::sign_up(cx, &Student::new(), "/signup").await?;
    if page.url().path() != "/dashboard" || page.status != 200 {
        let at = format!("the sign-up ended at {} with {}, not on the dashboard", page.request(), page.status);
        return Err(CheckError::Broken(at));
    }
    Ok(session)
}

/// Presses the button of a plan on the pricing page.
pub(super) async fn choose(session: &Session, plan: &str) -> Result<Reply, CheckError> {
    let pricing = session.get(AppId::A5, "/pricing").header("accept", "text/html").native_errors().send().await?;
    let text = pricing.text();
    let lacking = || CheckError::Broken(format!("{} has no form with a button for {plan}", pricing.request()));
    let nonce = html::hidden(&text, "form_nonce").ok_or_else(lacking)?;
    let form = [("form_nonce", nonce), ("plan", plan)];
    Ok(session.post(AppId::A5, "/checkout").form(&form).native_errors().send().await?)
}

/// Opens the hosted page that a plan button leads to. One that is not the target's own is paid in a browser only.
pub(super) async fn payment_page(session: &Session, checkout: &Reply) -> Result<Reply, CheckError> {
    if checkout.status != 303 {
        let (at, status) = (checkout.request(), checkout.status);
        return Err(CheckError::Broken(format!("{at} answered {status} and leads to no payment page")));
    }
    match session.follow(checkout) {
        Ok(request) => Ok(request.header("accept", "text/html").native_errors().send().await?),
        Err(ClientError::Refused(_)) => {
            let to = checkout.header("location").unwrap_or_default();
            let host = to.split('/').nth(2).unwrap_or_default();
            Err(CheckError::Skip(format!("the payment page at {host} is not part of the target: pay in a browser")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Sends the hosted page's form with this card.
pub(super) async fn pay(session: &Session, page: &Reply, card: &str) -> Result<Reply, CheckError> {
    let text = page.text();
    let lacking = || CheckError::Broken(format!("{} answered {} without a form", page.request(), page.status));
    let nonce = html::hidden(&text, "form_nonce").ok_or_else(lacking)?;
    let form = [("card", card), ("form_nonce", nonce)];
    Ok(session.post(page.app, page.url().path()).form(&form).native_errors().send().await?)
}

/// Buys the micro pack: the answer of the hosted page.
pub(super) async fn buy_micro(session: &Session, card: &str) -> Result<Reply, CheckError> {
    let checkout = choose(session, "micro").await?;
    let page = payment_page(session, &checkout).await?;
    pay(session, &page, card).await
}

/// A5's own record of a trace.
pub(super) async fn record(cx: &CheckContext, trace: TraceId) -> Result<Reply, ClientError> {
    cx.client.get(AppId::A5, &format!("/api/transactions/{trace}")).send().await
}

/// A payment provider tells of a payment at once; whoever was not told by then was refused or never asked.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// The record of a trace once `done` says so, else as it is when the time for it is over.
pub(super) async fn settled(
    cx: &CheckContext,
    trace: TraceId,
    done: impl Fn(&Value) -> bool,
) -> Result<Reply, CheckError> {
    let within = CheckContext { patience: cx.patience.min(TOLD_WITHIN), ..cx.clone() };
    let found = within
        .eventually(|| async {
            let reply = record(cx, trace).await?;
            let is_done = reply.json().is_ok_and(|body| done(&body));
            Ok(is_done.then_some(reply))
        })
        .await?;
    match found {
        Some(reply) => Ok(reply),
        None => Ok(record(cx, trace).await?),
    }
}

/// Asserts the balance of a student.
pub(super) async fn balance_is(
    findings: &mut Findings,
    session: &Session,
    what: &str,
    expected: i64,
) -> Result<(), CheckError> {
    let credits = session.get(AppId::A5, "/api/credits").send().await?;
    findings.json_at(&format!("the balance in GET /api/credits {what}"), &credits, "/balance", &expected.into());
    Ok(())
}
