//! What A7 does, in sentences.

use std::time::Duration;

use common::contract::header;
use common::ids::AppId;
use common::testkit::{Ecosystem, Subject};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::apps;

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(apps()).await;
    subject.assert_suite_holds(&a7_pagemaker::suite()).await;
    subject.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite_with_all_flags_on() {
    let eco = Ecosystem::start_with(apps(), |config| {
        if config.app == AppId::A7 {
            config.flags_on = ["a7_async_pipeline", "a7_sitemap_cache"].map(str::to_owned).into();
        }
    })
    .await;
    let subject = Subject::Embedded(Box::new(eco));
    subject.assert_suite_holds(&a7_pagemaker::suite()).await;
    subject.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_waits_for_the_provider_until_the_pipeline_is_asynchronous() {
    let mail = MockServer::start().await;
    let slow = ResponseTemplate::new(202).set_delay(Duration::from_millis(300));
    Mock::given(method("POST")).and(path("/messages")).respond_with(slow).mount(&mail).await;
    let base = mail.uri();
    let eco = Ecosystem::start_with(vec![a7_pagemaker::reference::app()], |config| {
        config.options.insert("email_base_url".into(), format!("{base}/"));
    })
    .await;
    let lead = json!({ "email": "test_student_e2e_01@example.com" });
    let send = || eco.client().post(AppId::A7, "/api/leads").json(&lead).send();
    let waited = send().await.unwrap();
    assert_eq!(waited.status, 201);
    assert!(waited.elapsed.as_ms() >= 300.0, "the answer came in {} ms", waited.elapsed.as_ms());
    let flag = eco.client().put(AppId::A7, "/flags/a7_async_pipeline").header(header::ADMIN_KEY, "embedded-admin-key");
    assert_eq!(flag.json(&json!({ "enabled": true })).send().await.unwrap().status, 200);
    let queued = send().await.unwrap();
    assert_eq!(queued.status, 202);
    assert!(queued.elapsed.as_ms() < 300.0, "the answer came in {} ms", queued.elapsed.as_ms());
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_lead_is_mailed_once_the_provider_recovers_under_one_key_each() {
    let mail = MockServer::start().await;
    let route = || Mock::given(method("POST")).and(path("/messages"));
    route().respond_with(ResponseTemplate::new(503)).up_to_n_times(4).mount(&mail).await;
    route().respond_with(ResponseTemplate::new(202)).mount(&mail).await;
    let base = mail.uri();
    let eco = Ecosystem::start_with(apps(), |config| {
        if config.app == AppId::A7 {
            config.options.insert("email_base_url".into(), format!("{base}/"));
            config.flags_on.insert("a7_async_pipeline".into());
        }
    })
    .await;
    let lead = json!({ "email": "test_student_e2e_01@example.com" });
    let reply = eco.client().post(AppId::A7, "/api/leads").json(&lead).send().await.unwrap();
    let id = reply.pointer("/lead_id").unwrap().as_str().unwrap().to_owned();
    let cx = eco.context();
    let shown = format!("/api/leads/{id}");
    let mailed = cx.eventually(|| async {
        let reply = eco.client().get(AppId::A7, &shown).send().await?;
        Ok((reply.pointer("/status") == Some(json!("mailed"))).then_some(()))
    });
    assert!(mailed.await.unwrap().is_some(), "the lead was never mailed");
    let sent = mail.received_requests().await.unwrap();
    assert_eq!(sent.len(), 5, "four failures and a success");
    assert!(sent.iter().all(|request| request.headers[header::IDEMPOTENCY_KEY] == id));
    let transitions = cx.eventually(|| async {
        let path = "/api/events?app_id=A7&event=breaker_transition";
        let reply = eco.client().get(AppId::A8, path).send().await?;
        let states: Vec<_> = reply.json()?["events"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|seen| seen["event"]["circuit_breaker_state"].clone())
            .collect();
        Ok(states.contains(&json!("closed")).then_some(states))
    });
    let states = transitions.await.unwrap().expect("the breaker closed again");
    assert_eq!(states, [json!("open"), json!("half_open"), json!("open"), json!("half_open"), json!("closed")]);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_of_a_missing_page_gets_a_page_and_a_program_a_problem() {
    let eco = Ecosystem::start(vec![a7_pagemaker::reference::app()]).await;
    let program = eco.client().get(AppId::A7, "/p/nowhere").send().await.unwrap();
    assert_eq!((program.status, program.header("content-type")), (404, Some("application/problem+json")));
    let visitor = eco.client().get(AppId::A7, "/p/nowhere").header("accept", "text/html").native_errors();
    let visitor = visitor.send().await.unwrap();
    assert_eq!(visitor.status, 404);
    assert!(visitor.text().contains("There is no such page"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_of_an_arm_takes_its_visit_along_to_the_student_app() {
    let eco = Ecosystem::start_with(vec![a7_pagemaker::reference::app()], |config| {
        config.options.insert("student_base_url".into(), "http://a5.test/".into());
    })
    .await;
    let body = json!({ "slug": "of-an-arm", "title": "t", "summary": "s", "variant": "apply_now" });
    assert_eq!(eco.client().post(AppId::A7, "/api/pages").json(&body).send().await.unwrap().status, 201);
    let page = eco.client().get(AppId::A7, "/p/of-an-arm").send().await.unwrap();
    let link = format!("href=\"http://a5.test/?visit={}&#38;from=of-an-arm\"", page.trace);
    assert!(page.text().contains(&link), "{}", page.text());
    let plain = eco.client().get(AppId::A7, "/p/stem-scholarships-ohio").send().await.unwrap();
    assert!(plain.text().contains("href=\"http://a5.test/?from=stem-scholarships-ohio\""), "{}", plain.text());
    eco.stop().await;
}
