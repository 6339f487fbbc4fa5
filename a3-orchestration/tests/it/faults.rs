//! Each fault is noticed by the check that is named for it.

use common::testkit::try_fault;

/// Claims of the resiliency phase: what they say is tried in `resilience.rs` and `crash.rs`.
const UNDER_FAILURE: &str = "a3.resilience.";

#[tokio::test]
async fn every_fault_is_caught_by_its_check() {
    let suite = a3_orchestration::suite();
    for fault in suite.faults.iter().filter(|fault| !fault.caught_by.starts_with(UNDER_FAILURE)) {
        let report = try_fault(&suite, fault, super::apps()).await;
        assert_eq!(report.skipped, None, "{}: its check was skipped", fault.id);
        assert!(!report.holds(), "{}: {} did not notice", fault.id, fault.caught_by);
    }
}

#[test]
fn every_fault_names_a_check_or_a_claim_under_failure() {
    let suite = a3_orchestration::suite();
    let orphan = |fault: &&common::suite::Fault| {
        suite.check(&fault.caught_by).is_none() && !fault.caught_by.starts_with(UNDER_FAILURE)
    };
    let orphans: Vec<_> = suite.faults.iter().filter(orphan).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}
