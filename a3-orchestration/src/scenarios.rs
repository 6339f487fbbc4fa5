//! How A3 is loaded: preflights at the rate of a dashboard, runs at the rate of an agent.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// The length of a baseline, before a profile scales it.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// A3's workloads. A3 is never loaded with more than 20 at a time.
pub(crate) fn all() -> Vec<Scenario> {
    vec![preflight(), run()]
}

fn preflight() -> Scenario {
    Scenario::new("a3_preflight", AppId::A3, "The preflight answers within 150 ms")
        .constant_vus(20, BASELINE, Duration::from_secs(1))
        .step(Step::get("preflight", "/preflight").expect_status(&[200]).expect_json_exists("/upstreams/0/status"))
        .threshold("http_req_duration{name:preflight}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "baseline")
}

fn run() -> Scenario {
    Scenario::new("a3_run", AppId::A3, "A run is taken on within 150 ms")
        .constant_vus(5, BASELINE, Duration::from_millis(200))
        .unscaled()
        .step(
            Step::post("run", "/orchestration/run")
                .json(json!({ "title": "Load test page {{uuid}}", "summary": "Made by a load test." }))
                .hardened()
                .expect_status(&[202])
                .expect_json_exists("/trace_id")
                .extract_json("run_id", "/run_id"),
        )
        .step(
            Step::get("status", "/orchestration/runs/{{var.run_id}}")
                .route("GET /orchestration/runs/{id}")
                .expect_status(&[200])
                .expect_json_exists("/state"),
        )
        .threshold("http_req_duration{name:run}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "baseline")
}
