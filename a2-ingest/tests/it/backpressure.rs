//! A full queue says so at once instead of letting requests pile up.

use common::ids::AppId;
use common::testkit::Ecosystem;
use serde_json::json;

#[tokio::test]
async fn a_write_beyond_the_bound_is_refused_until_one_before_it_is_done() {
    let eco = Ecosystem::start_with(vec![a2_ingest::reference::app()], |config| {
        config.options.insert("queue_bound".into(), "1".into());
    })
    .await;
    let post = || {
        let body = json!({ "event_type": "lead", "subject": "s", "payload": {} });
        eco.client().post(AppId::A2, "/api/v1/events").json(&body).send()
    };
    // While the test holds the only writer, the first request waits for it and the second finds the queue full.
    let writer = eco.app(AppId::A2).ctx.db.begin().await.unwrap();
    let (mut one, mut other) = (Box::pin(post()), Box::pin(post()));
    let (refused, waiting) = tokio::select! {
        reply = &mut one => (reply.unwrap(), other),
        reply = &mut other => (reply.unwrap(), one),
    };
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    drop(writer);
    assert_eq!(waiting.await.unwrap().status, 201);
    let after = eco.client().get(AppId::A2, "/health").send().await.unwrap();
    assert_eq!(after.status, 200);
    assert_eq!(post().await.unwrap().status, 201, "the place was given back");
    eco.stop().await;
}
