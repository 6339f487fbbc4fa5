//! What A6 does, in sentences.

use std::time::Duration;

use common::clock;
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::testkit::{Ecosystem, Subject};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn apps() -> Vec<common::service::AppDef> {
    vec![a6_provider::reference::app(), a8_command::reference::app()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(apps()).await;
    subject.assert_suite_holds(&a6_provider::suite()).await;
    subject.stop().await;
}

async fn provider(eco: &Ecosystem) -> String {
    let body = json!({ "name": "Aurora", "email": "test_provider_e2e_01@example.com" });
    let reply = eco.client().post(AppId::A6, "/register").json(&body).send().await.unwrap();
    reply.pointer("/provider_id").unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_goes_to_a2_with_trace_and_key_however_often_a2_fails() {
    let a2 = MockServer::start().await;
    let route = || Mock::given(method("POST")).and(path("/api/v1/events"));
    route().respond_with(ResponseTemplate::new(503)).up_to_n_times(2).mount(&a2).await;
    route().respond_with(ResponseTemplate::new(201)).mount(&a2).await;
    let base = a2.uri().parse::<url::Url>().unwrap();
    let eco = Ecosystem::start_with(vec![a6_provider::reference::app()], |config| {
        config.upstreams.insert(AppId::A2, base.clone());
    })
    .await;
    let trace = TraceId::fresh();
    let body = json!({ "provider_id": provider(&eco).await, "gross_minor": 50, "ai_cost_minor": 0 });
    let settled = eco.client().post(AppId::A6, "/api/billing/settle").trace(trace).json(&body).send().await.unwrap();
    let id = settled.pointer("/revenue_event_id").unwrap().as_str().unwrap().to_owned();
    let shown = format!("/api/settlements/{id}");
    let cx = eco.context();
    let delivered = cx.eventually(|| async {
        let reply = eco.client().get(AppId::A6, &shown).send().await?;
        Ok((reply.pointer("/sent_to_a2") == Some(json!("delivered"))).then_some(()))
    });
    assert!(delivered.await.unwrap().is_some(), "A2 never got the settlement");
    let sent = a2.received_requests().await.unwrap();
    assert_eq!(sent.len(), 3, "two failures and a success");
    for request in &sent {
        assert_eq!(request.headers[header::TRACE_ID], trace.to_string());
        assert_eq!(request.headers[header::IDEMPOTENCY_KEY], id);
        let event: Value = request.body_json().unwrap();
        assert_eq!(event["payload"]["bill"]["fee_minor"], 2, "1.5 cents round up");
    }
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_that_a2_refuses_is_kept_aside_and_not_sent_again() {
    let a2 = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(422)).expect(1).mount(&a2).await;
    let base = a2.uri().parse::<url::Url>().unwrap();
    let eco = Ecosystem::start_with(vec![a6_provider::reference::app()], |config| {
        config.upstreams.insert(AppId::A2, base.clone());
    })
    .await;
    let body = json!({ "provider_id": provider(&eco).await, "gross_minor": 50 });
    let settled = eco.client().post(AppId::A6, "/api/billing/settle").json(&body).send().await.unwrap();
    let shown = format!("/api/settlements/{}", settled.pointer("/revenue_event_id").unwrap().as_str().unwrap());
    let cx = eco.context();
    let refused = cx.eventually(|| async {
        let reply = eco.client().get(AppId::A6, &shown).send().await?;
        Ok((reply.pointer("/sent_to_a2") == Some(json!("refused"))).then_some(()))
    });
    assert!(refused.await.unwrap().is_some(), "the refusal was not noted");
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_registration_pays_for_a_cold_pool_and_the_next_does_not() {
    let eco = Ecosystem::start(vec![a6_provider::reference::app()]).await;
    let started = clock::monotonic();
    provider(&eco).await;
    let cold = started.elapsed();
    assert!(cold >= Duration::from_millis(120), "the cold pool cost {cold:?}");
    let started = clock::monotonic();
    provider(&eco).await;
    let warm = started.elapsed();
    assert!(warm < Duration::from_millis(120), "the open pool cost {warm:?}");
    eco.stop().await;
}
