//! What A3 does while a party answers 503, judged by the functions that judge a deployment, and its defects found so.

use std::time::Duration;

use common::ids::{AppId, TraceId};
use common::reconcile::{BreakerComparison, BreakerMove, BreakerRules, SeenEvent, compare_breaker, reported_moves};
use common::service::Defect;
use common::slo::{BackoffFindings, BackoffRule, Decision, FailedAttempt};
use common::testkit::Ecosystem;
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::asking::{ask, ended};

/// What A3's contract says of its pauses.
const RULE: BackoffRule = BackoffRule { base_ms: 100, cap_ms: 5_000 };

/// An A7 that fails so many times, and then works.
async fn failing(times: u64, failure: ResponseTemplate) -> MockServer {
    let a7 = MockServer::start().await;
    if times > 0 {
        Mock::given(path("/api/pages")).respond_with(failure).up_to_n_times(times).mount(&a7).await;
    }
    let page = ResponseTemplate::new(201).set_body_json(json!({ "slug": "s", "url": "/p/s" }));
    Mock::given(path("/api/pages")).respond_with(page).mount(&a7).await;
    a7
}

async fn start(a7: &MockServer, defect: Option<Defect>, open_ms: &str) -> Ecosystem {
    let apps = vec![a3_orchestration::reference::app(), a2_ingest::reference::app(), a8_command::reference::app()];
    Ecosystem::start_with(apps, |config| {
        if config.app == AppId::A3 {
            config.upstreams.insert(AppId::A7, a7.uri().parse().unwrap());
            config.options.insert("breaker_open_ms".into(), open_ms.into());
            config.defects.extend(defect);
        }
    })
    .await
}

/// The failed attempts at building a page, as a run lists them.
fn failed(run: &Value) -> Vec<FailedAttempt> {
    let log = run["steps"][1]["attempt_log"].as_array().unwrap().clone();
    let read = |index: usize| {
        let one = &log[index];
        Some(FailedAttempt {
            number: u32::try_from(one["attempt"].as_i64()?).ok()?,
            ended_ms: one["ended_ms"].as_i64()?,
            pause_ms: one["pause_ms"].as_u64()?,
            retry_after_ms: one["retry_after_ms"].as_u64(),
            next_ms: log.get(index + 1).and_then(|next| next["at_ms"].as_i64()),
        })
    };
    (0..log.len()).filter(|index| log[*index]["outcome"] == "failed").map(|index| read(index).unwrap()).collect()
}

/// How A3 backs off: eight runs meet an A7 that fails 40 times.
async fn backs_off(defect: Option<Defect>, failure: ResponseTemplate, times: u64) -> BackoffFindings {
    let a7 = failing(times, failure).await;
    // So short a pause makes nearly every attempt a trial, which the retry budget does not limit.
    let eco = start(&a7, defect, "1").await;
    let mut runs = Vec::new();
    for _ in 0..8 {
        runs.push(ask(&eco, TraceId::fresh()).await);
    }
    let mut attempts = Vec::new();
    for id in &runs {
        attempts.extend(failed(&ended(&eco, id).await));
    }
    eco.stop().await;
    BackoffFindings::of(RULE, &attempts)
}

#[tokio::test]
async fn pauses_have_full_jitter_and_are_kept() {
    let findings = backs_off(None, ResponseTemplate::new(503), 40).await;
    assert_eq!((findings.pauses, findings.decision()), (40, Decision::Pass), "{findings:?}");
}

#[tokio::test]
async fn a3_that_retries_at_once_or_without_jitter_is_found() {
    for defect in [Defect::A3RetriesAtOnce, Defect::A3RetriesWithoutJitter] {
        let findings = backs_off(Some(defect), ResponseTemplate::new(503), 24).await;
        assert_eq!(findings.decision(), Decision::Fail, "{defect:?}: {findings:?}");
    }
}

