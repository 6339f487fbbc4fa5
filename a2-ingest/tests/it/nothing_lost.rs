//! After a burst, each acknowledged event is found again; and an A2 that loses some is told so, event by event.

use std::time::Duration;

use a2_ingest::proof::{Proof, nothing_lost};
use common::ids::AppId;
use common::load::{self, LoadOptions};
use common::service::Defect;
use common::testkit::Ecosystem;

/// Two seconds at 100 events a second, and what became of them.
async fn after_a_burst(eco: &Ecosystem) -> Proof {
    let burst = a2_ingest::recorded().constant_arrival_rate(100, Duration::from_secs(2), 40);
    let options = LoadOptions { keep_acknowledged: true, ..LoadOptions::default() };
    let report = load::run(&burst, &eco.guard(), options).await.unwrap();
    nothing_lost(&eco.context(), &report.steps[0], report.started_at_unix_ms).await
}

#[tokio::test]
async fn every_event_of_a_burst_is_found_again_in_a2_and_in_a8() {
    let eco = Ecosystem::start(super::apps()).await;
    let proof = after_a_burst(&eco).await;
    let (verdict, line) = proof.judge();
    assert!(verdict.is_pass(), "{line}");
    assert_eq!((proof.acknowledged, proof.found, proof.in_a8), (200, 200, 200));
    eco.stop().await;
}

#[tokio::test]
async fn an_a2_that_loses_every_50th_event_without_a_word_fails_by_name() {
    let eco = Ecosystem::start_broken(super::apps(), AppId::A2, Defect::A2AckBeforeCommit).await;
    let report = {
        let burst = a2_ingest::recorded().constant_arrival_rate(100, Duration::from_secs(2), 40);
        let options = LoadOptions { keep_acknowledged: true, ..LoadOptions::default() };
        load::run(&burst, &eco.guard(), options).await.unwrap()
    };
    assert_eq!(report.steps[0].ok, 200, "the loss does not show in the answers");
    let mut context = eco.context();
    context.patience = Duration::from_secs(1);
    let proof = nothing_lost(&context, &report.steps[0], report.started_at_unix_ms).await;
    let (verdict, line) = proof.judge();
    assert!(verdict.is_fail(), "{line}");
    assert!(proof.lost >= 4, "{proof:?}");
    assert!(line.starts_with("A2 acknowledged 200 events"), "{line}");
    let lost = &proof.examples[0];
    let sent = report.steps[0].acknowledged.iter().find(|told| told.trace_id == lost.trace_id).unwrap();
    assert_eq!(lost.iteration, sent.iteration);
    assert!(line.contains(&lost.trace_id.to_string()), "{line}");
    eco.stop().await;
}

#[tokio::test]
async fn an_a2_that_tells_a8_nothing_does_not_pass_on_its_own_word() {
    let eco = Ecosystem::start_broken(super::apps(), AppId::A2, Defect::A2ForwardsNothing).await;
    let burst = a2_ingest::recorded().constant_arrival_rate(50, Duration::from_secs(1), 20);
    let options = LoadOptions { keep_acknowledged: true, ..LoadOptions::default() };
    let report = load::run(&burst, &eco.guard(), options).await.unwrap();
    let mut context = eco.context();
    context.patience = Duration::from_millis(500);
    let proof = nothing_lost(&context, &report.steps[0], report.started_at_unix_ms).await;
    let (verdict, line) = proof.judge();
    assert_eq!((proof.found, proof.missing_in_a8), (50, 50));
    assert_eq!(verdict.as_str(), "INCONCLUSIVE", "{line}");
    assert!(line.contains("A8 misses 50 of them"), "{line}");
    eco.stop().await;
}
