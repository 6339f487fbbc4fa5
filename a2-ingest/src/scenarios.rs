//! How A2 is loaded: single events, batches of 20, and the scholarship search.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::{Value, json};

/// The length of a baseline, before a profile scales it.
const BASELINE: Duration = Duration::from_secs(15 * 60);
/// Items of a batch under load.
const BATCH_ITEMS: usize = 20;

/// A2's workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![single(), batch(), scholarships()]
}

fn single() -> Scenario {
    Scenario::new("a2_single", AppId::A2, "Single events are acknowledged within 125 ms")
        .constant_vus(20, BASELINE, Duration::from_millis(500))
        .step(
            Step::post("event", "/api/v1/events")
                .json(event())
                .hardened()
                .expect_status(&[201])
                .expect_json_exists("/trace_id")
                .expect_json_exists("/event_id"),
        )
        .threshold("http_req_duration{name:event}", "p(95)<=125")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "baseline")
}

fn batch() -> Scenario {
    let items: Vec<Value> = (0..BATCH_ITEMS).map(|_| event()).collect();
    Scenario::new("a2_batch", AppId::A2, "Batches of 20 are acknowledged within 200 ms")
        .constant_vus(10, BASELINE, Duration::from_secs(2))
        .step(
            Step::post("batch", "/api/v1/events/batch")
                .json(Value::Array(items))
                .hardened()
                .expect_status(&[200])
                .expect_json("/results/19/status", 201),
        )
        .threshold("http_req_duration{name:batch}", "p(95)<=200")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "baseline")
}

fn scholarships() -> Scenario {
    Scenario::new("a2_scholarships", AppId::A2, "The scholarship search answers within 150 ms")
        .constant_vus(20, BASELINE, Duration::from_secs(1))
        .step(
            Step::get("search", "/api/v1/scholarships?q=engineering&limit=20")
                .route("GET /api/v1/scholarships")
                .expect_status(&[200])
                .expect_json_exists("/items/0/id"),
        )
        .step(
            Step::get("first_page", "/api/v1/scholarships")
                .expect_status(&[200])
                .expect_json_exists("/items/0/award_minor"),
        )
        .threshold("http_req_duration", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "baseline")
}

/// Single events that can each be found again: under a trace of their own, with the number of the iteration that sent
/// them, and in A8, as their type is forwarded. What ramp, spike, soak and burst send.
#[must_use]
pub fn recorded() -> Scenario {
    let event = json!({
        "event_type": "cta_impression",
        "subject": "test_student_e2e_01",
        "payload": { "iteration": "{{iteration}}", "vu": "{{vu}}" }
    });
    Scenario::new("a2", AppId::A2, "Single events, each found again")
        .constant_vus(20, BASELINE, Duration::from_millis(500))
        .step(
            Step::post("event", "/api/v1/events")
                .json(event)
                .hardened()
                .expect_status(&[201])
                .expect_json_exists("/trace_id")
                .expect_json_exists("/event_id"),
        )
        .threshold("http_req_duration{name:event}", "p(95)<=125")
        .threshold("http_req_failed", "rate<0.01")
}

/// Of a type that stays in A2, so that A2's own work is measured.
fn event() -> Value {
    json!({
        "event_type": "scholarship_viewed",
        "subject": "test_student_e2e_01",
        "payload": { "scholarship": "sch_0001", "view": "{{uuid}}" }
    })
}
