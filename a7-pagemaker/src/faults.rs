//! How A7 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect("a7.stray_noindex", "hides the newest page from search", Defect::A7StrayNoindex, "a7.seo"),
        Fault::defect(
            "a7.noindex_header",
            "hides published pages from search by a header",
            Defect::A7NoindexHeader,
            "a7.seo",
        ),
        Fault::defect(
            "a7.canonical_elsewhere",
            "sends search engines from the newest page to another host",
            Defect::A7CanonicalElsewhere,
            "a7.seo",
        ),
        Fault::defect(
            "a7.share_image_missing",
            "names a share image that is not there",
            Defect::A7ShareImageMissing,
            "a7.seo",
        ),
        Fault::defect(
            "a7.structured_data_broken",
            "cuts structured data short",
            Defect::A7StructuredDataBroken,
            "a7.seo",
        ),
        Fault::defect(
            "a7.rewards_lost",
            "does not tell A3 what visitors do on its pages",
            Defect::A7RewardsLost,
            "a7.sessions_reach_a3",
        ),
        Fault::defect(
            "a7.shows_no_arm",
            "shows all visitors one call to action, whatever arm a page is for",
            Defect::A7ShowsNoArm,
            "a7.arm_is_shown",
        ),
        Fault::defect("a7.robots_shut_out", "shuts all crawlers out", Defect::A7RobotsShutOut, "a7.sitemap"),
        Fault::defect(
            "a7.sitemap_gap",
            "leaves new pages out of the sitemap",
            Defect::A7SitemapMissesPages,
            "a7.sitemap",
        ),
        Fault::defect("a7.cta_lost", "acknowledges a beacon and does not report it", Defect::A7CtaLost, "a7.beacons"),
        Fault::defect("a7.cta_twice", "reports a beacon twice", Defect::A7CtaCountedTwice, "a7.beacons"),
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
        Fault::defect(
            "a7.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a7.security_headers",
        ),
        Fault::defect("a7.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a7.keys_wanted"),
    ];
    all.extend(wire::all());
    all
}
