//! What A5 does, in sentences.

use common::ids::AppId;
use common::service::Defect;
use common::testkit::{Ecosystem, Subject};
use serde_json::json;

use crate::support::{apps, everybody, sign_in};

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(everybody()).await;
    subject.assert_suite_holds(&a5_student::suite()).await;
    subject.stop().await;
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
