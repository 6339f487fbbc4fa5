//! Loads that end before their time, because of what was seen.

use super::server::Server;
use super::*;
use crate::slo::{StopCondition, StopRules};

const HOUR: Duration = Duration::from_secs(3_600);

fn hour_at(path: &str, rate: u32) -> Scenario {
    scenario(Step::get("target", path)).constant_arrival_rate(rate, HOUR, 20)
}

fn aborted_by(report: &LoadReport) -> &StopReason {
    assert_eq!(report.end, End::Aborted);
    report.stopped_by.as_ref().unwrap()
}

#[tokio::test]
async fn a_crossed_threshold_ends_the_load_keeps_its_data_and_is_named() {
    let server = Server::start().await;
    let failing = hour_at("/fails-from/150", 100).threshold("http_reqs", "count>10").abort_on(
        "http_req_failed",
        "rate<0.01",
        Duration::ZERO,
    );
    let began = clock::monotonic();
    let report = run(&failing, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert!(clock::monotonic() - began < Duration::from_secs(20));
    let StopReason::Threshold(threshold) = aborted_by(&report) else { panic!("{:?}", report.stopped_by) };
    assert_eq!((threshold.metric.as_str(), threshold.crossed), ("http_req_failed", Some(true)));
    let step = &report.steps[0];
    assert_eq!(step.count, server.requests());
    assert!(step.ok == 150 && step.error_count() > 0, "{} of {}", step.ok, step.count);
    assert_eq!(report.thresholds.iter().filter(|result| result.aborted).count(), 1);
    let held = report.thresholds.iter().find(|result| result.metric == "http_reqs").unwrap();
    assert_eq!((held.crossed, held.observed), (Some(false), Some(step.count as f64)));
}

#[tokio::test]
async fn requests_under_way_do_not_hold_up_an_abort() {
    let server = Server::start().await;
    let hanging = Scenario::new("two", AppId::A6, "One fails, one hangs")
        .step(Step::get("broken", "/broken"))
        .step(Step::get("hangs", "/slow/60000"))
        .constant_arrival_rate(20, HOUR, 60)
        .abort_on("http_req_failed{name:broken}", "rate<0.01", Duration::ZERO);
    let options = LoadOptions { request_timeout: HOUR, ..LoadOptions::default() };
    let began = clock::monotonic();
    let report = run(&hanging, &guard(server.port), options).await.unwrap();
    assert!(clock::monotonic() - began < Duration::from_secs(20));
    assert!(aborted_by(&report).sentence().contains("http_req_failed{name:broken}"));
    assert!(report.step("broken").unwrap().count > 0);
}

#[tokio::test]
async fn a_threshold_waits_until_its_delay_is_over() {
    let server = Server::start().await;
    let failing = hour_at("/broken", 50).abort_on("http_req_failed", "rate<0.01", Duration::from_secs(2));
    let report = run(&failing, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert!(matches!(aborted_by(&report), StopReason::Threshold(_)));
    assert!(report.iterations.started >= 99, "{:?}", report.iterations);
}

#[tokio::test]
async fn proven_errors_end_a_load_and_the_report_says_which_condition() {
    let server = Server::start().await;
    // Lengths of a two-hundredth: five minutes are two seconds.
    let stops = StopOptions { rules: StopRules::scaled(200.0), ..StopOptions::default() };
    let options = LoadOptions { stops: Some(stops), ..LoadOptions::default() };
    let report = run(&hour_at("/broken", 50), &guard(server.port), options).await.unwrap();
    let StopReason::Condition(stop) = aborted_by(&report) else { panic!("{:?}", report.stopped_by) };
    assert_eq!((stop.condition, stop.app), (StopCondition::ErrorsProven, Some(AppId::A6)));
    assert_eq!((stop.step.as_deref(), stop.figures.k), (Some("target"), stop.figures.n));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<LoadReport>(&json).unwrap().stopped_by, report.stopped_by);
}

#[tokio::test]
async fn slow_answers_end_a_load_where_the_options_say_so() {
    let server = Server::start().await;
    let rules = StopRules::scaled(200.0);
    let slow = BTreeMap::from([(AppId::A6, crate::units::Micros::from_ms(120))]);
    let stops = StopOptions { rules, slow, ..StopOptions::default() };
    let options = LoadOptions { stops: Some(stops), ..LoadOptions::default() };
    let report = run(&hour_at("/slow/130", 40), &guard(server.port), options).await.unwrap();
    let StopReason::Condition(stop) = aborted_by(&report) else { panic!("{:?}", report.stopped_by) };
    assert_eq!(stop.condition, StopCondition::SlowProven, "{}", stop.sentence);
}

#[tokio::test]
async fn a_sound_load_is_not_ended_and_its_thresholds_are_reported() {
    let server = Server::start().await;
    let stops = StopOptions { rules: StopRules::scaled(200.0), ..StopOptions::default() };
    let sound = scenario(Step::get("ok", "/ok"))
        .constant_arrival_rate(50, Duration::from_millis(3_200), 5)
        .abort_on("http_req_failed", "rate<0.01", Duration::ZERO)
        .threshold("http_req_duration", "p(95)<=+20%")
        .threshold("http_req_waiting{name:ok}", "p(50)<5000");
    let options = LoadOptions { stops: Some(stops.clone()), ..LoadOptions::default() };
    let first = run(&sound, &guard(server.port), options).await.unwrap();
    assert_eq!((first.end, &first.stopped_by), (End::Completed, &None));
    let by_metric = |report: &LoadReport, metric: &str| {
        report.thresholds.iter().find(|result| result.metric == metric).unwrap().clone()
    };
    assert_eq!(by_metric(&first, "http_req_failed").crossed, Some(false));
    assert_eq!(by_metric(&first, "http_req_waiting{name:ok}").crossed, Some(false));
    let relative = by_metric(&first, "http_req_duration");
    assert_eq!((relative.crossed, relative.note.as_deref()), (None, Some("not evaluated: no baseline")));
    let options = LoadOptions { baseline: Baseline::of(&sound, &first), stops: Some(stops), ..LoadOptions::default() };
    let second = run(&sound, &guard(server.port), options).await.unwrap();
    assert!(by_metric(&second, "http_req_duration").crossed.is_some());
}

#[tokio::test]
async fn a_slow_limit_that_nobody_counts_is_refused() {
    let slow = BTreeMap::from([(AppId::A6, crate::units::Micros::from_ms(77))]);
    let stops = StopOptions { slow, ..StopOptions::default() };
    let options = LoadOptions { stops: Some(stops), ..LoadOptions::default() };
    let error = run(&hour_at("/ok", 1), &guard(1), options).await.unwrap_err();
    assert!(error.to_string().contains("answers above 77 ms"), "{error}");
}
