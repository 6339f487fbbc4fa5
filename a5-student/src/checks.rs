//! What is asserted about A5: as a visitor's browser would see it, without scripts.

mod checkout;
mod first_steps;
mod html;
mod journey;
mod pages;
mod payment;
mod signup;
mod webhooks;

use common::check::{Check, CheckContext, CheckError, Findings};
use common::ids::AppId;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    let mut checks = sign_up();
    checks.extend(money());
    checks.extend(first_steps());
    checks
}

fn sign_up() -> Vec<Check> {
    vec![
        Check::new("a5.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx)))
            .needs(&[AppId::A1]),
        Check::new("a5.pages", "landing and pricing are pages with a title and a way to the sign-up", |cx| {
            Box::pin(pages::landing_and_pricing(cx))
        })
        .needs(&[AppId::A1]),
        Check::new("a5.page_policy", "pages carry a strict policy and load nothing from elsewhere", |cx| {
            Box::pin(pages::policy(cx))
        }),
        Check::new("a5.attribution", "the sign-up links of the landing page carry where a visitor came from", |cx| {
            Box::pin(pages::attribution(cx))
        }),
        Check::new("a5.dashboard_refuses", "what is a student's own is not shown to the signed-out", |cx| {
            Box::pin(pages::dashboard_refuses(cx))
        }),
        Check::new("a5.signup_lands", "a sign-up through A1 lands on the dashboard, and the session lasts", |cx| {
            Box::pin(signup::lands(cx))
        })
        .needs(&[AppId::A1]),
        Check::new("a5.login_again", "a known student logs in, out, and in again", |cx| {
            Box::pin(signup::log_in_again(cx))
        })
        .needs(&[AppId::A1]),
        Check::new("a5.callback_refuses", "a callback that was not asked for in this browser is refused", |cx| {
            Box::pin(signup::callback_refuses(cx))
        })
        .needs(&[AppId::A1]),
        Check::new(
            "a5.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a5.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

fn money() -> Vec<Check> {
    let checks = vec![
        Check::new("a5.plan_buttons", "each plan button leads to a payment page over its price", |cx| {
            Box::pin(checkout::plan_buttons(cx))
        }),
        Check::new("a5.micro_checkout", "50 cents buy ten credits, from the button to the balance", |cx| {
            Box::pin(checkout::micro(cx))
        }),
        Check::new("a5.webhook_refuses", "forged, stale and unsigned webhooks are refused and credit nothing", |cx| {
            Box::pin(webhooks::refuses(cx))
        }),
        Check::new("a5.webhook_accepted", "the webhook of a payment is believed and pays its order", |cx| {
            Box::pin(checkout::webhook_accepted(cx))
        }),
        Check::new("a5.replayed_webhook_credits_once", "a webhook that comes three times credits once", |cx| {
            Box::pin(checkout::replayed(cx))
        }),
        Check::new("a5.declined_card_credits_nothing", "a card that does not pay changes no balance", |cx| {
            Box::pin(checkout::declined(cx))
        }),
        Check::new(
            "a5.ledger_balances",
            "each entry has two accounts, and the balance is the sum of its entries",
            |cx| Box::pin(checkout::ledger(cx)),
        ),
    ];
    checks.into_iter().map(|check| check.phase(4).needs(&[AppId::A1])).collect()
}

fn first_steps() -> Vec<Check> {
    let checks = vec![
        Check::new(
            "a5.guided_action",
            "the first question costs one credit, and A8 knows the time to first value",
            |cx| Box::pin(first_steps::guided_action(cx)),
        )
        .needs(&[AppId::A1, AppId::A4]),
        Check::new("a5.document_outcome", "a document is kept once, read by A4, and shown with its outcome", |cx| {
            Box::pin(first_steps::document_outcome(cx))
        })
        .needs(&[AppId::A1, AppId::A4]),
        Check::new("a5.crm_record", "the CRM is told of a new student", |cx| Box::pin(first_steps::crm_record(cx)))
            .needs(&[AppId::A1]),
        Check::new("a5.asks_a3", "A3 is asked for one run, in the trace of the sign-up", |cx| {
            Box::pin(first_steps::asks_a3(cx))
        })
        .needs(&[AppId::A1, AppId::A3]),
    ];
    checks.into_iter().map(|check| check.phase(5)).collect()
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A1)?;
    common::check::conformance(&cx, &crate::contract()).await
}
