//! Each way in which the two sources can differ, alone.

mod tile;

use super::*;
use crate::clock;
use crate::load::TraceRecord;
use crate::telemetry::{EventName, Namespace, SCHEMA_VERSION, is_reported};

const ROUTE: &str = "POST /register";
const AT_MS: i64 = 1_795_255_200_000;

/// Traces whose successes are reported, or are not.
fn traces(sampled: bool) -> impl Iterator<Item = TraceId> {
    (1_u128..).map(TraceId::from_u128).filter(move |trace| is_reported(*trace, 201) == sampled)
}

fn sampled() -> TraceId {
    traces(true).next().unwrap()
}

/// A success that took the app 10 ms and the probe 12 ms.
fn record(trace_id: TraceId) -> TraceRecord {
    TraceRecord {
        trace_id,
        app: AppId::A6,
        route: ROUTE.into(),
        status: Some(201),
        ok: true,
        service_us: 12_000,
        app_us: Some(10_000),
        at_unix_ms: AT_MS,
    }
}

/// The report of the same request, received after 200 ms.
fn event(trace_id: TraceId) -> SeenEvent {
    let event = Event {
        schema_version: SCHEMA_VERSION,
        event_id: "e".into(),
        timestamp: clock::rfc3339(AT_MS),
        app_id: AppId::A6,
        env: "embedded".into(),
        namespace: Namespace::PerfTest,
        tenant_id: "t".into(),
        release: "r".into(),
        event: EventName::RequestCompleted,
        route: "/register".into(),
        method: "POST".into(),
        status: 201,
        p50_ms: Some(10.0),
        p95_ms: 10.0,
        error_rate_pct: None,
        uptime_sec: None,
        circuit_breaker_state: None,
        trace_id,
        idempotency_key: "k".into(),
        finance_metrics: None,
        revenue_event_id: None,
        business_metrics: None,
        bandit_metrics: None,
        test_run: true,
        source: None,
        stripe_mode: None,
        sample_rate: 0.1,
    };
    SeenEvent { seq: 1, received_at_ms: AT_MS + 200, event }
}

fn changed(trace: TraceId, change: impl FnOnce(&mut SeenEvent)) -> SeenEvent {
    let mut seen = event(trace);
    change(&mut seen);
    seen
}

/// The one route that is compared.
fn compared(records: &[TraceRecord], seen: &[SeenEvent]) -> Reconciliation {
    let routes = join(records, seen, Rules::default());
    assert_eq!(routes.len(), 1, "{routes:?}");
    routes.into_values().next().unwrap()
}

/// Expected, matched, lost, duplicated, late, disagreeing.
fn counts(entry: &Reconciliation) -> [u64; 6] {
    [entry.expected, entry.matched, entry.lost, entry.duplicated, entry.late, entry.disagreeing]
}

fn disagreement(entry: &Reconciliation) -> String {
    match entry.second_source() {
        SecondSource::Disagrees { what } => what,
        other => panic!("{other:?}"),
    }
}

