//! Pages as reviewers read them.

use common::ids::{AppId, TraceId};
use serde_json::json;

use crate::behaviour::{START_MS, at_a_fixed_time, event, send, settlement};

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_of_a_small_day_is_as_committed() {
    let (eco, _) = at_a_fixed_time(&[]).await;
    let trace = TraceId::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    let mut slow = event("A6", "request_completed", trace, START_MS - 60_000);
    slow["p95_ms"] = json!(200.0);
    let mut failed = event("A3", "request_completed", trace, START_MS - 30_000);
    failed["status"] = json!(503);
    let fine = event("A7", "request_completed", trace, START_MS - 20_000);
    let lead = event("A7", "lead_captured", trace, START_MS - 10_000);
    let opened = event("A3", "incident_opened", trace, START_MS - 5_000);
    send(&eco, &[slow, failed, fine, lead, settlement(trace, START_MS - 1_000), opened]).await;
    let page = eco.client().get(AppId::A8, "/?namespace=perf_test").send().await.unwrap();
    insta::assert_snapshot!("dashboard", page.text());
    let page = eco.client().get(AppId::A8, &format!("/lineage?trace_id={trace}")).send().await.unwrap();
    insta::assert_snapshot!("lineage", page.text());
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_store_says_so_and_shows_no_figures() {
    let (eco, _) = at_a_fixed_time(&[]).await;
    let html = eco.client().get(AppId::A8, "/").send().await.unwrap().text();
    assert!(html.contains("No requests reported in the last 15 minutes"));
    assert_eq!(html.matches("Silent").count(), 8);
    assert!(html.contains("Nothing settled"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_sends_is_text_on_the_page_and_never_markup() {
    let (eco, _) = at_a_fixed_time(&[]).await;
    let trace = TraceId::fresh();
    let mut hostile = event("A7", "lead_captured", trace, START_MS);
    hostile["route"] = json!("<script>alert(1)</script>");
    send(&eco, &[hostile]).await;
    for path in ["/?namespace=perf_test".to_owned(), format!("/lineage?trace_id={trace}")] {
        let html = eco.client().get(AppId::A8, &path).send().await.unwrap().text();
        assert!(!html.contains("<script>alert"), "{path} lets markup through");
        assert!(html.contains("alert(1)"), "{path} does not show the route");
    }
    eco.stop().await;
}
