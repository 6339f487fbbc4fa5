//! Webhooks: signed, before the customer is back, retried until they are taken, repeated on demand.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::shop::{Arrived, Endpoint, Shop, error, sent};

const COMPLETED: &str = "checkout.session.completed";

/// The signature's time, if the signature is that of the body.
fn signed_at(arrived: &Arrived, secret: &str) -> Option<i64> {
    let header = arrived.headers.get("stripe-signature")?.to_str().ok()?;
    let (time, signature) = header.strip_prefix("t=")?.split_once(",v1=")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(arrived.body.as_bytes());
    let bytes: Vec<u8> =
        (0..signature.len() / 2).map(|at| u8::from_str_radix(&signature[at * 2..at * 2 + 2], 16).unwrap()).collect();
    mac.verify_slice(&bytes).ok()?;
    time.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_told_with_a_signature_before_the_customer_is_back() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4242424242424242").await.status, 303);
    let arrived = endpoint.arrived().expect("it arrived before the redirect");
    let now_s = common::clock::unix_ms() / 1_000;
    let at_s = signed_at(&arrived, &endpoint.secret).expect("the signature is right");
    assert!((now_s - 60..=now_s).contains(&at_s), "{at_s} {now_s}");
    assert_eq!(signed_at(&arrived, "whsec_other"), None);
    let event = arrived.event();
    assert_eq!((event["type"].as_str(), event["object"].as_str()), (Some(COMPLETED), Some("event")));
    let told = &event["data"]["object"];
    assert_eq!((told["id"].as_str(), told["client_reference_id"].as_str()), (Some(session.as_str()), Some("order-1")));
    assert_eq!(told["payment_status"], "paid");
    let traces = ["traceparent", "x-trace-id"].map(|name| arrived.headers.contains_key(name));
    assert_eq!(traces, [false, false], "a payment provider knows nothing of traces");
    assert!(endpoint.arrived().is_none(), "once, and no other event");
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_card_has_the_shop_told_three_times_of_one_event() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4000000000000341").await.status, 303);
    let mut ids = Vec::new();
    while let Some(arrived) = endpoint.arrived() {
        ids.push(arrived.event()["id"].clone());
    }
    assert_eq!(ids.len(), 3);
    ids.dedup();
    assert_eq!(ids.len(), 1);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_card_has_the_shop_told_after_the_customer_is_back() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4000000000000077").await.status, 303);
    assert!(endpoint.arrived().is_none(), "it waits for two seconds");
    assert_eq!(endpoint.next().await.event()["data"]["object"]["id"], session.as_str());
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_told_again_until_it_is() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    endpoint.answer_next(&[500, 302]);
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4242424242424242").await.status, 303);
    let tries = [endpoint.next().await, endpoint.next().await, endpoint.next().await];
    let first = tries[0].event();
    for arrived in &tries {
        assert_eq!(arrived.event()["id"], first["id"]);
        assert!(signed_at(arrived, &endpoint.secret).is_some());
    }
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_is_told_again_after_a_restart() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    endpoint.answer_next(&[503]);
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4242424242424242").await.status, 303);
    let first = endpoint.arrived().unwrap().event();
    let shop = shop.reopen().await;
    assert_eq!(endpoint.next().await.event()["id"], first["id"]);
    let known = shop.get(&format!("/v1/checkout/sessions/{session}")).await.json();
    assert_eq!(known["payment_status"], "paid");
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_at_a_crash_is_told_again_as_soon_as_the_app_is_back() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, COMPLETED).await;
    endpoint.answer_next(&[503]);
    let session = shop.begin().await;
    assert_eq!(shop.pay(&session, "4242424242424242").await.status, 303);
    let first = endpoint.arrived().unwrap().event();
    // As a crash in the middle of an attempt leaves it: taken, for a minute, by a worker that is gone.
    let under_way = "UPDATE standin_deliveries SET state = 'sending', due_ms = due_ms + 60000";
    shop.running.ctx.db.execute(under_way, vec![]).await.unwrap();
    let shop = shop.reopen().await;
    assert_eq!(endpoint.next().await.event()["id"], first["id"]);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_told_again_whenever_somebody_asks() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, "*").await;
    let (older, newer) = (shop.begin().await, shop.begin().await);
    shop.pay(&older, "4242424242424242").await;
    shop.post(&format!("/v1/checkout/sessions/{newer}/expire"), &[]).await;
    while endpoint.next().await.event()["type"] != "checkout.session.expired" {}
    let completed = shop.events(COMPLETED).await[0]["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let retried = shop.post(&format!("/v1/events/{completed}/retry"), &[]).await;
        assert_eq!(retried.id(), completed);
        assert_eq!(endpoint.arrived().expect("it arrived before the answer").event()["id"], completed.as_str());
    }
    let lost = shop.post("/v1/events/evt_x/retry", &[]).await;
    assert_eq!(lost.error(), error(404, "invalid_request_error", "resource_missing", "id"));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_counts_the_deliveries_that_are_still_to_be_made() {
    let shop = Shop::open().await;
    let mut endpoint = Endpoint::listening(&shop, "payment_intent.succeeded").await;
    endpoint.answer_next(&[500]);
    let session = shop.begin().await;
    shop.pay(&session, "4242424242424242").await;
    endpoint.next().await;
    let open = shop.events("payment_intent.succeeded").await[0].clone();
    assert_eq!(open["pending_webhooks"], 1);
    endpoint.next().await;
    let path = format!("/v1/events/{}", open["id"].as_str().unwrap());
    while shop.get(&path).await.json()["pending_webhooks"] != 0 {
        tokio::task::yield_now().await;
    }
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_listed_without_their_secrets_and_deliver_to_this_machine_only() {
    let shop = Shop::open().await;
    let endpoint = Endpoint::listening(&shop, COMPLETED).await;
    let list = shop.get("/v1/webhook_endpoints").await;
    assert!(!list.text.contains(&endpoint.secret), "{}", list.text);
    let urls: Vec<_> = list.json()["data"].as_array().unwrap().iter().map(|known| known["url"].clone()).collect();
    assert_eq!(urls, [endpoint.url.clone(), shop.at("/webhooks/stripe")]);
    let form = [("url", "https://example.org/hook"), ("enabled_events[]", "*")];
    let abroad = shop.post("/v1/webhook_endpoints", &form).await;
    assert_eq!(abroad.error(), error(400, "invalid_request_error", "url_invalid", "url"));
    let id = list.json()["data"][0]["id"].as_str().unwrap().to_owned();
    let gone = sent(shop.http.delete(shop.at(&format!("/v1/webhook_endpoints/{id}"))).bearer_auth("sk_test_embedded"));
    assert_eq!(gone.await.json()["deleted"], true);
    assert_eq!(shop.get(&format!("/v1/webhook_endpoints/{id}")).await.status, 404);
    shop.running.stop().await;
}
