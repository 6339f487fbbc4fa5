//! Each fault is noticed by the check that is named for it.

use common::testkit::try_fault;

#[tokio::test]
async fn every_fault_is_caught_by_its_check() {
    let suite = a3_orchestration::suite();
    for fault in &suite.faults {
        let report = try_fault(&suite, fault, super::apps()).await;
        assert_eq!(report.skipped, None, "{}: its check was skipped", fault.id);
        assert!(!report.holds(), "{}: {} did not notice", fault.id, fault.caught_by);
    }
}
