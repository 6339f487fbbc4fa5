//! What a run does when A7 fails: back-off, the breaker, and the end of patience.

use std::collections::BTreeSet;

use common::ids::{AppId, TraceId};
use common::service::AppDef;
use common::testkit::Ecosystem;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::asking::{ask, ended};

fn apps() -> Vec<AppDef> {
    vec![a3_orchestration::reference::app(), a2_ingest::reference::app()]
}

async fn start(a7: &MockServer, apps: Vec<AppDef>) -> Ecosystem {
    Ecosystem::start_with(apps, |config| {
        config.upstreams.insert(AppId::A7, a7.uri().parse().unwrap());
        config.options.insert("breaker_open_ms".into(), "300".into());
    })
    .await
}

fn page() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({ "slug": "s", "url": "/p/s" }))
}

#[tokio::test]
async fn a_failing_build_is_tried_again_under_the_same_key_and_trace() {
    let a7 = MockServer::start().await;
    let build = || Mock::given(method("POST")).and(path("/api/pages"));
    build().respond_with(ResponseTemplate::new(503)).up_to_n_times(3).mount(&a7).await;
    build().respond_with(page()).mount(&a7).await;
    let eco = start(&a7, apps()).await;
    let trace = TraceId::fresh();
    let id = ask(&eco, trace).await;
    let run = ended(&eco, &id).await;
    assert_eq!((&run["state"], &run["page_url"]), (&json!("completed"), &json!("/p/s")));
    assert_eq!((&run["steps"][1]["name"], &run["steps"][1]["attempts"]), (&json!("build_page"), &json!(4)));
    let requests = a7.received_requests().await.unwrap();
    let header = |name: &str| -> BTreeSet<String> {
        requests.iter().map(|request| request.headers[name].to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(requests.len(), 4);
    assert_eq!(header("x-idempotency-key"), [format!("{id}:build_page")].into());
    assert_eq!(header("x-trace-id"), [trace.to_string()].into());
    eco.stop().await;
}

#[tokio::test]
async fn five_failures_open_the_breaker_and_a_recovered_a7_closes_it_again() {
    let a7 = MockServer::start().await;
    let build = || Mock::given(method("POST")).and(path("/api/pages"));
    build().respond_with(ResponseTemplate::new(503)).up_to_n_times(5).mount(&a7).await;
    build().respond_with(page()).mount(&a7).await;
    let eco =
        start(&a7, vec![a3_orchestration::reference::app(), a2_ingest::reference::app(), a8_command::reference::app()])
            .await;
    let trace = TraceId::fresh();
    let id = ask(&eco, trace).await;
    let run = ended(&eco, &id).await;
    assert_eq!(run["state"], "completed", "{run}");
    let breakers: Value = eco.client().get(AppId::A3, "/breakers").send().await.unwrap().json().unwrap();
    let own = breakers["breakers"].as_array().unwrap().iter().find(|one| one["name"] == "a7").unwrap();
    assert_eq!((&own["state"], own["transitions"].as_array().unwrap().len()), (&json!("closed"), 3));

    let look = || async {
        let lineage = eco.client().get(AppId::A8, &format!("/api/lineage/{trace}")).send().await?;
        let events = lineage.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
        let states: Vec<Value> = events
            .iter()
            .filter(|seen| seen["event"]["event"] == "breaker_transition")
            .map(|seen| seen["event"]["circuit_breaker_state"].clone())
            .collect();
        Ok((states.len() == 3).then_some(states))
    };
    let states = eco.context().eventually(look).await.unwrap().expect("A8 hears of three transitions");
    assert_eq!(states, ["open", "half_open", "closed"]);
    eco.stop().await;
}

#[tokio::test]
async fn a_build_that_a7_refuses_fails_the_run_at_once_with_its_reason() {
    let a7 = MockServer::start().await;
    let refusal = ResponseTemplate::new(422).set_body_json(json!({ "detail": "the title is not allowed" }));
    Mock::given(path("/api/pages")).respond_with(refusal).mount(&a7).await;
    let eco = start(&a7, apps()).await;
    let id = ask(&eco, TraceId::fresh()).await;
    let run = ended(&eco, &id).await;
    assert_eq!((&run["state"], &run["steps"][1]["attempts"]), (&json!("failed"), &json!(1)));
    assert!(run["error"].as_str().unwrap().contains("the title is not allowed"), "{run}");
    let breakers: Value = eco.client().get(AppId::A3, "/breakers").send().await.unwrap().json().unwrap();
    assert!(breakers["breakers"].as_array().unwrap().iter().all(|one| one["state"] == "closed"));
    eco.stop().await;
}

#[tokio::test]
async fn a_build_that_never_works_fails_the_run_when_its_time_is_over() {
    let a7 = MockServer::start().await;
    Mock::given(path("/api/pages")).respond_with(ResponseTemplate::new(500)).mount(&a7).await;
    let eco = Ecosystem::start_with(apps(), |config| {
        config.upstreams.insert(AppId::A7, a7.uri().parse().unwrap());
        config.options.insert("breaker_open_ms".into(), "100".into());
        config.options.insert("run_deadline_ms".into(), "1500".into());
    })
    .await;
    let id = ask(&eco, TraceId::fresh()).await;
    let run = ended(&eco, &id).await;
    let log = run["steps"][1]["attempt_log"].as_array().unwrap();
    assert_eq!((&run["state"], log.len()), (&json!("failed"), a7.received_requests().await.unwrap().len()));
    assert!(run["error"].as_str().unwrap().contains("longer than it may"), "{run}");
    assert!(log.len() > 2 && log.iter().all(|one| one["status"] == 500), "{run}");
    eco.stop().await;
}