#[tokio::test]
async fn retry_after_is_heard_unless_a_defect_makes_a3_deaf() {
    let later = || ResponseTemplate::new(503).insert_header("retry-after", "1");
    let findings = backs_off(None, later(), 3).await;
    assert_eq!((findings.asked, findings.unheard, findings.over_bound), (3, 0, 0), "{findings:?}");
    let findings = backs_off(Some(Defect::A3IgnoresRetryAfter), later(), 3).await;
    assert_eq!((findings.asked, findings.unheard), (3, 3), "{findings:?}");
}

/// What both sources tell of the breaker before A7, which fails six times: its trial once, too.
async fn breaker_of_a7(defect: Option<Defect>) -> BreakerComparison {
    let a7 = failing(6, ResponseTemplate::new(503)).await;
    let eco = start(&a7, defect, "300").await;
    let trace = TraceId::fresh();
    let run = ended(&eco, &ask(&eco, trace).await).await;
    assert_eq!(run["state"], "completed", "{run}");
    let shown: Value = eco.client().get(AppId::A3, "/breakers").send().await.unwrap().json().unwrap();
    let own = shown["breakers"].as_array().unwrap().iter().find(|one| one["name"] == "a7").unwrap().clone();
    let listed: Vec<BreakerMove> = own["transitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let state = |name: &str| serde_json::from_value(one[name].clone()).unwrap();
            BreakerMove { from: state("from"), to: state("to"), at_ms: one["at_ms"].as_i64().unwrap() }
        })
        .collect();
    // Written with the last of the run, after every change of the breaker.
    let done = eco.context().event_in_a8(trace, common::telemetry::EventName::OrchestrationCycleComplete).await;
    assert!(done.unwrap().is_some());
    let lineage = eco.client().get(AppId::A8, &format!("/api/lineage/{trace}")).send().await.unwrap();
    let seen: Vec<SeenEvent> = serde_json::from_value(lineage.pointer("/events").unwrap()).unwrap();
    eco.stop().await;
    let rules = BreakerRules { tolerance_ms: 1_000, open_for_ms: 300, kept: 20 };
    compare_breaker(&listed, &reported_moves(AppId::A3, "a7", &seen), rules)
}

#[tokio::test]
async fn both_sources_tell_one_story_of_a_breaker() {
    let compared = breaker_of_a7(None).await;
    assert!(compared.agrees(), "{compared:?}");
    assert_eq!((compared.matched, compared.recoveries_ms.len()), (5, 1), "{compared:?}");
    assert!(compared.recoveries_ms[0] >= 600, "two pauses: {compared:?}");
}

#[tokio::test]
async fn a_breaker_that_never_opens_or_keeps_silent_is_found() {
    let never = breaker_of_a7(Some(Defect::A3BreakerNeverOpens)).await;
    assert!(!never.agrees() && never.listed == 0, "{never:?}");
    let silent = breaker_of_a7(Some(Defect::A3BreakerSilent)).await;
    assert!(!silent.agrees() && silent.unreported == 5, "{silent:?}");
}

#[tokio::test]
async fn a_party_that_a_run_can_do_without_is_tried_again_and_then_dropped_with_a_reason() {
    let (a7, a4) = (failing(0, ResponseTemplate::new(503)).await, MockServer::start().await);
    Mock::given(path("/documents/analyze")).respond_with(ResponseTemplate::new(503)).mount(&a4).await;
    let eco = Ecosystem::start_with(vec![a3_orchestration::reference::app(), a2_ingest::reference::app()], |config| {
        config.upstreams.insert(AppId::A7, a7.uri().parse().unwrap());
        config.upstreams.insert(AppId::A4, a4.uri().parse().unwrap());
        config.options.insert("breaker_open_ms".into(), "50".into());
        config.options.insert("run_deadline_ms".into(), "1500".into());
    })
    .await;
    let id = ask(&eco, TraceId::fresh()).await;
    assert_eq!(ended(&eco, &id).await["state"], "completed");
    let of_a4 = |run: &Value| run["side_jobs"].as_array()?.iter().find(|job| job["party"] == "a4").cloned();
    let look = || async {
        let run = eco.client().get(AppId::A3, &format!("/orchestration/runs/{id}")).send().await?.json()?;
        Ok(of_a4(&run).filter(|job| job["state"] != "pending"))
    };
    let job = eco.context().eventually(look).await.unwrap().expect("the job ends");
    assert_eq!(job["state"], "dropped", "{job}");
    assert!(job["detail"].as_str().unwrap().contains("in time"), "{job}");
    assert!(a4.received_requests().await.unwrap().len() > 2, "it was tried again");
    eco.stop().await;
}

