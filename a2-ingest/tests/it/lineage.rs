//! Acknowledged writes under load, looked for in A2's lineage: all are there, unless A2 answers before it stores.

use std::time::Duration;

use common::ids::AppId;
use common::load::{self, LoadOptions, StepReport};
use common::reconcile::{LogComparison, compare_log};
use common::scenario::{BodyTemplate, Scenario};
use common::service::Defect;
use common::testkit::Ecosystem;

/// One of A2's own workloads at so many iterations a second.
fn workload(id: &str, rate: u32, seconds: u64) -> Scenario {
    let scenario = a2_ingest::suite().scenarios.into_iter().find(|scenario| scenario.id == id).unwrap();
    scenario.constant_arrival_rate(rate, Duration::from_secs(seconds), 40)
}

async fn loaded(eco: &Ecosystem, scenario: &Scenario) -> StepReport {
    let options = LoadOptions { keep_acknowledged: true, ..LoadOptions::default() };
    let report = load::run(scenario, &eco.guard(), options).await.unwrap();
    report.steps.into_iter().next().unwrap()
}

async fn in_lineage(eco: &Ecosystem, scenario: &Scenario, step: &StepReport) -> LogComparison {
    let Some(BodyTemplate::Json(body)) = &scenario.steps[0].request.body else { panic!("the step sends JSON") };
    compare_log(&eco.context(), a2_ingest::transaction_log(&step.route).unwrap(), step, body).await
}

#[tokio::test]
async fn every_acknowledged_event_and_every_item_of_a_batch_is_in_the_lineage() {
    let eco = Ecosystem::start(super::apps()).await;
    for (id, items) in [("a2_single", 1), ("a2_batch", 20)] {
        let scenario = workload(id, 100, 2);
        let step = loaded(&eco, &scenario).await;
        let log = in_lineage(&eco, &scenario, &step).await;
        assert!(log.writes > 3, "{log:?}");
        assert_eq!((log.records, log.found), (log.writes * items, log.writes * items), "{log:?}");
        assert_eq!((log.gap("A2"), log.disagreement("A2")), (None, None), "{log:?}");
    }
    eco.stop().await;
}

/// Every 50th is lost and one in ten is looked for: that none of a hundred is among them has a chance of 0.00003.
#[tokio::test]
async fn an_event_that_was_acknowledged_and_not_stored_is_lost_by_name() {
    let eco = Ecosystem::start_broken(super::apps(), AppId::A2, Defect::A2AckBeforeCommit).await;
    let scenario = workload("a2_single", 500, 10);
    let step = loaded(&eco, &scenario).await;
    let mut lost = 0;
    // At most 200 are looked for at a time.
    for part in step.acknowledged.chunks(1_250) {
        let part = StepReport { acknowledged: part.to_vec(), ..step.clone() };
        let log = in_lineage(&eco, &scenario, &part).await;
        lost += log.lost;
        if log.lost > 0 {
            let what = log.gap("A2 POST /api/v1/events").unwrap();
            assert!(what.starts_with("A2's lineage lacks ") && what.contains("e.g. trace "), "{what}");
            assert!(part.acknowledged.iter().any(|told| told.trace_id == log.examples[0].trace_id));
        }
        assert_eq!((log.altered, log.duplicated, log.unread), (0, 0, 0), "{log:?}");
    }
    assert!(lost > 0, "{} were acknowledged", step.ok);
    eco.stop().await;
}
