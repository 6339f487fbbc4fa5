//! `/ready` under the flag, and the known issue without it.

use std::collections::BTreeMap;

use common::ids::AppId;
use common::testkit::Ecosystem;
use serde_json::{Value, json};

async fn ready(eco: &Ecosystem) -> (u16, Value) {
    let reply = eco.client().get(AppId::A2, "/ready").send().await.unwrap();
    (reply.status, reply.json().unwrap())
}

/// A2 alone, told that A8 is where nobody listens.
async fn without_a8(flag: bool) -> Ecosystem {
    Ecosystem::start_with(vec![a2_ingest::reference::app()], |config| {
        config.upstreams.insert(AppId::A8, "http://127.0.0.1:9/".parse().unwrap());
        if flag {
            config.flags_on.insert("a2_ready_contract".into());
        }
    })
    .await
}

#[tokio::test]
async fn without_the_flag_it_calls_itself_ready_while_a8_is_down() {
    let eco = without_a8(false).await;
    assert_eq!(ready(&eco).await, (200, json!({ "status": "ok" })));
    eco.stop().await;
}

#[tokio::test]
async fn with_the_flag_a_dead_a8_makes_it_not_ready_and_is_named() {
    let eco = without_a8(true).await;
    let (status, report) = ready(&eco).await;
    let text = |check: &Value, member: &str| check[member].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    let found: BTreeMap<_, _> = checks.map(|check| (text(check, "name"), text(check, "status"))).collect();
    assert_eq!(status, 503);
    let expected = [("database", "pass"), ("queue", "pass"), ("upstream:a8", "fail")];
    assert_eq!(found, expected.map(|(name, status)| (name.to_owned(), status.to_owned())).into());
    assert_eq!(eco.client().get(AppId::A2, "/health").send().await.unwrap().status, 200);
    eco.stop().await;
}

#[tokio::test]
async fn with_the_flag_it_is_ready_when_database_queue_and_a8_are() {
    let eco = Ecosystem::start_with(super::apps(), |config| {
        if config.app == AppId::A2 {
            config.flags_on.insert("a2_ready_contract".into());
        }
    })
    .await;
    let (status, report) = ready(&eco).await;
    assert_eq!((status, &report["status"]), (200, &json!("ready")), "{report}");
    assert_eq!(report["checks"].as_array().unwrap().len(), 3);
    eco.stop().await;
}
