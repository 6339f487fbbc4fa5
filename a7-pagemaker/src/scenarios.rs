//! How A7 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![core(), sitemap(), leads()]
}

/// A visitor goes from the landing page to an article, and the call to action is counted.
fn core() -> Scenario {
    let page = |name: &str, path: &str| {
        Step::get(name, path).expect_status(&[200]).expect_header("content-type", "text/html*")
    };
    Scenario::new("a7_core", AppId::A7, "Twenty visitors read the core pages")
        .constant_vus(20, BASELINE, Duration::from_secs(2))
        .step(page("home", "/").expect_body("Scholarships you can win"))
        .step(page("browse", "/browse").expect_body("All scholarships"))
        .step(page("states", "/browse/states").expect_body("Scholarships by state"))
        .step(page("majors", "/browse/majors").expect_body("Scholarships by major"))
        .step(page("page", "/p/stem-scholarships-ohio").route("GET /p/{slug}").expect_body("STEM scholarships in Ohio"))
        .step(
            Step::post("cta", "/api/cta")
                .json(json!({ "slug": "stem-scholarships-ohio", "kind": "impression" }))
                .hardened()
                .expect_status(&[201]),
        )
        .threshold("http_req_duration", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// The sitemap has a limit of its own and stays out of the default P95.
fn sitemap() -> Scenario {
    Scenario::new("a7_sitemap", AppId::A7, "Crawlers read the sitemap")
        .constant_vus(5, BASELINE, Duration::from_millis(200))
        .unscaled()
        .step(
            Step::get("sitemap", "/sitemap.xml")
                .expect_status(&[200])
                .expect_header("content-type", "application/xml*")
                .expect_body("/p/stem-scholarships-ohio</loc>"),
        )
        .threshold("http_req_duration{name:sitemap}", "p(95)<=500")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "sitemap")
}

/// Known issue B: slow until `a7_async_pipeline` is on.
fn leads() -> Scenario {
    Scenario::new("a7_leads", AppId::A7, "Visitors leave their address")
        .constant_vus(5, BASELINE, Duration::from_secs(1))
        .unscaled()
        .step(
            Step::post("lead", "/api/leads")
                .json(json!({ "email": "test_student_{{uuid}}@example.com", "slug": "stem-scholarships-ohio" }))
                .hardened()
                .expect_status(&[201, 202])
                .expect_json_exists("/lead_id"),
        )
        .threshold("http_req_duration{name:lead}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "known_issue:B")
}