fn gap(entry: &Reconciliation) -> String {
    match entry.second_source() {
        SecondSource::Gap { what } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_that_both_tell_alike_is_matched() {
    let entry = compared(&[record(sampled())], &[event(sampled())]);
    assert_eq!(counts(&entry), [1, 1, 0, 0, 0, 0]);
    let arrival = entry.arrival.as_ref().unwrap();
    assert_eq!((arrival.max_ms, arrival.count, entry.examples.len()), (Some(200), 1, 0));
    match entry.second_source() {
        SecondSource::Agrees(agreement) => assert_eq!(agreement.matched.get(), 1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_that_a8_does_not_know_is_lost_and_one_is_enough_for_a_gap() {
    let two: Vec<_> = traces(true).take(2).collect();
    let entry = compared(&[record(two[0]), record(two[1])], &[event(two[0])]);
    assert_eq!(counts(&entry), [2, 1, 1, 0, 0, 0]);
    assert_eq!(entry.examples[0].trace_id, two[1]);
    assert_eq!(gap(&entry), "A8 lacks 1 of 2 sampled requests of A6 POST /register and got 0 late");
}

#[test]
fn the_report_of_another_app_route_or_event_is_no_report_of_this_request() {
    let others = [
        changed(sampled(), |seen| seen.event.app_id = AppId::A2),
        changed(sampled(), |seen| seen.event.method = "GET".into()),
        changed(sampled(), |seen| seen.event.route = "/api/billing".into()),
        changed(sampled(), |seen| seen.event.event = EventName::ProviderRegistered),
    ];
    assert_eq!(counts(&compared(&[record(sampled())], &others)), [1, 0, 1, 0, 0, 0]);
}

#[test]
fn a_request_that_a8_has_twice_is_duplicated() {
    let entry = compared(&[record(sampled())], &[event(sampled()), event(sampled())]);
    assert_eq!(counts(&entry), [1, 1, 0, 1, 0, 0]);
    assert!(disagreement(&entry).contains("A8 has 1 of 1 sampled requests of A6 POST /register twice"));
}

#[test]
fn a_repeat_within_one_trace_is_expected_as_often_as_it_was_sent() {
    let sent = [record(sampled()), record(sampled())];
    assert_eq!(counts(&compared(&sent, &[event(sampled()), event(sampled())])), [2, 2, 0, 0, 0, 0]);
    assert_eq!(counts(&compared(&sent, &[event(sampled())])), [2, 1, 1, 0, 0, 0]);
}

#[test]
fn a_report_is_late_beyond_sixty_seconds_and_not_at_them() {
    let after =
        |ms: i64| compared(&[record(sampled())], &[changed(sampled(), |seen| seen.received_at_ms = AT_MS + ms)]);
    assert_eq!(counts(&after(60_000)), [1, 1, 0, 0, 0, 0]);
    let late = after(60_001);
    assert_eq!(counts(&late), [1, 0, 0, 0, 1, 0]);
    assert!(gap(&late).ends_with("got 1 late: 1 of 1 arrived after 60 s, so 2.5 % to 100.0 % of all do"));
}

#[test]
fn a_report_whose_time_cannot_be_read_is_late() {
    let garbled = changed(sampled(), |seen| seen.event.timestamp = "yesterday".into());
    assert_eq!(counts(&compared(&[record(sampled())], &[garbled])), [1, 0, 0, 0, 1, 0]);
}

#[test]
fn another_sample_rate_than_the_one_it_was_sampled_at_disagrees() {
    for lie in [1.0, 0.05, 0.11, f64::NAN] {
        let entry = compared(&[record(sampled())], &[changed(sampled(), |seen| seen.event.sample_rate = lie)]);
        assert_eq!(counts(&entry), [1, 0, 0, 0, 0, 1], "{lie}");
        assert!(disagreement(&entry).contains(&format!("sampled at {lie}, and such requests are sampled at 0.1")));
    }
}

#[test]
fn another_status_disagrees() {
    let entry = compared(&[record(sampled())], &[changed(sampled(), |seen| seen.event.status = 200)]);
    assert_eq!(counts(&entry), [1, 0, 0, 0, 0, 1]);
    assert!(disagreement(&entry).contains("the probe saw status 201, A8 has 200"));
}

#[test]
fn another_duration_than_the_app_told_the_probe_disagrees_beyond_rounding() {
    let with = |p95_ms: f64| compared(&[record(sampled())], &[changed(sampled(), |seen| seen.event.p95_ms = p95_ms)]);
    for agrees in [10.0, 10.009, 9.991] {
        assert_eq!(with(agrees).matched, 1, "{agrees}");
    }
    for differs in [10.02, 9.98, 5.0, 20.0, f64::NAN] {
        assert_eq!(counts(&with(differs)), [1, 0, 0, 0, 0, 1], "{differs}");
    }
}

#[test]
fn short_durations_may_differ_by_two_microseconds() {
    let sent = TraceRecord { app_us: Some(200), ..record(sampled()) };
    let with = |p95_ms: f64| {
        let seen = changed(sampled(), |seen| seen.event.p95_ms = p95_ms);
        compared(std::slice::from_ref(&sent), &[seen]).matched
    };
    assert_eq!((with(0.201), with(0.199), with(0.203), with(0.197)), (1, 1, 0, 0));
}

#[test]
fn an_app_that_tells_the_probe_nothing_cannot_have_taken_longer_than_the_probe_waited() {
    let sent = TraceRecord { app_us: None, ..record(sampled()) };
    let with = |p95_ms: f64| {
        let seen = changed(sampled(), |seen| seen.event.p95_ms = p95_ms);
        compared(std::slice::from_ref(&sent), &[seen])
    };
    assert_eq!(with(12.0).matched, 1);
    assert!(disagreement(&with(13.0)).contains("longer than the probe waited (12.000 ms)"));
}

#[test]
fn successes_outside_the_sample_and_requests_without_an_answer_are_not_expected() {
    let outside = traces(false).next().unwrap();
    let unanswered = TraceRecord { status: None, ok: false, ..record(sampled()) };
    assert!(join(&[record(outside), unanswered], &[], Rules::default()).is_empty());
}

#[test]
fn every_failure_is_expected_whatever_its_trace() {
    let outside = traces(false).next().unwrap();
    let failed = TraceRecord { status: Some(503), ok: false, ..record(outside) };
    assert_eq!(counts(&compared(std::slice::from_ref(&failed), &[])), [1, 0, 1, 0, 0, 0]);
    let reported = changed(outside, |seen| (seen.event.status, seen.event.sample_rate) = (503, 1.0));
    assert_eq!(counts(&compared(&[failed], &[reported])), [1, 1, 0, 0, 0, 0]);
}

#[test]
fn nothing_compared_is_absent_and_never_agreement() {
    let entry = Reconciliation { expected: 0, matched: 0, lost: 0, ..compared(&[record(sampled())], &[]) };
    match entry.second_source() {
        SecondSource::Absent { why } => assert!(why.contains("A6 POST /register"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gap_is_told_before_a_disagreement() {
    let two: Vec<_> = traces(true).take(2).collect();
    let seen = [changed(two[0], |seen| seen.event.status = 200)];
    let entry = compared(&[record(two[0]), record(two[1])], &seen);
    assert_eq!(counts(&entry), [2, 0, 1, 0, 0, 1]);
    gap(&entry);
}

/// Requests of one journey on one route: told apart by their durations only.
fn thrice(durations_us: [u64; 3]) -> Vec<TraceRecord> {
    durations_us.map(|app_us| TraceRecord { app_us: Some(app_us), ..record(sampled()) }).into()
}

fn reported(durations_ms: &[f64]) -> Vec<SeenEvent> {
    durations_ms.iter().map(|ms| changed(sampled(), |seen| seen.event.p95_ms = *ms)).collect()
}

#[test]
fn a_journey_may_ask_the_same_route_again_and_each_report_finds_its_request() {
    let entry = compared(&thrice([1_000, 1_002, 1_004]), &reported(&[1.002, 1.004, 1.0]));
    assert_eq!(counts(&entry), [3, 3, 0, 0, 0, 0], "{:?}", entry.examples);
}

#[test]
fn one_report_too_many_in_a_journey_is_still_a_duplicate() {
    let entry = compared(&thrice([1_000, 2_000, 3_000]), &reported(&[1.0, 2.0, 3.0, 3.0]));
    assert_eq!(counts(&entry), [3, 3, 0, 1, 0, 0]);
    let entry = compared(&thrice([1_000, 2_000, 3_000]), &reported(&[1.0, 2.0]));
    assert_eq!(counts(&entry), [3, 2, 1, 0, 0, 0]);
}

#[test]
fn an_answer_that_nobody_waited_for_is_no_duplicate() {
    let mut records = thrice([1_000, 2_000, 3_000]);
    records[2].status = None;
    let entry = compared(&records, &reported(&[1.0, 2.0, 3.0]));
    assert_eq!(counts(&entry), [2, 2, 0, 0, 0, 0]);
}

#[test]
fn steps_of_a_journey_on_other_routes_and_apps_are_joined_apart() {
    let second = TraceRecord { app: AppId::A2, route: "GET /x".into(), ..record(sampled()) };
    let told = changed(sampled(), |seen| {
        (seen.event.app_id, seen.event.method, seen.event.route) = (AppId::A2, "GET".into(), "/x".into());
    });
    let routes = join(&[record(sampled()), second], &[told, event(sampled())], Rules::default());
    assert_eq!(routes.values().map(|entry| entry.matched).collect::<Vec<_>>(), [1, 1]);
}
