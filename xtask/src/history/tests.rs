use common::ids::AppId;
use common::ledger::{LEDGER_FILE, Ledger};
use common::slo::Stability;

use super::synthetic::{latencies, load, run, run_id};
use super::*;
use crate::record::Record;
use crate::run::RunStore;

fn conditions() -> Conditions {
    Conditions { target: "embedded".into(), profile: "quick".into(), command: "ecosystem".into(), defects: Vec::new() }
}

/// So many runs, newest first, each with one stable load.
fn runs(numbers: std::ops::Range<u32>) -> Vec<RunView> {
    numbers.rev().map(|number| run(number, vec![load(latencies(u64::from(number), 400, 80.0))])).collect()
}

fn smoke(requests: u64, errors: u64) -> RouteFigures {
    RouteFigures {
        phase: 1,
        scenario: "a6_smoke".into(),
        route: "GET /health".into(),
        requests,
        errors,
        ..load(latencies(1, 400, 2.0))
    }
}

#[test]
fn three_stable_runs_establish_how_dependent_samples_are_and_two_do_not() {
    let two = History::of(&conditions(), runs(0..2));
    assert_eq!((two.endpoints[0].runs, two.endpoints[0].tau_latency), (2, None));
    let mut views = runs(0..3);
    views[1].figures[0].tau = 7.5;
    views[2].figures[0].tau_errors = 3.0;
    let three = History::of(&conditions(), views);
    let endpoint = &three.endpoints[0];
    assert_eq!((endpoint.runs, endpoint.tau_latency, endpoint.tau_errors), (3, Some(7.5), Some(3.0)));
    assert_eq!(endpoint.run_ids, [run_id(2), run_id(1), run_id(0)]);
}

#[test]
fn what_differs_between_runs_is_taken_from_the_newest_ten() {
    let mut views = runs(0..12);
    for old in &mut views[10..] {
        old.figures[0] = load(latencies(9, 400, 8_000.0));
    }
    let history = History::of(&conditions(), views);
    let endpoint = &history.endpoints[0];
    assert_eq!((endpoint.p95_us.len(), endpoint.runs), (12, 12));
    let between = endpoint.between_runs().unwrap();
    assert_eq!(between.runs, 10);
    assert!(between.sd < 0.1, "the two slow runs are older: {between:?}");
}

#[test]
fn unstable_stopped_and_repeated_loads_count_for_nothing() {
    let mut views = runs(0..4);
    views[0].figures[0].window.as_mut().unwrap().stability = Stability::Undecided;
    views[1].figures[0].window = None;
    views[2].figures[0].attempt = 2;
    views[3].notes.push((2, Some(AppId::A6), "a6_register was stopped: too many errors".into()));
    let history = History::of(&conditions(), views);
    assert_eq!((history.runs.len(), history.endpoints.len()), (4, 0));
}

#[test]
fn runs_of_another_kind_and_runs_that_did_not_end_are_left_out() {
    let mut views = runs(0..4);
    views[0].started.as_mut().unwrap().profile = "full".into();
    views[1].started.as_mut().unwrap().command = "suite a6".into();
    views[2].finished = None;
    let history = History::of(&conditions(), views);
    assert_eq!(history.runs, [run_id(0)]);
    assert_eq!(history.skipped, [format!("run {} is left out: it did not end", run_id(1))]);
}

#[test]
fn another_digest_is_another_endpoint() {
    let mut views = runs(0..2);
    views[0].figures[0].scenario_digest = "other".into();
    let history = History::of(&conditions(), views);
    assert_eq!(history.endpoints.iter().map(|endpoint| endpoint.runs).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_route_that_a_workload_asks_twice_is_two_endpoints() {
    let twice = |number: u32| run(number, vec![load(latencies(1, 400, 80.0)), load(latencies(2, 400, 8.0))]);
    let history = History::of(&conditions(), [twice(2), twice(1)]);
    let seen: Vec<_> = history.endpoints.iter().map(|own| (own.key.route.as_str(), own.runs)).collect();
    assert_eq!(seen, [("POST /register", 2), ("POST /register #2", 2)]);
    assert!(history.endpoints[0].p95_us > history.endpoints[1].p95_us);
}

#[test]
fn uptime_adds_up_over_even_and_uneven_runs_and_health_routes_alone() {
    let mut uneven = run(2, vec![smoke(200, 3), smoke(100, 0), load(latencies(1, 400, 80.0))]);
    uneven.figures[0].window.as_mut().unwrap().stability = Stability::Unstable;
    uneven.figures[0].tau_errors = 2.5;
    let history = History::of(&conditions(), [uneven, run(1, vec![smoke(300, 1)])]);
    let expected = Uptime { app: AppId::A6, runs: 2, requests: 600, failures: 4, tau_errors: 2.5 };
    assert_eq!(history.uptime, [expected]);
}

#[test]
fn a_history_survives_its_journey_through_json() {
    let history = History::of(&conditions(), runs(0..3));
    let text = serde_json::to_string(&history).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
}

/// Writes a run as `ecosystem` does.
fn recorded(store: &RunStore, view: &RunView) {
    let started = view.started.clone().unwrap();
    let mut ledger = Ledger::create(&store.0, &started.run_id).unwrap();
    let (at, took_s, exit_code) = view.finished.clone().unwrap();
    let mut records = vec![Record::RunStarted(started)];
    records.extend(view.figures.iter().map(|figures| Record::Probed(Box::new(figures.clone()))));
    records.push(Record::RunFinished { at, took_s, exit_code });
    for record in records {
        ledger.append(record.kind(), &record).unwrap();
    }
}

#[test]
fn a_run_that_cannot_be_read_is_named_and_the_others_count() {
    let folder = tempfile::tempdir().unwrap();
    let store = RunStore(folder.path().to_owned());
    for view in runs(0..3) {
        recorded(&store, &view);
    }
    let damaged = store.folder(&run_id(1)).join(LEDGER_FILE);
    let text = std::fs::read_to_string(&damaged).unwrap().replace("\"quick\"", "\"quick\" ");
    std::fs::write(&damaged, text).unwrap();
    let history = read(&store, &conditions(), |_| true);
    assert_eq!(history.runs, [run_id(2), run_id(0)]);
    assert!(history.skipped[0].contains(run_id(1).as_str()), "{:?}", history.skipped);
    assert_eq!(read(&store, &conditions(), |run| *run < run_id(2)).runs, [run_id(0)]);
}

#[test]
fn a_store_that_is_not_there_has_no_history() {
    let history = read(&RunStore("/nowhere/at/all".into()), &conditions(), |_| true);
    assert!(history.runs.is_empty() && history.endpoints.is_empty() && history.skipped.is_empty());
}
