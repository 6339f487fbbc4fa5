//! What is asserted about A7.

mod html;
mod pages;
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
            "pages have canonical, description, share image and structured data, and may be indexed",
            |cx| Box::pin(pages::are_findable(cx)),
        )
        .phase(5),
        Check::new("a7.sitemap", "the sitemap lists every published page, and robots.txt leads to it", |cx| {
            Box::pin(pages::sitemap(cx))
        })
        .phase(5),
        Check::new("a7.publish_once", "a page is built and published once for its slug", |cx| {
            Box::pin(writes::publish_once(cx))
        }),
        Check::new("a7.lead", "a lead is stored once and its e-mail goes out", |cx| Box::pin(writes::lead(cx))),
        Check::new("a7.events_in_a8", "building, publishing, impressions and leads show in A8", |cx| {
            Box::pin(writes::events_in_a8(cx))
        })
        .needs(&[AppId::A8]),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
