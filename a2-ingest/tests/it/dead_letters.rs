//! What A8 refuses is kept with the reason, and is sent again when asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::ids::AppId;
use common::testkit::Ecosystem;
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// An A8 that refuses leads until told to take them, and counts those it took.
async fn choosy_a8(takes_leads: Arc<AtomicBool>, taken: Arc<AtomicUsize>) -> MockServer {
    let server = MockServer::start().await;
    let answer = move |request: &Request| {
        let body: Value = request.body_json().unwrap();
        let leads: Vec<usize> = (0..)
            .zip(body["events"].as_array().unwrap())
            .filter(|(_, event)| event["event"] == "lead_captured")
            .map(|(index, _)| index)
            .collect();
        if takes_leads.load(Ordering::SeqCst) || leads.is_empty() {
            taken.fetch_add(leads.len(), Ordering::SeqCst);
            return ResponseTemplate::new(200).set_body_json(json!({ "accepted": 1, "duplicates": 0, "rejected": [] }));
        }
        let errors = json!([{ "pointer": "/tenant_id", "reason": "unknown tenant" }]);
        let rejected: Vec<_> = leads.iter().map(|index| json!({ "index": index, "errors": errors })).collect();
        ResponseTemplate::new(422).set_body_json(json!({ "accepted": 0, "duplicates": 0, "rejected": rejected }))
    };
    Mock::given(path("/api/telemetry")).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn a_refused_report_is_a_dead_letter_until_it_is_replayed() {
    let (takes_leads, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let a8 = choosy_a8(Arc::clone(&takes_leads), Arc::clone(&taken)).await;
    let eco = Ecosystem::start_with(vec![a2_ingest::reference::app()], |config| {
        config.upstreams.insert(AppId::A8, a8.uri().parse().unwrap());
    })
    .await;
    let (client, cx) = (eco.client(), eco.context());
    let lead = json!({ "event_type": "lead", "subject": "s", "payload": {} });
    assert_eq!(client.post(AppId::A2, "/api/v1/events").json(&lead).send().await.unwrap().status, 201);

    let depth_of = async |wanted: i64| {
        let look = || async {
            let dlq = client.get(AppId::A2, "/api/v1/dlq").send().await?.json()?;
            Ok((dlq["depth"] == wanted).then_some(dlq))
        };
        cx.eventually(look).await.unwrap()
    };
    let dlq = depth_of(1).await.expect("the refused report becomes a dead letter");
    assert_eq!(dlq["letters"][0]["reason"][0]["pointer"], "/tenant_id");
    assert_eq!(dlq["letters"][0]["report"]["event"], "lead_captured");

    let unknown =
        client.post(AppId::A2, "/api/v1/dlq/replay").json(&json!({ "ids": ["nobody"] })).send().await.unwrap();
    assert_eq!(unknown.status, 404);
    takes_leads.store(true, Ordering::SeqCst);
    let replay = client.post(AppId::A2, "/api/v1/dlq/replay").json(&json!({})).send().await.unwrap();
    assert_eq!(replay.json().unwrap()["replayed"], 1);
    let arrived = cx.eventually(|| async { Ok((taken.load(Ordering::SeqCst) == 1).then_some(())) }).await.unwrap();
    assert!(arrived.is_some(), "the replayed report reaches A8");
    assert!(depth_of(0).await.is_some(), "no dead letter is left");
    eco.stop().await;
}
