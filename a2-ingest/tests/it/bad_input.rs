//! What does not make sense is refused with a pointer to it, and leaves nothing behind.

use common::ids::{AppId, TraceId};
use common::testkit::Ecosystem;
use serde_json::{Value, json};

fn event() -> Value {
    json!({ "event_type": "lead", "subject": "s", "payload": {} })
}

#[tokio::test]
async fn a_senseless_field_is_named_and_nothing_is_stored() {
    let eco = Ecosystem::start(vec![a2_ingest::reference::app()]).await;
    let cases = [
        ("/event_type", json!("")),
        ("/event_type", json!("Lead Captured")),
        ("/event_type", json!("x".repeat(65))),
        ("/subject", json!("")),
        ("/subject", json!("s".repeat(201))),
        ("/payload", json!({ "blob": "x".repeat(64 << 10) })),
        ("/occurred_at", json!("yesterday")),
        ("/occurred_at", json!("2026-01-15T12:00:00")),
    ];
    for (pointer, value) in cases {
        let mut body = event();
        body[&pointer[1..]] = value;
        let trace = TraceId::fresh();
        let reply = eco.client().post(AppId::A2, "/api/v1/events").trace(trace).json(&body).send().await.unwrap();
        assert_eq!((reply.status, reply.pointer("/pointer")), (422, Some(json!(pointer))), "{}", reply.text());
        let lineage = eco.client().get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await.unwrap();
        assert_eq!(lineage.status, 404, "{pointer}: something was stored");
    }
    eco.stop().await;
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_refused() {
    let eco = Ecosystem::start(vec![a2_ingest::reference::app()]).await;
    for (member, value) in [("payload", json!([1])), ("payload", json!("text")), ("subject", json!(7))] {
        let mut body = event();
        body[member] = value;
        let reply = eco.client().post(AppId::A2, "/api/v1/events").json(&body).send().await.unwrap();
        assert_eq!(reply.status, 422, "{member}: {}", reply.text());
    }
    eco.stop().await;
}

#[tokio::test]
async fn a_batch_has_one_to_a_thousand_items() {
    let eco = Ecosystem::start(vec![a2_ingest::reference::app()]).await;
    for (items, status) in [(0, 422), (1, 200), (1_000, 200), (1_001, 422)] {
        let batch = vec![event(); items];
        let reply = eco.client().post(AppId::A2, "/api/v1/events/batch").json(&batch).send().await.unwrap();
        assert_eq!(reply.status, status, "{items} items: {}", reply.text());
    }
    eco.stop().await;
}

#[tokio::test]
async fn items_that_are_no_events_are_each_told() {
    let eco = Ecosystem::start(vec![a2_ingest::reference::app()]).await;
    let mut strange = event();
    strange["surprise"] = json!(1);
    let batch = json!([7, null, strange, event()]);
    let reply = eco.client().post(AppId::A2, "/api/v1/events/batch").json(&batch).send().await.unwrap();
    let statuses: Vec<_> = (0..4).map(|index| reply.pointer(&format!("/results/{index}/status"))).collect();
    assert_eq!(reply.status, 207);
    assert_eq!(statuses, [422, 422, 422, 201].map(|status| Some(json!(status))));
    eco.stop().await;
}

#[tokio::test]
async fn a_cursor_that_nobody_gave_out_and_a_trace_that_is_none_are_refused() {
    let eco = Ecosystem::start(vec![a2_ingest::reference::app()]).await;
    for path in ["/api/v1/scholarships?cursor=sch_9999", "/api/v1/scholarships?limit=101", "/api/v1/lineage/xyz"] {
        let reply = eco.client().get(AppId::A2, path).send().await.unwrap();
        assert_eq!(reply.status, 422, "{path}: {}", reply.text());
    }
    eco.stop().await;
}
