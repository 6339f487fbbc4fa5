//! How A5 is loaded.

mod funnel;

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![
        page("a5_landing", "landing", "/", "/signup"),
        page("a5_pricing", "pricing", "/pricing", "/signup?plan="),
        funnel::student_funnel(),
    ]
}

/// Ten visitors read one page; each answer must be the page, with its way to the sign-up.
fn page(id: &str, name: &str, path: &str, link: &str) -> Scenario {
    Scenario::new(id, AppId::A5, &format!("Ten virtual users read the {name} page"))
        .constant_vus(10, BASELINE, Duration::from_millis(500))
        .step(
            Step::get(name, path)
                .expect_status(&[200])
                .expect_header("content-type", "text/html*")
                .expect_body("<title>")
                .expect_body(&format!("href=\"{link}")),
        )
        .threshold(&format!("http_req_duration{{name:{name}}}"), "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}
