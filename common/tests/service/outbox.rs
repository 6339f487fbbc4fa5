//! Reports that outlive the command center's absence and the app's own end.

use common::telemetry::EventName;
use serde_json::json;

use crate::kit::{Kit, Sink, config, eventually};

async fn until_sent(kit: &Kit) {
    eventually("the outbox is empty", || async { (kit.rows("outbox").await == 0).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_wait_on_disk_while_the_sink_is_down_and_arrive_once_when_it_is_back() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    sink.set_down(true);
    let first = Kit::start_mortal(sink.of(config(data.path()))).await;
    for key in ["k1", "k2", "k3"] {
        assert_eq!(first.keep(key, "x").await.status, 201, "a sink that is down is no reason to fail");
    }
    eventually("the sink is asked", || async { (sink.asked() > 0).then_some(()) }).await;
    assert!(first.rows("outbox").await >= 3);
    first.kill();

    let second = Kit::start(sink.of(config(data.path()))).await;
    let asked = sink.asked();
    eventually("the sink is asked after the crash", || async { (sink.asked() > asked).then_some(()) }).await;
    assert!(sink.taken(EventName::ProviderRegistered).is_empty() && second.rows("outbox").await >= 3);
    sink.set_down(false);
    until_sent(&second).await;
    let mut keys: Vec<_> = sink
        .taken(EventName::ProviderRegistered)
        .iter()
        .map(|event| event["idempotency_key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    assert_eq!(keys, ["k1", "k2", "k3"]);
    second.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_stopped_reports_what_it_still_has() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    let kit = Kit::start(sink.of(config(data.path()))).await;
    kit.keep("k1", "x").await;
    kit.running.stop().await;
    assert_eq!(sink.taken(EventName::ProviderRegistered).len(), 1);
    assert!(!sink.taken(EventName::RouteSnapshot).is_empty(), "the last figures of each route are reported too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_event_is_put_aside_with_the_reason_and_blocks_no_other() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::refusing(EventName::ProviderRegistered).await);
    sink.set_down(true);
    let kit = Kit::start(sink.of(config(data.path()))).await;
    kit.keep("k1", "x").await;
    kit.get("/nowhere").await;
    kit.keep("k2", "x").await;
    sink.set_down(false);
    until_sent(&kit).await;
    assert!(sink.taken(EventName::ProviderRegistered).is_empty());
    eventually("the others arrive", || async {
        let reported = sink.taken(EventName::RequestCompleted);
        reported.iter().any(|event| event["status"] == 404).then_some(())
    })
    .await;
    let aside = kit.running.ctx.db.query("SELECT body, reason FROM outbox_rejected", vec![]).await.unwrap();
    assert_eq!(aside.len(), 2);
    for row in aside {
        assert!(row.text("reason").unwrap().contains("is not wanted"));
        assert!(row.text("body").unwrap().contains("provider_registered"));
    }
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_names_no_event_loses_none() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    let whole = json!({ "type": "urn:handshake:problem:invalid", "status": 422, "detail": "a batch of another shape" });
    sink.answer_once(422, whole);
    let kit = Kit::start(sink.of(config(data.path()))).await;
    kit.keep("k1", "x").await;
    eventually("the event arrives", || async { sink.taken(EventName::ProviderRegistered).pop() }).await;
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_receipt_acknowledges_nothing() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    sink.answer_once(200, json!({ "status": "ok" }));
    let kit = Kit::start(sink.of(config(data.path()))).await;
    kit.keep("k1", "x").await;
    eventually("the event arrives", || async { sink.taken(EventName::ProviderRegistered).pop() }).await;
    kit.running.stop().await;
}
