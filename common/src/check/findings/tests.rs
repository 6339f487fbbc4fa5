use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::client::Client;
use crate::guard::Guard;
use crate::ids::AppId;
use crate::target::Environment;

const TOKEN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xyz.c2lnbmF0dXJl";

async fn answered(status: u16, body: serde_json::Value) -> Reply {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
    let environment = Environment::embedded(BTreeMap::from([(AppId::A1, server.address().port())]));
    let client = Client::new(Arc::new(Guard::new(environment))).unwrap();
    let body = json!({ "email": "test_student_e2e_01@example.test", "password": "a long password" });
    client.post(AppId::A1, "/oidc/token").json(&body).send().await.unwrap()
}

#[tokio::test]
async fn a_wrong_status_shows_the_answer_without_the_tokens_in_it() {
    let reply = answered(200, json!({ "access_token": "opaque", "note": TOKEN, "token_type": "Bearer" })).await;
    let mut findings = Findings::new();
    assert!(!findings.status("a code with another verifier", 400, &reply));
    let finding = &findings.into_vec()[0];
    assert_eq!(
        finding.seen,
        r#"200 {"access_token":"$ACCESS_TOKEN","note":"[a signed token]","token_type":"$TOKEN_TYPE"}"#
    );
    let capsule = finding.capsule.as_deref().unwrap();
    assert!(capsule.contains("[the address of a made-up person]") && !capsule.contains("a long password"), "{capsule}");
}

#[tokio::test]
async fn whatever_is_asserted_is_scrubbed_before_it_is_kept() {
    let reply = answered(200, json!({ "refresh_token": "opaque", "email": "test_student_e2e_02@example.test" })).await;
    let mut findings = Findings::new();
    findings.json_at("the mail", &reply, "/email", &json!("test_student_e2e_01@example.test"));
    findings.json_at("the token", &reply, "/refresh_token", &json!("another"));
    findings.equal(&format!("with the card {}", "4242424242424242"), TOKEN, "");
    findings.holds("hers", true, "test_student_e2e_01@example.test");
    let mut kept = findings.into_vec();
    assert_eq!(kept[0].seen, "\"[the address of a made-up person]\", another one");
    kept.push(Finding::broken("it goes on", "an answer", format!("no model: 200 {TOKEN}")));
    let text = serde_json::to_string(&kept).unwrap();
    assert_eq!(crate::redact::found(text.as_bytes()), Vec::<&str>::new(), "{text}");
    assert!(!text.contains("opaque") && text.contains("with the card [the number of a card]"), "{text}");
}
