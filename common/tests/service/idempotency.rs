//! One effect for one key: across retries, races, failures, crashes and the end of the window.

use std::time::Duration;

use common::clock::Clock;
use common::contract::header;
use common::ids::{AppId, TraceId};
use futures_util::future::join_all;
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::kit::{Kit, Reply, config, eventually};

async fn start() -> (tempfile::TempDir, Kit) {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    (data, kit)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hardened_request_without_key_or_trace_is_refused_and_the_missing_header_is_named() {
    let (_data, kit) = start().await;
    let bare = || kit.http.post(kit.url("/items")).json(&json!({ "name": "x" }));
    let keyless = Reply::of(bare().header(header::TRACE_ID, TraceId::fresh().to_string())).await;
    keyless.assert_problem(428);
    assert_eq!(keyless.body["header"], header::IDEMPOTENCY_KEY);
    let traceless = Reply::of(bare().header(header::IDEMPOTENCY_KEY, "k")).await;
    traceless.assert_problem(428);
    assert_eq!(traceless.body["header"], header::TRACE_ID);
    let garbled = bare().header(header::IDEMPOTENCY_KEY, "k").header(header::TRACE_ID, "not-a-trace");
    Reply::of(garbled).await.assert_problem(428);
    assert_eq!(kit.items().await, 0);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_the_stored_answer_and_no_second_row() {
    let (_data, kit) = start().await;
    let first = kit.keep("k1", "x").await;
    let again = kit.keep("k1", "x").await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!((first.replayed(), again.replayed()), (false, true));
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert_eq!(kit.items().await, 1);
    assert_eq!(kit.rows("outbox").await, 1, "one event for one effect");
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_again_with_another_body_is_refused() {
    let (_data, kit) = start().await;
    kit.keep("k1", "x").await;
    let other = kit.keep("k1", "y").await;
    other.assert_problem(422);
    assert_eq!(other.body["type"], "urn:handshake:problem:idempotency-key-reused");
    assert_eq!(kit.items().await, 1);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_another_tenant_is_another_effect() {
    let (_data, kit) = start().await;
    for tenant in ["north", "south"] {
        let reply = Reply::of(kit.item("k1", "x").header(header::TENANT_ID, tenant)).await;
        assert_eq!((reply.status, reply.replayed()), (201, false), "{tenant}");
    }
    assert_eq!(kit.items().await, 2);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_with_one_key_have_one_effect() {
    let (_data, kit) = start().await;
    let replies = join_all((0..20).map(|_| kit.keep("k1", "x"))).await;
    let fresh = replies.iter().filter(|reply| reply.status == 201 && !reply.replayed()).count();
    assert_eq!(fresh, 1, "{replies:?}");
    for reply in &replies {
        match reply.status {
            201 => {}
            409 => assert_eq!(reply.header("retry-after"), Some("1"), "{reply:?}"),
            _ => panic!("{reply:?}"),
        }
    }
    assert_eq!(kit.items().await, 1);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_while_the_first_is_under_way_is_told_to_come_back() {
    let a2 = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_millis(500));
    Mock::given(wiremock::matchers::path("/asked")).respond_with(slow).mount(&a2).await;
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.upstreams.insert(AppId::A2, a2.uri().parse().unwrap());
    let kit = Kit::start(config).await;
    let under_way = tokio::spawn(Reply::of(kit.item("k1", "asks")));
    eventually("A2 is asked", || async { (!a2.received_requests().await.unwrap().is_empty()).then_some(()) }).await;
    let early = kit.keep("k1", "asks").await;
    early.assert_problem(409);
    assert_eq!(early.header("retry-after"), Some("1"));
    assert_eq!(under_way.await.unwrap().status, 201);
    assert!(kit.keep("k1", "asks").await.replayed());
    assert_eq!(kit.items().await, 1);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_leaves_nothing_and_its_key_free() {
    let (_data, kit) = start().await;
    for (name, status) in [("fails", 500), ("refused", 422), ("panics", 500)] {
        kit.keep(name, name).await.assert_problem(status);
        assert_eq!((kit.rows("items").await, kit.rows("outbox").await), (0, 0), "{name}");
        assert_eq!(kit.rows("idempotency").await, 0, "{name}");
    }
    // The key is not even tied to the body that failed.
    for key in ["fails", "refused", "panics"] {
        let reply = kit.keep(key, "x").await;
        assert_eq!((reply.status, reply.replayed()), (201, false), "{key}");
    }
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_a_crash_gets_the_stored_answer() {
    let data = tempfile::tempdir().unwrap();
    let first = Kit::start_mortal(config(data.path())).await;
    let answered = first.keep("k1", "x").await;
    first.kill();
    let second = Kit::start(config(data.path())).await;
    let again = second.keep("k1", "x").await;
    assert_eq!((again.status, again.replayed()), (201, true));
    assert_eq!(again.body, answered.body);
    assert_eq!(second.items().await, 1);
    second.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_cut_off_by_a_crash_is_undone_and_a_retry_does_it() {
    let a2 = MockServer::start().await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(wiremock::matchers::path("/asked")).respond_with(never).mount(&a2).await;
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.upstreams.insert(AppId::A2, a2.uri().parse().unwrap());
    let first = Kit::start_mortal(config.clone()).await;
    let cut_off = tokio::spawn(first.item("k1", "asks").send());
    eventually("A2 is asked", || async { (!a2.received_requests().await.unwrap().is_empty()).then_some(()) }).await;
    first.kill();
    assert!(cut_off.await.unwrap().is_err(), "the caller sees a broken connection");
    let second = Kit::start(config).await;
    assert_eq!((second.rows("items").await, second.rows("outbox").await), (0, 0));
    let retried = second.keep("k1", "x").await;
    assert_eq!((retried.status, retried.replayed()), (201, false));
    second.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_again_after_fifteen_minutes_and_not_before() {
    let data = tempfile::tempdir().unwrap();
    let clock = Clock::manual(1_795_255_200_000);
    let mut config = config(data.path());
    config.clock = clock.clone();
    let kit = Kit::start(config).await;
    kit.keep("k1", "x").await;
    clock.advance(Duration::from_secs(15 * 60) - Duration::from_millis(1));
    assert!(kit.keep("k1", "x").await.replayed());
    clock.advance(Duration::from_millis(1));
    let fresh = kit.keep("k1", "y").await;
    assert_eq!((fresh.status, fresh.replayed()), (201, false));
    assert!(kit.keep("k1", "y").await.replayed(), "the window begins anew");
    assert_eq!(kit.items().await, 2);
    kit.running.stop().await;
}
