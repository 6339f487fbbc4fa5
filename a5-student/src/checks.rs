//! What is asserted about A5: as a visitor's browser would see it, without scripts.

mod html;
mod journey;
mod pages;
mod signup;

use common::check::{Check, CheckContext, CheckError, Findings};
use common::ids::AppId;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
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
        Check::new("a5.dashboard_refuses", "the dashboard shows nothing to the signed-out", |cx| {
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
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A1)?;
    common::check::conformance(&cx, &crate::contract()).await
}
