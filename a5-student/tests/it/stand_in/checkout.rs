//! Paying on the hosted page.

use std::time::Duration;

use common::clock::Clock;

use super::shop::{Shop, error, nonce_of};

const PAYS: &str = "4242 4242 4242 4242";

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_sends_the_customer_back_and_is_complete() {
    let shop = Shop::open().await;
    let session = shop.begin().await;
    let page = shop.page(&session).await;
    assert!(page.text.contains("Test mode") && page.text.contains("$0.50"), "{}", page.text);
    assert!(page.text.contains(&format!("action=\"/pay/{session}\"")), "{}", page.text);
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("form-action 'self' http://shop.test"),
        "{policy}"
    );
    let paid = shop.pay(&session, PAYS).await;
    let back = format!("http://shop.test/back?session={session}");
    assert_eq!((paid.status, paid.header("location")), (303, back.as_str()));
    let known = shop.get(&format!("/v1/checkout/sessions/{session}?expand[]=payment_intent")).await.json();
    assert_eq!((known["status"].as_str(), known["payment_status"].as_str()), (Some("complete"), Some("paid")));
    assert_eq!(known["payment_intent"]["status"], "succeeded");
    assert!(known["url"].is_null());
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_session_open_for_another() {
    let shop = Shop::open().await;
    let session = shop.begin().await;
    for (card, says) in
        [("4000000000000002", "was declined"), ("4000000000009995", "insufficient funds"), ("1", "incorrect")]
    {
        let page = shop.pay(&session, card).await;
        assert_eq!(page.status, 402, "{card}");
        assert!(page.text.contains(says) && page.text.contains("role=\"alert\""), "{}", page.text);
        assert!(!page.text.contains(&format!("value=\"{card}\" required")), "the number is not sent back");
    }
    assert_eq!(shop.pay(&session, PAYS).await.status, 303);
    assert_eq!(shop.events("payment_intent.payment_failed").await.len(), 3);
    assert_eq!(shop.events("checkout.session.completed").await.len(), 1);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_twice_at_once_pays_once_and_leads_to_the_same_place() {
    let shop = Shop::open().await;
    let session = shop.begin().await;
    let nonce = nonce_of(&shop.page(&session).await.text);
    let (one, two) = tokio::join!(shop.send_form(&session, PAYS, &nonce), shop.send_form(&session, PAYS, &nonce));
    assert_eq!((one.status, two.status), (303, 303));
    assert_eq!(one.header("location"), two.header("location"));
    assert_eq!(shop.events("checkout.session.completed").await.len(), 1);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_session_cannot_be_paid_again() {
    let shop = Shop::open().await;
    let session = shop.begin().await;
    let stale = nonce_of(&shop.page(&session).await.text);
    assert_eq!(shop.pay(&session, PAYS).await.status, 303);
    let again = shop.send_form(&session, PAYS, &stale).await;
    assert_eq!(again.status, 409);
    for page in [again, shop.page(&session).await] {
        assert!(page.text.contains("Already paid") && page.text.contains("data-state=\"paid\""), "{}", page.text);
    }
    assert_eq!(shop.events("payment_intent.succeeded").await.len(), 1);
    let expire = shop.post(&format!("/v1/checkout/sessions/{session}/expire"), &[]).await;
    assert_eq!(expire.error(), error(400, "invalid_request_error", "", ""));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_says_so_and_takes_no_card() {
    let shop = Shop::open().await;
    let session = shop.begin().await;
    let stale = nonce_of(&shop.page(&session).await.text);
    let expired = shop.post(&format!("/v1/checkout/sessions/{session}/expire"), &[]).await.json();
    assert_eq!((expired["status"].as_str(), expired["url"].is_null()), (Some("expired"), true));
    for page in [shop.page(&session).await, shop.send_form(&session, PAYS, &stale).await] {
        assert_eq!(page.status, 410);
        assert!(page.text.contains("has expired") && page.text.contains("data-state=\"expired\""), "{}", page.text);
    }
    assert_eq!(shop.events("checkout.session.expired").await.len(), 1);
    assert!(shop.events("checkout.session.completed").await.is_empty());
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires_by_itself_after_a_day() {
    let clock = Clock::manual(1_795_255_200_000);
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), clock.clone(), |_| {}).await;
    let session = shop.begin().await;
    let stale = nonce_of(&shop.page(&session).await.text);
    clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(shop.send_form(&session, PAYS, &stale).await.status, 410);
    assert_eq!(shop.page(&session).await.status, 410);
    let events = shop.events("checkout.session.expired").await;
    assert_eq!((events.len(), events[0]["data"]["object"]["id"].as_str()), (1, Some(session.as_str())));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_no_session_and_a_form_without_its_nonce_say_what_to_do() {
    let shop = Shop::open().await;
    assert_eq!(shop.page("cs_test_none").await.status, 404);
    assert_eq!(shop.send_form("cs_test_none", PAYS, &"n".repeat(32)).await.status, 404);
    let session = shop.begin().await;
    let broken = shop.send_form(&session, PAYS, "").await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.contains("load the page again"), "{}", broken.text);
    shop.running.stop().await;
}
