//! The suite on a healthy A3, or on the deployment that `HANDSHAKE_TARGET` names.

use common::testkit::Subject;

#[tokio::test]
async fn every_check_holds() {
    let subject = Subject::of(super::apps()).await;
    subject.assert_suite_holds(&a3_orchestration::suite()).await;
    subject.stop().await;
}

#[test]
fn the_scenarios_are_valid_and_as_committed() {
    let scenarios = a3_orchestration::suite().scenarios;
    for scenario in &scenarios {
        scenario.validate().unwrap_or_else(|error| panic!("{}: {error}", scenario.id));
    }
    insta::assert_yaml_snapshot!(scenarios);
}
