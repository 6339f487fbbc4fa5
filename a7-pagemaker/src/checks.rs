//! What is asserted about A7.

mod growth;
mod pages;
mod sessions;
mod writes;

use common::check::{Check, CheckContext, CheckError, Findings};
use common::ids::AppId;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a7.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx))),
        Check::new("a7.pages", "each public address shows its own page, under a strict policy", |cx| {
            Box::pin(pages::are_themselves(cx))
        }),
        Check::new(
            "a7.seo",
            "every page that the sitemap leads to can be found, shown in previews and measured",
            |cx| Box::pin(growth::hygiene(cx)),
        )
        .phase(5),
        Check::new("a7.sitemap", "robots.txt leads to a sitemap that lists every published page", |cx| {
            Box::pin(growth::sitemap(cx))
        })
        .phase(5),
        Check::new("a7.publish_once", "a page is built and published once for its slug", |cx| {
            Box::pin(writes::publish_once(cx))
        }),
        Check::new("a7.lead", "a lead is stored once and its e-mail goes out", |cx| Box::pin(writes::lead(cx))),
        Check::new("a7.beacons", "an impression and a click are each counted once and reported", |cx| {
            Box::pin(writes::beacons(cx))
        })
        .phase(5)
        .needs(&[AppId::A8]),
        Check::new("a7.events_in_a8", "building, publishing, impressions and leads show in A8", |cx| {
            Box::pin(writes::events_in_a8(cx))
        })
        .needs(&[AppId::A8]),
        Check::new("a7.arm_is_shown", "a page asks its visitors for what its arm says", |cx| {
            Box::pin(sessions::arm_is_shown(cx))
        })
        .phase(6),
        Check::new("a7.sessions_reach_a3", "what visitors do on a page teaches A3 of its arm, once a session", |cx| {
            Box::pin(sessions::reach_a3(cx))
        })
        .phase(6)
        .needs(&[AppId::A2, AppId::A3]),
        Check::new(
            "a7.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a7.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
