//! What A1 does, in sentences.

use std::path::Path;

use common::contract::header;
use common::ids::AppId;
use common::service::{AppConfig, Bound, Running};
use common::testkit::{Ecosystem, Subject};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(vec![a1_auth::reference::app(), a8_command::reference::app()]).await;
    subject.assert_suite_holds(&a1_auth::suite()).await;
    subject.stop().await;
}

async fn start(data: &Path) -> Running {
    let config = AppConfig::embedded(AppId::A1, data.to_owned());
    let bound = Bound::new(AppId::A1, config.bind).await.unwrap();
    bound.serve(a1_auth::reference::app(), config).await.unwrap()
}

async fn kids(running: &Running) -> Vec<Value> {
    let url = format!("http://{}/oidc/jwks", running.address);
    let jwks: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signing_key_survives_a_restart_and_a_rotation_keeps_it_published() {
    let data = tempfile::tempdir().unwrap();
    let running = start(data.path()).await;
    let first = kids(&running).await;
    running.stop().await;
    let running = start(data.path()).await;
    assert_eq!(kids(&running).await, first, "the same key after a restart");
    let url = format!("http://{}/admin/keys/rotate", running.address);
    let rotate = reqwest::Client::new().post(url).header(header::ADMIN_KEY, "embedded-admin-key");
    let rotated: Value = rotate.send().await.unwrap().json().await.unwrap();
    let after = kids(&running).await;
    assert_eq!((&after[0], &after[2]), (&rotated["kid"], &first[0]));
    assert_eq!(after[0], first[1], "the key that signs now was published before");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_account_signs_in_by_its_user_name() {
    let eco = Ecosystem::start(vec![a1_auth::reference::app()]).await;
    let session = common::client::Session::new(eco.client());
    let page = session.get(AppId::A1, "/login").send().await.unwrap().text();
    let nonce = page.split("name=\"form_nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("form_nonce", nonce), ("username", "test_student_e2e_01"), ("password", "embedded-password-01")];
    let reply = session.post(AppId::A1, "/login").form(&fields).send().await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(session.cookie(AppId::A1, "/", "a1_session").is_some());
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_a_reason() {
    let eco = Ecosystem::start(vec![a1_auth::reference::app()]).await;
    let post = |path: &str| eco.client().post(AppId::A1, path);
    let token = || post("/oidc/token").native_errors();
    let reply = token().json(&json!({ "grant_type": "client_credentials" })).send().await.unwrap();
    assert_eq!((reply.status, reply.pointer("/error")), (415, Some(json!("invalid_request"))));
    let twice = "grant_type=client_credentials&grant_type=refresh_token&client_id=a2";
    let reply = token().body(twice, "application/x-www-form-urlencoded").send().await.unwrap();
    assert_eq!((reply.status, reply.pointer("/error")), (400, Some(json!("invalid_request"))));
    let reply = post("/login").form(&[("username", "ada")]).send().await.unwrap();
    assert_eq!(reply.status, 422, "a form without its nonce");
    assert!(eco.client().take_violations().is_empty());
    eco.stop().await;
}
