use super::*;
use crate::ids::AppId;
use crate::load::live::LiveStep;
use crate::scenario::{Aggregate, Step};

fn scenario() -> Scenario {
    Scenario::new("probe", AppId::A6, "A probe")
        .step(Step::get("fast", "/fast"))
        .step(Step::get("slow", "/slow"))
        .constant_arrival_rate(10, Duration::from_secs(10), 1)
}

fn step(name: &str, errors: u64, buckets: &[(u64, u64)]) -> LiveStep {
    let samples = buckets.iter().map(|bucket| bucket.1).sum();
    LiveStep {
        name: name.to_owned(),
        app: AppId::A6,
        sent: samples + errors,
        count: samples + errors,
        errors,
        samples,
        over: Vec::new(),
        infinite: 0,
        buckets: buckets.to_vec(),
        first_byte_buckets: buckets.iter().map(|(us, count)| (us / 2, *count)).collect(),
    }
}

fn window(elapsed_s: u64, steps: Vec<LiveStep>) -> LiveWindow {
    LiveWindow {
        elapsed_s,
        warm_up: false,
        stage: crate::scenario::StageTag::Steady,
        vus: 1,
        rps: 0,
        p95_ms: None,
        error_rate: None,
        waiting: 0,
        dropped: 3,
        total: 0,
        iterations: 10 * elapsed_s,
        lag_p99_ms: None,
        nearest_stop: None,
        steps,
    }
}

/// 95 answers at 10 ms and 5 at 100 ms of `fast`; 40 at 80 ms and 10 failures of `slow`.
fn second(elapsed_s: u64) -> LiveWindow {
    let fast = step("fast", 0, &[(10_000, 95), (100_000, 5)]);
    window(elapsed_s, vec![fast, step("slow", 10, &[(80_000, 40)])])
}

fn results(scenario: &Scenario, baseline: Baseline) -> Vec<ThresholdResult> {
    let mut thresholds = Thresholds::new(scenario, baseline, Duration::ZERO);
    thresholds.take(&second(1));
    thresholds.take(&second(2));
    let seen = thresholds.seen.clone();
    thresholds.results(&seen)
}

fn one(metric: &str, expression: &str) -> ThresholdResult {
    results(&scenario().threshold(metric, expression), Baseline::default()).remove(0)
}

#[test]
fn each_metric_and_aggregate_has_the_value_of_all_seconds_so_far() {
    for (metric, expression, value) in [
        ("http_req_duration{name:fast}", "p(95)<11", 10.0),
        ("http_req_duration{name:fast}", "p(95.1)<11", 100.0),
        ("http_req_duration{name:fast}", "avg<20", 14.5),
        ("http_req_duration", "max<=100", 100.0),
        ("http_req_duration", "min>9", 10.0),
        ("http_req_duration{name:slow}", "med<81", 80.0),
        ("http_req_waiting{name:slow}", "med<=41", 40.0),
        ("http_req_failed", "rate<0.07", 20.0 / 300.0),
        ("http_req_failed{name:slow}", "rate<=0.2", 0.2),
        ("http_reqs", "count>=300", 300.0),
        ("http_reqs{name:fast}", "rate>=100", 100.0),
        ("iterations", "count>19", 20.0),
        ("iterations", "rate>9", 10.0),
        ("dropped_iterations", "count<4", 3.0),
    ] {
        let result = one(metric, expression);
        let observed = result.observed.unwrap();
        assert!((observed - value).abs() <= value * 0.001, "{metric} {expression}: {observed}, expected {value}");
        assert_eq!(result.crossed, Some(metric.contains("fast") && expression.contains("95.1")), "{result:?}");
    }
}

#[test]
fn what_was_never_seen_is_not_evaluated_and_so_not_passed() {
    let nothing =
        Thresholds::new(&scenario().threshold("http_req_failed", "rate<0.5"), Baseline::default(), Duration::ZERO);
    let result = nothing.results(&Seen::default()).remove(0);
    assert_eq!((result.observed, result.crossed), (None, None));
    assert_eq!(
        result.sentence(),
        "threshold http_req_failed: rate<0.5 was not evaluated (not evaluated: nothing was seen)"
    );
}

#[test]
fn a_percentile_among_timeouts_is_infinite_and_crosses_every_limit() {
    let scenario = scenario().threshold("http_req_duration{name:slow}", "p(95)<1000000");
    let mut thresholds = Thresholds::new(&scenario, Baseline::default(), Duration::ZERO);
    let hanging = LiveStep { infinite: 10, ..step("slow", 10, &[(80_000, 40)]) };
    thresholds.take(&window(1, vec![step("fast", 0, &[]), hanging]));
    let seen = thresholds.seen.clone();
    let result = thresholds.results(&seen).remove(0);
    assert_eq!((result.observed, result.crossed), (None, Some(true)));
}

#[test]
fn a_relative_threshold_needs_a_baseline() {
    let scenario = scenario().threshold("http_req_duration{name:slow}", "p(95)<=+20%");
    let without = results(&scenario, Baseline::default()).remove(0);
    assert_eq!((without.crossed, without.note.as_deref()), (None, Some("not evaluated: no baseline")));
    for (before, crossed) in [(70.0, false), (60.0, true)] {
        let baseline = Baseline::default().with("http_req_duration{name:slow}", Aggregate::Percentile(95.0), before);
        let result = results(&scenario, baseline).remove(0);
        assert_eq!(result.crossed, Some(crossed), "{result:?}");
        assert!(result.note.unwrap().contains("so the limit is"));
    }
}

#[test]
fn only_an_acting_threshold_ends_a_load_and_not_before_its_delay() {
    let reported = scenario().threshold("http_req_failed", "rate<0.01");
    assert_eq!(Thresholds::new(&reported, Baseline::default(), Duration::ZERO).take(&second(9)), None);
    let acting = scenario().abort_on("http_req_failed", "rate<0.01", Duration::from_secs(3));
    let mut thresholds = Thresholds::new(&acting, Baseline::default(), Duration::ZERO);
    assert_eq!(thresholds.take(&second(1)), None);
    assert_eq!(thresholds.take(&second(2)), None);
    let ended = thresholds.take(&second(3)).unwrap();
    assert!(ended.aborted && ended.crossed == Some(true), "{ended:?}");
    assert_eq!(ended.sentence(), "threshold http_req_failed: rate<0.01 was crossed: 0.0667");
    // Better figures afterwards do not take it back.
    assert_eq!(thresholds.results(&Seen::default()), [ended]);
}

#[test]
fn nothing_of_the_warm_up_counts_and_the_delay_begins_at_its_end() {
    let acting = scenario().abort_on("http_req_failed", "rate<0.01", Duration::from_secs(1));
    let mut thresholds = Thresholds::new(&acting, Baseline::default(), Duration::from_millis(2_500));
    for elapsed_s in 1..=3 {
        assert_eq!(thresholds.take(&LiveWindow { warm_up: true, ..second(elapsed_s) }), None);
    }
    assert!(thresholds.take(&second(4)).is_some_and(|result| result.aborted));
}
