//! Which requests a rule disturbs, and what its actions add up to.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;

use crate::clock;
use crate::fault::active::{Active, Facts, belongs, is_its_turn};
use crate::fault::plan::{Ending, Plan, left_of_pause, lognormal};
use crate::fault::{Action, Answer, Cut, Match, Reset, Rule, Rules};
use crate::ids::TraceId;

/// True if a rule in force for `age` disturbs a request.
fn disturbs(rule: Rule, method: &str, path: &str, headers: &HeaderMap, age: Duration) -> bool {
    let since = clock::monotonic();
    let active = Active::new(Rules::of(vec![rule.does(Action::status(500))]).unwrap(), since);
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    !active.hits(Facts::new(&method, path, headers), since + age).is_empty()
}

#[test]
fn method_path_and_headers_must_all_fit() {
    let rule = || Rule::new("r").on("POST", "/api/*/stage").header("X-App-Id", "A*");
    let mut headers = HeaderMap::new();
    assert!(!disturbs(rule(), "POST", "/api/1/stage", &headers, Duration::ZERO));
    headers.insert("x-app-id", HeaderValue::from_static("A6"));
    assert!(disturbs(rule(), "POST", "/api/1/stage", &headers, Duration::ZERO));
    assert!(!disturbs(rule(), "GET", "/api/1/stage", &headers, Duration::ZERO));
    assert!(!disturbs(rule(), "POST", "/api/1/stages", &headers, Duration::ZERO));
    assert!(disturbs(Rule::new("r"), "PATCH", "/any", &headers, Duration::ZERO));
}

#[test]
fn a_window_opens_and_closes() {
    let at =
        |ms| disturbs(Rule::new("r").between_ms(100, 200), "GET", "/", &HeaderMap::new(), Duration::from_millis(ms));
    assert_eq!([0, 99, 100, 199, 200].map(at), [false, false, true, true, false]);
}

#[test]
fn a_pause_is_waited_out() {
    let left = |ms| left_of_pause(1_000, 200, Duration::from_millis(ms)).as_millis();
    assert_eq!([0, 50, 200, 999, 1_000, 2_150].map(left), [200, 150, 0, 0, 200, 50]);
}

#[test]
fn a_lognormal_wait_has_the_percentiles_asked_for() {
    let mut waits: Vec<_> = (0..10_000).map(|seed| lognormal(100.0, 300.0, seed).as_secs_f64() * 1_000.0).collect();
    waits.sort_by(f64::total_cmp);
    assert!((95.0..105.0).contains(&waits[5_000]), "{}", waits[5_000]);
    assert!((280.0..320.0).contains(&waits[9_500]), "{}", waits[9_500]);
    assert_eq!(lognormal(5.0, 5.0, 1), Duration::from_millis(5));
}

#[test]
fn the_first_ending_and_the_first_cut_count_and_waits_add_up() {
    let rules = vec![
        Rule::new("one").does(Action::delay_ms(5)).does(Action::Truncate(Cut { after_bytes: 9, clean: true })),
        Rule::new("two").does(Action::delay_ms(7)).does(Action::status(503)),
        Rule::new("three").does(Action::Reset(Reset::default())).does(Action::Reset(Reset { after_bytes: Some(1) })),
    ];
    let since = clock::monotonic();
    let active = Active::new(Rules::of(rules).unwrap(), since);
    let headers = HeaderMap::new();
    let hits = active.hits(Facts::new(&Method::GET, "/", &headers), since);
    let plan = Plan::of(&hits, Duration::ZERO);
    assert_eq!(plan.wait, Duration::from_millis(12));
    assert_eq!(plan.ending, Some(Ending::Answered(&Answer::of(503))));
    assert_eq!(plan.shape.cut, Some((Cut { after_bytes: 9, clean: true }, false)));
    assert_eq!(plan.sure, [0, 1, 2]);
}

proptest! {
    #[test]
    fn the_turns_are_those_that_are_counted_by_hand(skip in 0_u64..6, every in 1_u64..5, first in prop::option::of(1_u64..5)) {
        let matches = Match { skip: Some(skip), every: Some(every), first, ..Match::default() };
        let turns: Vec<u64> = (1..60).filter(|nth| is_its_turn(&matches, *nth)).collect();
        let most = usize::try_from(first.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let by_hand: Vec<u64> = (1..).map(|k| skip + k * every).take_while(|nth| *nth < 60).take(most).collect();
        prop_assert_eq!(turns, by_hand);
    }

    #[test]
    fn a_trace_of_a_share_belongs_to_every_larger_one(id: u128, share in 0.0_f64..1.0, more in 0.0_f64..1.0) {
        let trace = TraceId::from_u128(id);
        prop_assert!(belongs(trace, 1.0) && !belongs(trace, 0.0));
        prop_assert!(!belongs(trace, share) || belongs(trace, share.max(more)));
    }

    #[test]
    fn a_pause_never_waits_longer_than_it_lasts(every in 2_u64..10_000, part in 1_u64..100, age in 0_u64..1_000_000) {
        let lasts = (every * part / 100).max(1);
        let left = left_of_pause(every, lasts, Duration::from_millis(age));
        prop_assert!(left <= Duration::from_millis(lasts));
        prop_assert_eq!(left_of_pause(every, lasts, Duration::from_millis(age) + left), Duration::ZERO);
    }
}

#[test]
fn a_share_takes_its_part_of_consecutive_ids() {
    let taken = (1..=100_000_u128).filter(|id| belongs(TraceId::from_u128(*id), 0.3)).count();
    assert!((29_400..30_600).contains(&taken), "{taken} of 100000");
}
