//! Each seeded fault is caught by the check that claims to catch it.

use common::testkit::try_fault;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check() {
    let suite = a1_auth::suite();
    let mut missed = Vec::new();
    for fault in &suite.faults {
        let apps = vec![a1_auth::reference::app(), a8_command::reference::app()];
        let report = try_fault(&suite, fault, apps).await;
        if report.skipped.is_some() || report.broken_lines().is_empty() {
            missed.push(format!("{} ({}) was not caught by {}", fault.id, fault.breaks, fault.caught_by));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
