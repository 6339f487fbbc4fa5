//! A failed request can be sent again with the curl line of its capsule.

use std::process::Command;
use std::time::Duration;

use common::ids::AppId;
use common::load::{self, LoadOptions};
use common::service::Defect;
use common::testkit::Ecosystem;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_curl_line_of_a_failed_quote_gives_the_same_wrong_sums() {
    let apps = vec![a6_provider::reference::app()];
    let ecosystem = Ecosystem::start_broken(apps, AppId::A6, Defect::A6FeeTwoPointNine).await;
    let suite = a6_provider::suite();
    let billing = suite.scenario("a6_billing").unwrap().clone();
    let billing = billing.constant_vus(1, Duration::from_millis(100), Duration::from_millis(50));
    let report = load::run(&billing, &ecosystem.guard(), LoadOptions::default()).await.unwrap();
    let failed = &report.step("quote").unwrap().failed[0];
    let output = Command::new("sh").args(["-c", &failed.capsule.curl]).output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}: {}", failed.capsule.curl, String::from_utf8_lossy(&output.stderr));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {} ", failed.capsule.status.unwrap())), "{head}");
    assert!(head.contains(&failed.trace_id.to_string()), "under the same trace: {head}");
    let [body, before]: [Value; 2] = [body, &failed.capsule.body].map(|text| serde_json::from_str(text).unwrap());
    assert_eq!((&body["fee_minor"], &body), (&json!(2_900), &before));
}
