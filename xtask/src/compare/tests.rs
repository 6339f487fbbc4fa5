use common::ids::AppId;
use common::load::PackedSamples;
use common::slo::{Decision, Reason};
use common::verdict::{Outcome, exit_code};

use super::side::Obstacle;
use super::*;
use crate::history::synthetic::{latencies, load, run};
use crate::history::{Conditions, History};
use crate::record::{RouteFigures, RunView};

const AT: &str = "2026-11-21T10:15:00.000Z";

fn figures(seed: u64, median_ms: f64) -> RouteFigures {
    load(latencies(seed, 1_900, median_ms))
}

fn side(view: &RunView) -> Side {
    of_run("latest", view).unwrap()
}

/// What runs 100 to 107 of an unchanged app say.
fn history(runs: u32) -> History {
    let views: Vec<_> = (0..runs).rev().map(|n| run(100 + n, vec![figures(500 + u64::from(n), 80.0)])).collect();
    History::of(&Conditions::of(views[0].started.as_ref().unwrap()), views)
}

fn sequential(before: &RunView, after: &RunView, history: &History) -> Comparison {
    Comparison::of(&[side(before), side(after)], How::Sequential { history }, AT.into())
}

fn interleaved(before: RouteFigures, after: RouteFigures) -> Comparison {
    let sides = [side(&run(1, vec![before])), side(&run(2, vec![after]))];
    Comparison::of(&sides, How::Interleaved, AT.into())
}

fn decision(comparison: &Comparison) -> Decision {
    assert_eq!(comparison.endpoints.len(), 1);
    comparison.endpoints[0].decision
}

#[test]
fn a_run_compared_with_itself_passes_and_claims_no_regression() {
    let view = run(1, vec![figures(7, 80.0)]);
    let comparison = sequential(&view, &view, &history(8));
    assert_eq!(decision(&comparison), Decision::Pass);
    let gate = comparison.endpoints[0].gate().unwrap();
    assert_eq!(gate.regression.ratio.ratio, Some(1.0));
    assert_eq!(outcome(&comparison), Outcome::Ready);
}

#[test]
fn fifty_pairs_of_equal_runs_claim_no_regression() {
    let history = history(8);
    for pair in 0..50 {
        let (before, after) = (figures(1_000 + pair, 80.0), figures(2_000 + pair, 80.0));
        let turns = decision(&interleaved(before.clone(), after.clone()));
        assert_ne!(turns, Decision::Fail, "pair {pair} in turns");
        let apart = decision(&sequential(&run(1, vec![before]), &run(2, vec![after]), &history));
        assert!(apart != Decision::Fail && apart.reason() != Reason::Unconfirmed, "pair {pair}: {apart:?}");
    }
}

#[test]
fn half_as_slow_again_is_proven_in_turns_and_only_suspected_from_two_runs() {
    let (before, after) = (figures(1, 80.0), figures(2, 120.0));
    let turns = interleaved(before.clone(), after.clone());
    assert_eq!(decision(&turns), Decision::Fail);
    assert_eq!(exit_code(outcome(&turns), false), 99);
    let apart = sequential(&run(1, vec![before]), &run(2, vec![after]), &history(8));
    assert_eq!(decision(&apart), Decision::Undecided(Reason::Unconfirmed));
    assert!(apart.endpoints[0].is_slower());
    assert_eq!(exit_code(outcome(&apart), false), 0);
    assert_eq!(exit_code(outcome(&apart), true), 3);
}

#[test]
fn without_five_stable_runs_two_runs_decide_nothing() {
    for runs in [1, 4] {
        let comparison = sequential(&run(1, vec![figures(1, 80.0)]), &run(2, vec![figures(2, 80.0)]), &history(runs));
        assert_eq!(decision(&comparison), Decision::Undecided(Reason::NoBaseline), "{runs} runs");
    }
    let comparison = sequential(&run(1, vec![figures(1, 80.0)]), &run(2, vec![figures(2, 80.0)]), &history(5));
    assert_ne!(decision(&comparison).reason(), Reason::NoBaseline);
}

