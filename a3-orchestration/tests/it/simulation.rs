//! Hours of A3 among parties that fail, in seconds: nobody has to intervene, and nothing happens twice.

use std::collections::BTreeSet;

use a3_orchestration::simulation::{SimulationReport, run, run_with};
use common::service::Defect;
use common::settings::Settings;

/// The seed that is played unless `HANDSHAKE_SIMULATION_SEED` names another.
const SEED: u64 = 20_261_122;
/// More than the 200 minutes that A3 should go without a person.
const MINUTES: u32 = 205;

fn named(variable: &str) -> Option<u64> {
    Settings::process().parsed(variable, "a whole number").unwrap()
}

fn told(report: &SimulationReport) -> String {
    format!("seed {}; play it again with:\n{}\n{report:#?}", report.seed, report.replay)
}

#[tokio::test]
async fn two_hundred_minutes_of_faults_and_crashes_need_nobody_and_repeat_nothing() {
    let minutes = named("HANDSHAKE_SIMULATION_MINUTES").and_then(|minutes| u32::try_from(minutes).ok());
    let seed = named("HANDSHAKE_SIMULATION_SEED").unwrap_or(SEED);
    let report = run(seed, minutes.unwrap_or(MINUTES)).await.unwrap();
    assert!(report.holds() && report.simulated, "{}", told(&report));
    assert_eq!((report.interventions, report.duplicates, report.failed), (0, 0, 0), "{}", told(&report));
    if minutes.is_none() {
        assert!(report.runs > 150 && report.crashes > 10 && report.breaker_moves > 20, "{}", told(&report));
        let kinds = ["latency", "lost_answer", "reset", "status_503", "status_503_retry_after", "timeout"];
        assert!(report.faults.keys().eq(kinds), "{}", told(&report));
    }
}

#[tokio::test]
async fn a_seed_gives_one_story() {
    let (first, second) = (run(5, 15).await.unwrap(), run(5, 15).await.unwrap());
    assert_eq!(first, second);
    assert_ne!(first.calls, run(6, 10).await.unwrap().calls);
}

#[tokio::test]
async fn what_a3_gets_wrong_shows_in_the_story() {
    for (defect, sign) in [
        (Defect::A3DuplicateEffect, " 2 times"),
        (Defect::A3ForgetsRuns, " ended lost"),
        (Defect::A3BreakerSilent, "was not reported"),
        (Defect::IdempotencyOff, " runs"),
    ] {
        let report = run_with(8, 30, BTreeSet::from([defect])).await.unwrap();
        let found = report.problems.iter().any(|problem| problem.contains(sign));
        assert!(found && !report.holds(), "{defect:?} does not show: {}", told(&report));
    }
}
