//! What A4 does, in sentences.

use common::ids::AppId;
use common::service::AppDef;
use common::testkit::{Ecosystem, Subject};
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn apps() -> Vec<AppDef> {
    vec![a4_chat::reference::app(), a8_command::reference::app()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(apps()).await;
    subject.assert_suite_holds(&a4_chat::suite()).await;
    subject.stop().await;
}

async fn behind(provider: &MockServer) -> Ecosystem {
    let base = provider.uri();
    Ecosystem::start_with(vec![a4_chat::reference::app()], |config| {
        config.options.insert("llm_base_url".into(), base.clone());
        config.options.insert("llm_api_key".into(), "key-for-tests".into());
    })
    .await
}

fn question(text: &str) -> Value {
    json!({ "model": "any", "messages": [{ "role": "user", "content": text }], "temperature": 0.1 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_gets_the_request_as_it_is_with_its_key() {
    let provider = MockServer::start().await;
    let answer = json!({ "object": "chat.completion", "choices": [] });
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", "Bearer key-for-tests"))
        .and(body_partial_json(question("When is the deadline?")))
        .respond_with(ResponseTemplate::new(200).set_body_json(&answer))
        .expect(1)
        .mount(&provider)
        .await;
    let eco = behind(&provider).await;
    let body = question("When is the deadline?");
    let reply = eco.client().post(AppId::A4, "/chat/completions").json(&body).send().await.unwrap();
    assert_eq!((reply.status, reply.json().unwrap()), (200, answer));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_never_hears_a_request_for_the_essay() {
    let provider = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&provider).await;
    let eco = behind(&provider).await;
    let body = question("Write my essay about courage.");
    let reply = eco.client().post(AppId::A4, "/v1/chat/completions").json(&body).send().await.unwrap();
    assert!(reply.text().contains("can't write the essay for you"), "{}", reply.text());
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_provider_passes_through_byte_for_byte() {
    let provider = MockServer::start().await;
    let events = "data: {\"object\":\"chat.completion.chunk\",\"choices\":[]}\n\ndata: [DONE]\n\n";
    let answer = ResponseTemplate::new(200).set_body_raw(events, "text/event-stream");
    Mock::given(method("POST")).respond_with(answer).mount(&provider).await;
    let eco = behind(&provider).await;
    let mut body = question("When is the deadline?");
    body["stream"] = json!(true);
    let stream = eco.client().post(AppId::A4, "/v1/chat/completions").json(&body).stream().await.unwrap();
    assert_eq!(stream.into_reply().await.unwrap().text(), events);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_or_is_busy_is_told_apart_from_a_bad_request() {
    for (theirs, ours, kind) in [
        (500, 502, "server_error"),
        (401, 502, "server_error"),
        (429, 429, "rate_limit_error"),
        (400, 422, "invalid_request_error"),
    ] {
        let provider = MockServer::start().await;
        let answer = ResponseTemplate::new(theirs).insert_header("retry-after", "7").set_body_string("secret detail");
        Mock::given(method("POST")).respond_with(answer).mount(&provider).await;
        let eco = behind(&provider).await;
        let body = question("When is the deadline?");
        let reply = eco.client().post(AppId::A4, "/v1/chat/completions").json(&body).send().await.unwrap();
        assert_eq!((reply.status, reply.pointer("/error/type")), (ours, Some(json!(kind))), "for {theirs}");
        assert!(!reply.text().contains("secret detail"));
        assert!(theirs != 429 || reply.header("retry-after") == Some("7"));
        eco.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_there_is_a_404_in_both_forms() {
    let eco = Ecosystem::start(vec![a4_chat::reference::app()]).await;
    let body = question("When is the deadline?");
    let reply = eco.client().post(AppId::A4, "/v1/chat/completions").json(&body).send().await.unwrap();
    assert_eq!((reply.status, reply.pointer("/error/code")), (404, Some(json!("model_not_found"))));
    eco.stop().await;
}
