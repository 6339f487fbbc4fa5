//! Each fault is noticed by the check that is named for it, and that check holds without the fault.

use common::testkit::missed_faults;

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check_and_nothing_else_trips_it() {
    let missed = missed_faults(&a2_ingest::suite(), super::apps).await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
