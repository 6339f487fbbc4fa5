//! How A6 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![register(), billing()]
}

/// Ten providers at a time sign up.
fn register() -> Scenario {
    Scenario::new("a6_register", AppId::A6, "Ten virtual users register providers")
        .constant_vus(10, BASELINE, Duration::from_millis(500))
        .step(
            Step::post("register", "/register")
                .json(json!({
                    "name": "Aurora Scholarship Fund",
                    "email": "test_provider_{{uuid}}@example.com",
                    "country": "US"
                }))
                .hardened()
                .expect_status(&[201])
                .expect_json("/stage", "lead")
                .expect_json_exists("/provider_id"),
        )
        .threshold("http_req_duration{name:register}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// The facts and a quote with golden sums in every iteration.
fn billing() -> Scenario {
    Scenario::new("a6_billing", AppId::A6, "Ten virtual users read the billing facts and ask for quotes")
        .constant_vus(10, BASELINE, Duration::from_millis(500))
        .step(
            Step::get("facts", "/api/billing")
                .expect_status(&[200])
                .expect_json("/provider_fee_pct", 3)
                .expect_json("/ai_markup_factor", 4.0),
        )
        .step(
            Step::post("quote", "/api/billing/quote")
                .json(json!({ "gross_minor": 100_000, "ai_cost_minor": 1_000 }))
                .expect_status(&[200])
                .expect_json("/fee_minor", 3_000)
                .expect_json("/ai_price_minor", 4_000)
                .expect_json("/total_minor", 107_000),
        )
        .threshold("http_req_duration{name:facts}", "p(95)<=150")
        .threshold("http_req_duration{name:quote}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}
