//! How A8 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);
/// At most two requests a second, as profiling wants them.
const PROFILING: Duration = Duration::from_secs(100);

const OVERVIEW: &str = "/api/executive/overview";

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![tiles(), filter(), overview_cold(), overview_warm()]
}

/// Ten people look at the tiles.
fn tiles() -> Scenario {
    let tile = |name: &str, tile: &str| {
        Step::get(name, &format!("/api/tiles/{tile}?namespace=perf_test"))
            .route(&format!("GET /api/tiles/{tile}"))
            .expect_status(&[200])
            .expect_json("/tile", tile)
            .expect_json("/namespace", "perf_test")
            .expect_json_exists("/as_of")
    };
    Scenario::new("a8_tiles", AppId::A8, "Ten virtual users look at the SLO matrix, finance and funnels")
        .constant_vus(10, BASELINE, Duration::from_millis(400))
        .unscaled()
        .step(tile("slo_matrix", "slo-matrix"))
        .step(tile("finance", "finance"))
        .step(tile("funnels", "funnels"))
        .threshold("http_req_duration{name:slo_matrix}", "p(95)<=150")
        .threshold("http_req_duration{name:finance}", "p(95)<=150")
        .threshold("http_req_duration{name:funnels}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// Filters narrow the list of events: one that is ignored gives other events than asked for, or any at all.
fn filter() -> Scenario {
    let list = |name: &str, query: &str| {
        Step::get(name, &format!("/api/events?{query}"))
            .route("GET /api/events")
            .expect_header("content-type", "*json*")
    };
    Scenario::new("a8_filter", AppId::A8, "Five virtual users narrow the list of events")
        .constant_vus(5, BASELINE, Duration::from_millis(500))
        .unscaled()
        .step(
            list("by_app", "app_id=A8&namespace=perf_test&limit=20")
                .expect_status(&[200])
                .expect_json_exists("/events"),
        )
        .step(
            list("by_trace", "trace_id={{trace_id}}")
                .expect_status(&[200])
                .expect_json("/events", json!([]))
                .expect_json("/next", json!(null)),
        )
        .step(list("unknown_event", "event=no_such_event").expect_status(&[422]).expect_json_exists("/title"))
        .threshold("http_req_duration", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// The overview without anything a reader may have kept; measured, and no verdict hangs on it.
fn overview_cold() -> Scenario {
    let step = Step::get("overview", &format!("{OVERVIEW}?namespace=perf_test")).route(&format!("GET {OVERVIEW}"));
    Scenario::new("a8_overview_cold", AppId::A8, "The executive overview, read in full")
        .constant_vus(1, PROFILING, Duration::from_millis(500))
        .step(step.expect_status(&[200]).expect_json("/namespace", "perf_test"))
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "known_issue")
        .tag("known_issue", "A8-PERF-001")
        .tag("gating", "false")
}

/// The overview for a reader that has it already; without the flag `a8_tile_cache` it is sent all the same.
fn overview_warm() -> Scenario {
    let step = Step::get("overview", &format!("{OVERVIEW}?namespace=perf_test")).route(&format!("GET {OVERVIEW}"));
    Scenario::new("a8_overview_warm", AppId::A8, "The executive overview, asked for again")
        .constant_vus(1, PROFILING, Duration::from_millis(500))
        .step(step.header("if-none-match", "*").expect_status(&[200, 304]))
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "known_issue")
        .tag("known_issue", "A8-PERF-001")
        .tag("gating", "false")
}
