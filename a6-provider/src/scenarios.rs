//! How A6 is loaded.

use std::time::Duration;

use common::contract::{PROTOCOL_VERSION, header};
use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![register(), billing(), funnel()]
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

/// A visitor of the public pages becomes a provider, goes through the stages, publishes a listing and is billed for a sale.
fn funnel() -> Scenario {
    let title = "A visitor becomes a provider, publishes and is billed";
    let mut funnel = Scenario::new("a6_provider_funnel", AppId::A6, title).constant_vus(
        1,
        Duration::from_secs(40),
        Duration::from_secs(1),
    );
    let steps = [vec![landing(), registration()], stages(), vec![listing(), publication(), settlement()]].concat();
    for step in steps {
        let app = step.app.unwrap_or(AppId::A6);
        let limit = format!("http_req_duration{{name:{}}}", step.name);
        funnel = funnel.step(keeps_protocol(step, app)).threshold(&limit, "p(95)<=150");
    }
    funnel.threshold("http_req_failed", "rate<0.01").tag("kind", "journey").unscaled()
}

/// Every answer names the app, the protocol and the trace it belongs to.
fn keeps_protocol(step: Step, app: AppId) -> Step {
    step.expect_header(header::TRACE_ID, "{{trace_id}}")
        .expect_header(header::PROTOCOL_VERSION, PROTOCOL_VERSION)
        .expect_header(header::APP_ID, app.as_str())
}

fn landing() -> Step {
    Step::get("landing_page", "/").app(AppId::A7).expect_status(&[200])
}

fn registration() -> Step {
    Step::post("registration", "/register")
        .json(json!({
            "name": "Aurora Scholarship Fund",
            "email": "test_provider_{{trace_id}}@example.com",
            "country": "US"
        }))
        .hardened()
        .expect_status(&[201])
        .extract_json("provider", "/provider_id")
}

fn stages() -> Vec<Step> {
    let stages = ["demo", "contract", "live"].into_iter().map(|stage| {
        Step::post(stage, "/api/providers/{{var.provider}}/stage")
            .route("POST /api/providers/{id}/stage")
            .json(json!({ "stage": stage }))
            .hardened()
            .expect_status(&[200])
            .expect_json("/stage", stage)
    });
    stages.collect()
}

fn listing() -> Step {
    Step::post("listing", "/api/listings")
        .json(json!({ "provider_id": "{{var.provider}}", "title": "Aurora STEM Award", "award_minor": 100_000 }))
        .hardened()
        .expect_status(&[201])
        .extract_json("listing", "/listing_id")
}

fn publication() -> Step {
    Step::post("publication", "/api/listings/{{var.listing}}/publish")
        .route("POST /api/listings/{id}/publish")
        .hardened()
        .expect_status(&[200])
}

/// The golden sums: 30.00 of fee on 1,000.00, and 40.00 for AI services that cost 10.00.
fn settlement() -> Step {
    Step::post("settlement", "/api/billing/settle")
        .json(json!({ "provider_id": "{{var.provider}}", "gross_minor": 100_000, "ai_cost_minor": 1_000 }))
        .hardened()
        .expect_status(&[201])
}
