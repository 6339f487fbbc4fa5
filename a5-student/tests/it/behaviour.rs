//! What A5 does, in sentences.

use common::client::Session;
use common::ids::AppId;
use common::service::{AppDef, Defect};
use common::testkit::{Ecosystem, Subject};
use serde_json::json;

fn apps() -> Vec<AppDef> {
    vec![a1_auth::reference::app(), a5_student::reference::app()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(apps()).await;
    subject.assert_suite_holds(&a5_student::suite()).await;
    subject.stop().await;
}

/// Signs the test account in as far as A5's callback answers.
async fn sign_in(eco: &Ecosystem) -> (Session, common::client::Reply) {
    let session = Session::new(eco.client());
    let start = session.get(AppId::A5, "/login").send().await.unwrap();
    let form = session.follow(&start).unwrap().send().await.unwrap().text();
    let nonce = form.split("name=\"form_nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("form_nonce", nonce), ("username", "test_student_e2e_01"), ("password", "embedded-password-01")];
    let sent = session.post(AppId::A1, "/login").form(&fields).send().await.unwrap();
    let callback = session.follow(&sent).unwrap().native_errors().send().await.unwrap();
    (session, callback)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_test_account_reaches_its_dashboard() {
    let eco = Ecosystem::start(apps()).await;
    let (session, callback) = sign_in(&eco).await;
    assert_eq!((callback.status, callback.header("location")), (303, Some("/dashboard")));
    let me = session.get(AppId::A5, "/api/me").send().await.unwrap();
    assert_eq!(me.pointer("/name"), Some(json!("Test Student 01")));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_token_of_another_issuer_or_unknown_key_signs_nobody_in() {
    for defect in [Defect::A1IssuerMismatch, Defect::A1JwksWithoutKey] {
        let eco = Ecosystem::start_broken(apps(), AppId::A1, defect).await;
        let (session, callback) = sign_in(&eco).await;
        assert_eq!(callback.status, 502, "{defect:?}");
        assert_eq!(session.cookie(AppId::A5, "/", "a5_session"), None);
        eco.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a1_the_pages_stay_up_and_the_sign_up_says_so() {
    let eco = Ecosystem::start(vec![a5_student::reference::app()]).await;
    assert_eq!(eco.client().get(AppId::A5, "/").send().await.unwrap().status, 200);
    let reply = eco.client().get(AppId::A5, "/signup").native_errors().send().await.unwrap();
    assert_eq!(reply.status, 502);
    assert!(reply.text().contains("Signing in is not possible at the moment"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_plan_is_refused_before_anybody_signs_up() {
    let eco = Ecosystem::start(apps()).await;
    let reply = eco.client().get(AppId::A5, "/signup?plan=platinum").native_errors().send().await.unwrap();
    assert_eq!(reply.status, 404);
    eco.stop().await;
}
