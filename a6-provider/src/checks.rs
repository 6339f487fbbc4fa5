//! What is asserted about A6. Expected sums are written out; none is computed.

mod billing;
mod funnel;
mod journey;
mod revenue;

use common::check::{Check, CheckContext, CheckError, Findings};
use common::ids::AppId;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a6.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx))),
        Check::new("a6.billing_facts", "the billing facts are 3 % fee, 4x markup, in USD", |cx| {
            Box::pin(billing::facts(cx))
        }),
        Check::new("a6.quote_golden", "quotes keep fee, markup and rounding to the cent", |cx| {
            Box::pin(billing::quote_golden(cx))
        }),
        Check::new("a6.quote_refuses", "amounts that make no sense are refused with the field named", |cx| {
            Box::pin(billing::quote_refuses(cx))
        }),
        Check::new("a6.register", "a provider registers once however often the request is repeated", |cx| {
            Box::pin(funnel::register_once(cx))
        }),
        Check::new("a6.stage_order", "a provider moves lead, demo, contract, live, and no other way", |cx| {
            Box::pin(funnel::stage_order(cx))
        }),
        Check::new("a6.listing", "a listing is drafted for a known provider and published once", |cx| {
            Box::pin(funnel::listing(cx))
        }),
        Check::new("a6.settle_once", "one key settles once, repeated or raced, and the entries balance", |cx| {
            Box::pin(revenue::settle_once(cx))
        }),
        Check::new("a6.revenue_in_a8", "a settlement shows in A8's lineage and finance tile to the cent", |cx| {
            Box::pin(revenue::in_a8(cx))
        })
        .needs(&[AppId::A8]),
        Check::new("a6.revenue_in_a2", "a settlement reaches A2 in its own trace", |cx| Box::pin(revenue::in_a2(cx)))
            .needs(&[AppId::A2]),
        Check::new(
            "a6.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a6.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
