//! Each seeded fault is caught by the check that claims to catch it, and that check holds without the fault.

use common::testkit::missed_faults;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check_and_nothing_else_trips_it() {
    let missed = missed_faults(&a8_command::suite(), || vec![a8_command::reference::app()]).await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
