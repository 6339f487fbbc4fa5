//! The contract as committed, and kept.

use common::check::conformance;
use common::testkit::Subject;

#[test]
fn the_contract_is_as_committed() {
    insta::assert_json_snapshot!(a2_ingest::contract());
}

#[tokio::test]
async fn every_route_answers_as_its_contract_says() {
    let subject = Subject::of(super::apps()).await;
    let findings = conformance(&subject.context(), &a2_ingest::contract()).await.unwrap().into_vec();
    let broken: Vec<_> = findings.iter().filter(|finding| !finding.holds).map(|finding| finding.line()).collect();
    assert!(findings.len() > 30, "only {} assertions", findings.len());
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    subject.stop().await;
}
