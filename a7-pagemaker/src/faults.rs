//! How A7 can be broken, and which check must notice.

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    vec![
        Fault::defect("a7.stray_noindex", "hides a page from search", Defect::A7StrayNoindex, "a7.seo"),
        Fault::defect(
            "a7.sitemap_gap",
            "leaves new pages out of the sitemap",
            Defect::A7SitemapMissesPages,
            "a7.sitemap",
        ),
        Fault::defect("a7.lead_lost", "acknowledges a lead and drops it", Defect::A7LosesLeads, "a7.lead"),
        Fault::defect("a7.two_leads", "a repeated key is another lead", Defect::IdempotencyOff, "a7.lead"),
        Fault::defect(
            "a7.login_page",
            "shows a login page in place of pages",
            Defect::LoginPageInsteadOfJson,
            "a7.pages",
        ),
        Fault::defect(
            "a7.no_precondition",
            "takes writes without a key",
            Defect::PreconditionUnchecked,
            "a7.conformance",
        ),
    ]
}