#[test]
fn another_workload_target_or_profile_is_said_and_never_decided() {
    let changed = RouteFigures { scenario_digest: "other".into(), ..figures(1, 80.0) };
    let comparison = interleaved(figures(1, 80.0), changed);
    assert_eq!(decision(&comparison), Decision::Undecided(Reason::Config));
    assert!(comparison.endpoints[0].why.as_ref().unwrap().contains("another digest"));
    for change in 0..3 {
        let mut after = run(2, vec![figures(1, 80.0)]);
        let started = after.started.as_mut().unwrap();
        let field = [&mut started.target, &mut started.profile, &mut started.command].into_iter().nth(change).unwrap();
        *field = "else".into();
        let comparison = sequential(&run(1, vec![figures(1, 80.0)]), &after, &history(8));
        assert_eq!(decision(&comparison), Decision::Undecided(Reason::Config), "change {change}");
        assert!(comparison.notes[0].contains("not measured alike"), "{:?}", comparison.notes);
        assert_eq!(outcome(&comparison), Outcome::NothingRan, "nothing is comparable");
    }
}

#[test]
fn what_one_side_lacks_is_listed_and_never_passes() {
    let other = RouteFigures { route: "GET /gone".into(), ..figures(3, 80.0) };
    let sides = [side(&run(1, vec![figures(1, 80.0), other.clone()])), side(&run(2, vec![figures(2, 80.0)]))];
    let gone = Comparison::of(&sides, How::Interleaved, AT.into());
    assert_eq!((gone.counts.pass, gone.counts.inconclusive), (1, 1));
    assert_eq!(gone.only(true), ["A6 GET /gone (a6_register)"]);
    assert_eq!(exit_code(outcome(&gone), true), 3);
    let [before, after] = sides;
    let new = Comparison::of(&[after, before], How::Interleaved, AT.into());
    assert_eq!(new.only(false), ["A6 GET /gone (a6_register)"]);
    assert!(render(&new, false).contains("only after: 1 endpoint\n  A6 GET /gone"), "{}", render(&new, false));
    let rows = String::from_utf8(csv(&new).unwrap()).unwrap();
    assert!(rows.contains("a6,a6_register.GET /gone,p95,0,1900,,"), "{rows}");
}

#[test]
fn an_empty_side_never_passes() {
    let empty = RouteFigures { samples: PackedSamples::default(), ..figures(1, 80.0) };
    for (before, after) in
        [(empty.clone(), figures(1, 80.0)), (figures(1, 80.0), empty.clone()), (empty.clone(), empty)]
    {
        assert_eq!(decision(&interleaved(before, after)), Decision::Undecided(Reason::TooFew));
    }
    let nothing = Comparison::of(&[side(&run(1, vec![])), side(&run(2, vec![]))], How::Interleaved, AT.into());
    assert_eq!(exit_code(outcome(&nothing), false), 4);
}

#[test]
fn what_speaks_against_a_side_keeps_it_from_deciding() {
    let fault = |change: fn(&mut RouteFigures)| {
        let mut after = figures(2, 40.0);
        change(&mut after);
        decision(&interleaved(figures(1, 80.0), after)).reason()
    };
    assert_eq!(fault(|_| ()), Reason::Ok);
    assert_eq!(fault(|after| after.generator.fault = Some("late".into())), Reason::HarnessFault);
    assert_eq!(fault(|after| after.executor = "constant-vus, 5 VUs, unpaced".into()), Reason::ClosedLoop);
    assert_eq!(fault(|after| after.window = None), Reason::UndecidedStability);
    assert_eq!(fault(|after| after.attempt = 2), Reason::TooFew, "a second measurement is none of the first");
}

#[test]
fn a_difference_that_the_generator_cannot_see_is_no_regression() {
    let mut after = figures(2, 120.0);
    after.generator.lag_p99_ms = 400.0;
    assert_eq!(decision(&interleaved(figures(1, 80.0), after)), Decision::Undecided(Reason::Resolution));
    assert_eq!(decision(&interleaved(figures(1, 0.4), figures(2, 0.6))), Decision::Undecided(Reason::Resolution));
}

