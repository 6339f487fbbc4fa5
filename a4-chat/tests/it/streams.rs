//! The streamed workload against the app, whole and broken.

use std::time::Duration;

use common::ids::AppId;
use common::load::{self, ErrorKind, LoadOptions, StepReport, StreamFault};
use common::service::Defect;
use common::testkit::Ecosystem;

/// Runs the workload of the suite for a moment with three users.
async fn streamed(eco: Ecosystem) -> StepReport {
    let suite = a4_chat::suite();
    let scenario = suite.scenario("a4_chat_stream").expect("the suite has it").clone();
    let scenario = scenario.constant_vus(3, Duration::from_millis(200), Duration::from_millis(100));
    let report = load::run(&scenario, &eco.guard(), LoadOptions::default()).await.expect("the load runs");
    eco.stop().await;
    report.steps.into_iter().next().expect("the report of its one step")
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_the_app_are_whole_and_billed_as_counted() {
    let step = streamed(Ecosystem::start(vec![a4_chat::reference::app()]).await).await;
    let stream = step.stream.unwrap();
    assert_eq!((step.ok, stream.whole, step.errors.len()), (step.count, step.count, 0), "{:?}", step.failed);
    assert!(stream.tokens == stream.billed_tokens && stream.tokens > 3 * stream.whole, "{} tokens", stream.tokens);
    // The embedded model takes two milliseconds for a token, and never less.
    let pace = stream.tpot.summary().min_us.unwrap();
    assert!(pace > 1_500, "a token every {pace} µs");
    assert!(stream.logs.iter().all(|log| log.comments == 0 && log.usage.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_its_end_and_a_wrong_bill_fail_the_workload() {
    for (defect, kind, fault) in [
        (Defect::A4NoDone, ErrorKind::Protocol, StreamFault::Truncated),
        (Defect::A4UsageDoubled, ErrorKind::Expectation, StreamFault::UsageWrong),
    ] {
        let eco = Ecosystem::start_broken(vec![a4_chat::reference::app()], AppId::A4, defect).await;
        let step = streamed(eco).await;
        let stream = step.stream.unwrap();
        assert_eq!((step.ok, stream.good, step.errors.get(&kind)), (0, 0, Some(&step.count)), "{defect:?}");
        assert_eq!(stream.faults.get(&fault), Some(&step.count), "{defect:?}");
    }
}