#[tokio::test]
async fn messages_reach_the_stand_ins_once_and_a_token_comes_from_a1() {
    let a7 = failing(0, ResponseTemplate::new(503)).await;
    let apps = vec![a3_orchestration::reference::app(), a2_ingest::reference::app(), a1_auth::reference::app()];
    let eco = Ecosystem::start_with(apps, |config| {
        if config.app == AppId::A3 {
            config.upstreams.insert(AppId::A7, a7.uri().parse().unwrap());
        }
    })
    .await;
    let id = ask(&eco, TraceId::fresh()).await;
    let look = || async {
        let run = eco.client().get(AppId::A3, &format!("/orchestration/runs/{id}")).send().await?.json()?;
        let jobs = run["side_jobs"].as_array().cloned().unwrap_or_default();
        Ok((jobs.len() == 4 && jobs.iter().all(|job| job["state"] != "pending")).then_some(jobs))
    };
    let jobs = eco.context().eventually(look).await.unwrap().expect("the jobs end");
    let state = |party: &str| jobs.iter().find(|job| job["party"] == party).unwrap()["state"].clone();
    assert_eq!(
        ["email", "auto_com_center", "s2s_auth", "a4"].map(state),
        ["done", "done", "done", "dropped"],
        "{jobs:?}"
    );
    let db = &eco.app(AppId::A3).ctx.db;
    let kept = db.query("SELECT party FROM standin_messages ORDER BY party", vec![]).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|row| row.text("party").unwrap()).collect();
    assert_eq!(kept, ["auto_com_center", "email"]);
    let builds = a7.received_requests().await.unwrap();
    assert_eq!(builds.len(), 1);
    eco.stop().await;
}

#[tokio::test]
async fn a_build_that_fails_in_the_end_costs_its_arm_and_one_of_a_test_does_not() {
    let a7 = MockServer::start().await;
    let refusal = ResponseTemplate::new(422).set_body_json(json!({ "detail": "no" }));
    Mock::given(path("/api/pages")).respond_with(refusal).mount(&a7).await;
    let eco = start(&a7, None, "300").await;
    let failures = || async {
        let bandit: Value = eco.client().get(AppId::A3, "/bandit").send().await.unwrap().json().unwrap();
        bandit["arms"].as_array().unwrap().iter().map(|arm| arm["failures"].as_i64().unwrap()).sum::<i64>()
    };
    let id = ask(&eco, TraceId::fresh()).await;
    assert_eq!(ended(&eco, &id).await["state"], "failed");
    assert_eq!(failures().await, 0, "a test teaches nothing");
    let app = eco.app(AppId::A3);
    let request = app.ctx.upstream.client().post(format!("http://{}/orchestration/run", app.address));
    let request = request.header("x-idempotency-key", "live").header("x-trace-id", TraceId::fresh().to_string());
    let reply = request.timeout(Duration::from_secs(5)).json(&json!({ "title": "t", "summary": "s" })).send().await;
    let id = reply.unwrap().json::<Value>().await.unwrap()["run_id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&eco, &id).await["state"], "failed");
    assert_eq!(failures().await, 1);
    eco.stop().await;
}
