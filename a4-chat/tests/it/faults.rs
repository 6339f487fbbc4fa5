//! Each seeded fault is caught by the check that claims to catch it, and that check passes without the fault.

use std::collections::BTreeSet;

use common::service::AppDef;
use common::testkit::{Ecosystem, try_fault};

fn apps() -> Vec<AppDef> {
    vec![a4_chat::reference::app(), a8_command::reference::app()]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check_and_nothing_else_trips_it() {
    let suite = a4_chat::suite();
    let mut findings = Vec::new();
    let healthy = Ecosystem::start(apps()).await;
    for id in suite.faults.iter().map(|fault| &fault.caught_by).collect::<BTreeSet<_>>() {
        let report = healthy.check(suite.check(id).unwrap()).await;
        if !report.holds() {
            findings.push(format!("{id} does not hold without a fault: {:?}", report.broken_lines()));
        }
    }
    healthy.stop().await;
    for fault in &suite.faults {
        let report = try_fault(&suite, fault, apps()).await;
        if report.broken_lines().is_empty() {
            findings.push(format!("{} ({}) was not caught by {}", fault.id, fault.breaks, fault.caught_by));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}
