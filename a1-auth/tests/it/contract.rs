//! What A1 promises and how it is loaded, as reviewers read it.

#[test]
fn the_contract_is_as_committed() {
    insta::assert_yaml_snapshot!(a1_auth::contract());
}

#[test]
fn the_workloads_are_as_committed_and_valid() {
    let scenarios = a1_auth::suite().scenarios;
    for scenario in &scenarios {
        assert_eq!(scenario.validate(), Ok(()), "{}", scenario.id);
    }
    insta::assert_yaml_snapshot!(scenarios);
}

#[test]
fn every_fault_names_a_check_of_the_suite() {
    let suite = a1_auth::suite();
    let orphans: Vec<_> = suite.faults.iter().filter(|fault| suite.check(&fault.caught_by).is_none()).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}
