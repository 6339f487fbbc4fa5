//! Each seeded fault is caught by the check that claims to catch it, and that check passes without the fault.

use common::testkit::missed_faults;

use super::apps;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check_and_nothing_else_trips_it() {
    let missed = missed_faults(&a7_pagemaker::suite(), apps).await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