#[test]
fn among_many_endpoints_a_narrow_failure_needs_to_be_seen_again() {
    let many = |n: u32, worst_ms: f64| {
        let loads = |seed: u64, worst: f64| {
            (0..n).map(move |at| RouteFigures {
                route: format!("GET /{at}"),
                ..figures(seed + u64::from(at), if at == 0 { worst } else { 80.0 })
            })
        };
        let sides = [side(&run(1, loads(1, 80.0).collect())), side(&run(2, loads(1_001, worst_ms).collect()))];
        Comparison::of(&sides, How::Interleaved, AT.into()).endpoints.remove(0).decision
    };
    let narrow = (0..60).map(|step| 96.0 + f64::from(step) * 0.5).find(|ms| many(1, *ms) == Decision::Fail).unwrap();
    assert_eq!(many(20, narrow), Decision::Undecided(Reason::Unconfirmed), "{narrow} ms");
    assert_eq!(many(20, 140.0), Decision::Fail);
}

#[test]
fn runs_that_broke_off_are_no_side() {
    let mut view = run(1, vec![figures(1, 80.0)]);
    view.finished = None;
    assert!(of_run("latest", &view).unwrap_err().contains("did not end"));
    view.started = None;
    assert!(of_run("latest", &view).is_err());
}

#[test]
fn a_change_of_level_across_runs_is_advice() {
    let level = |n: u32| if n < 8 { 80.0 } else { 120.0 };
    let views: Vec<_> = (0..14).rev().map(|n| run(100 + n, vec![figures(u64::from(n), level(n))])).collect();
    let history = History::of(&Conditions::of(views[0].started.as_ref().unwrap()), views);
    let view = run(200, vec![figures(7, 120.0)]);
    let comparison = sequential(&view, &view, &history);
    let points = comparison.endpoints[0].change_points.as_ref().unwrap();
    assert_eq!(points.iter().map(|point| point.index).collect::<Vec<_>>(), [8]);
    assert!(render(&comparison, false).contains("advice: the P95 of A6 POST /register (a6_register) changed by +"));
}

/// A failure, a pass that is slower, an undecided one, one of each side alone.
fn mixed() -> ([Side; 2], Comparison) {
    let named = |route: &str, seed: u64, ms: f64| RouteFigures { route: route.into(), ..figures(seed, ms) };
    let before = vec![named("POST /register", 1, 80.0), named("GET /a", 2, 80.0), named("GET /b", 3, 80.0)];
    let after = vec![named("POST /register", 11, 124.0), named("GET /a", 12, 88.0), named("GET /c", 14, 10.0)];
    let mut sides = [side(&run(1, before)), side(&run(2, after))];
    sides[0].endpoints.push(Measured {
        obstacle: Some(Obstacle::new(Reason::HarnessFault, "requests were sent late")),
        ..sides[0].endpoints[1].clone()
    });
    sides[0].endpoints[3].key.app = AppId::A7;
    sides[1].endpoints.push(Measured { key: sides[0].endpoints[3].key.clone(), ..sides[1].endpoints[1].clone() });
    let comparison = Comparison::of(&sides, How::Interleaved, AT.into()).with_evidence(&sides, 1);
    (sides, comparison)
}

#[test]
fn the_terminal_has_the_verdict_first_and_what_is_slower_next() {
    insta::assert_snapshot!(render(&mixed().1, false));
}

#[test]
fn the_table_has_its_columns_and_a_row_for_each_endpoint_and_quantile() {
    insta::assert_snapshot!(String::from_utf8(csv(&mixed().1).unwrap()).unwrap());
}

#[test]
fn the_files_hold_the_comparison_and_both_sides_histograms() {
    let (sides, comparison) = mixed();
    let files = artifacts(&comparison, &sides).unwrap();
    let names: Vec<_> =
        files.iter().map(|file| file.path.trim_start_matches("tests/perf/reports/comparison/")).collect();
    insta::assert_snapshot!(names.join("\n"));
    let json: serde_json::Value = serde_json::from_slice(&files[1].bytes).unwrap();
    let failed = json["endpoints"].as_array().unwrap().iter().find(|one| one["verdict"] == "FAIL").unwrap();
    assert_eq!((&failed["route"], &failed["evidence"]["bootstrap_p95"]["seed"]), (&"POST /register".into(), &1.into()));
    let log = String::from_utf8(files[2].bytes.clone()).unwrap();
    let intervals = log.lines().filter(|line| !line.starts_with('#')).count();
    assert!(log.starts_with("#[Histogram log format version 1.3]\n") && intervals == 1, "{log}");
}
