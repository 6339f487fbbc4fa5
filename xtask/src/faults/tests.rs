use std::collections::BTreeSet;

use common::ids::AppId;

use super::*;
use crate::faults::catalogue::By;

fn args() -> FaultsArgs {
    FaultsArgs {
        catalog: None,
        at: None,
        only: Vec::new(),
        sample: None,
        seed: 1,
        healthy: 0,
        keep: false,
        output: ".".into(),
    }
}

fn matrix() -> Matrix {
    let outcome = |id: &str, seen: Seen, shown: &str, after: Option<f64>| Outcome {
        id: id.into(),
        breaks: "charges 2.9 % | instead of 3 %".into(),
        place: "in A6".into(),
        caught_by: "a6.quote_golden".into(),
        blames: AppId::A6,
        seen,
        alone: false,
        shown_by: shown.into(),
        detected_after_s: after,
    };
    let shown = "the fee on 1,000.00 USD: expected 3000, saw 2900 (trace 4bf92f3577b34da6a3ce929d0e0e4736)";
    let control = Control {
        of: "checks".into(),
        checks: 40,
        assertions: 900,
        skipped: vec!["a5.micro_checkout: no payment page".into()],
        false_alarms: vec!["a8.dashboard: expected 200, saw 500".into()],
        took_s: 31.0,
    };
    Matrix {
        outcomes: vec![
            outcome("a6.fee_2_9", Seen::Caught, shown, Some(0.31)),
            outcome("a6.blamed", Seen::WronglyBlamed { app: AppId::A2 }, shown, Some(1.0)),
            outcome("a6.missed", Seen::Missed, "", None),
            outcome("a6.untried", Seen::NotTried { why: "the target has no A8".into() }, "", None),
        ],
        controls: vec![control],
        took_s: 301.0,
    }
}

#[test]
fn the_matrix_says_first_what_was_caught_and_then_what_is_to_be_mended() {
    let (document, figures) = documents(&matrix());
    insta::assert_snapshot!(format!("{document}\n=== terminal ===\n{}", summary(&matrix())));
    assert_eq!(serde_json::from_slice::<Matrix>(&figures).unwrap(), matrix());
    assert!(!matrix().is_clean());
}

#[test]
fn every_app_has_at_least_eight_faults_and_ten_are_seen_across_apps() {
    let all = all();
    for app in AppId::ALL {
        let own =
            all.iter().filter(|case| case.by == By::Check && case.fault.caught_by.starts_with(app.lower())).count();
        assert!(own >= 8, "{app} has {own}");
    }
    let across =
        all.iter().filter(|case| matches!(&case.by, By::Run { command } if command.starts_with("suite b2"))).count();
    assert!(across >= 10, "{across} across apps");
}

#[test]
fn every_fault_has_an_id_of_its_own_and_a_check_that_there_is() {
    let all = all();
    let ids: BTreeSet<_> = all.iter().map(|case| case.fault.id.as_str()).collect();
    assert_eq!(ids.len(), all.len(), "an id is used twice");
    let unknown: Vec<_> = all
        .iter()
        .filter(|case| case.by == By::Check && trial::named(&case.fault.caught_by).is_none())
        .map(|case| format!("{}: {}", case.fault.id, case.fault.caught_by))
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn a_sample_is_the_same_for_the_same_seed_and_keeps_the_order() {
    let draw = |seed| {
        let cases = catalogue::chosen(&FaultsArgs { sample: Some(9), seed, ..args() }).unwrap();
        cases.into_iter().map(|case| case.fault.id).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let all: Vec<_> = all().into_iter().map(|case| case.fault.id).collect();
    let places: Vec<_> = draw(1).iter().map(|id| all.iter().position(|other| other == id)).collect();
    assert!(places.is_sorted() && places.len() == 9, "{places:?}");
}

#[test]
fn a_fault_that_is_none_is_refused_with_those_there_are() {
    let error = catalogue::chosen(&FaultsArgs { only: vec!["a6.sings".into()], ..args() }).unwrap_err();
    assert!(error.contains("a6.sings") && error.contains("a6.fee_2_9"), "{error}");
    assert!(catalogue::chosen(&FaultsArgs { only: vec!["a6".into()], ..args() }).unwrap().len() >= 8);
}
