//! What does not make sense is refused with a pointer to it, and starts nothing.

use common::ids::AppId;
use common::testkit::Ecosystem;
use serde_json::{Value, json};

#[tokio::test]
async fn a_senseless_run_is_refused_and_not_counted() {
    let eco = Ecosystem::start(vec![a3_orchestration::reference::app()]).await;
    let cases = [
        ("/title", json!({ "title": " ", "summary": "s" })),
        ("/title", json!({ "title": "t".repeat(121), "summary": "s" })),
        ("/summary", json!({ "title": "t", "summary": "" })),
        ("", json!({ "title": "t" })),
        ("", json!({ "title": "t", "summary": "s", "slug": "chosen" })),
    ];
    for (pointer, body) in cases {
        let reply = eco.client().post(AppId::A3, "/orchestration/run").json(&body).send().await.unwrap();
        assert_eq!((reply.status, reply.pointer("/pointer")), (422, Some(json!(pointer))), "{}", reply.text());
    }
    let progress: Value = eco.client().get(AppId::A3, "/orchestration/progress").send().await.unwrap().json().unwrap();
    assert_eq!(progress["total"], 0);
    eco.stop().await;
}

#[tokio::test]
async fn a_run_that_nobody_asked_for_is_not_found() {
    let eco = Ecosystem::start(vec![a3_orchestration::reference::app()]).await;
    let reply = eco.client().get(AppId::A3, "/orchestration/runs/nobody").send().await.unwrap();
    assert_eq!(reply.status, 404);
    eco.stop().await;
}
