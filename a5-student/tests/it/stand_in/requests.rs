//! How requests are taken: keys, forms, idempotency, errors.

use super::shop::{KEY, Shop, error, sent};

const PRODUCTS: &str = "/v1/products";

#[tokio::test(flavor = "multi_thread")]
async fn the_test_key_opens_the_api_as_a_bearer_and_as_a_user_name() {
    let shop = Shop::open().await;
    let bearer = sent(shop.http.get(shop.at(PRODUCTS)).bearer_auth(KEY)).await;
    let basic = sent(shop.http.get(shop.at(PRODUCTS)).basic_auth(KEY, None::<&str>)).await;
    assert_eq!((bearer.status, basic.status), (200, 200));
    assert!(bearer.header("request-id").starts_with("req_"));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_a_live_and_an_unknown_key_are_refused_without_repeating_them() {
    let shop = Shop::open().await;
    let missing = sent(shop.http.get(shop.at(PRODUCTS))).await;
    let live = sent(shop.http.post(shop.at(PRODUCTS)).bearer_auth("sk_live_abc").form(&[("name", "x")])).await;
    let unknown = sent(shop.http.get(shop.at(PRODUCTS)).bearer_auth("sk_test_othersecret")).await;
    for refused in [missing, live, unknown] {
        assert_eq!(refused.error(), error(401, "invalid_request_error", "", ""));
        assert!(!refused.text.contains("othersecret") && !refused.text.contains("sk_live_abc"), "{}", refused.text);
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
    }
    assert_eq!(shop.get(PRODUCTS).await.json()["data"].as_array().unwrap().len(), 0);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_parameters_get_the_same_answer_and_make_one_object() {
    let shop = Shop::open().await;
    let first = shop.post_with_key("k1", PRODUCTS, &[("name", "a"), ("metadata[x]", "1")]).await;
    let again = shop.post_with_key("k1", PRODUCTS, &[("metadata[x]", "1"), ("name", "a")]).await;
    assert_eq!((first.status, again.status, first.text == again.text), (200, 200, true));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_ne!(again.header("request-id"), first.header("request-id"));
    let without = [shop.post(PRODUCTS, &[("name", "a")]).await.id(), shop.post(PRODUCTS, &[("name", "a")]).await.id()];
    assert_ne!(without[0], without[1]);
    assert_eq!(shop.get(PRODUCTS).await.json()["data"].as_array().unwrap().len(), 3);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_requests_at_once_with_one_key_make_one_object() {
    let shop = Shop::open().await;
    let requests = (0..20).map(|_| {
        let request = shop.http.post(shop.at(PRODUCTS)).bearer_auth(KEY).header("idempotency-key", "k1");
        tokio::spawn(sent(request.form(&[("name", "a")])))
    });
    let mut ids = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        ids.push(request.await.unwrap().id());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_route_and_one_set_of_parameters() {
    let shop = Shop::open().await;
    shop.post_with_key("k1", PRODUCTS, &[("name", "a")]).await.id();
    let other = shop.post_with_key("k1", PRODUCTS, &[("name", "b")]).await;
    let elsewhere = shop.post_with_key("k1", "/v1/prices", &[("name", "a")]).await;
    assert_eq!(other.error(), error(400, "idempotency_error", "", ""));
    assert_eq!(elsewhere.error(), error(400, "idempotency_error", "", ""));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_free_again_after_a_request_that_could_not_be_read() {
    let shop = Shop::open().await;
    let refused = shop.post_with_key("k1", PRODUCTS, &[("nane", "a")]).await;
    assert_eq!(refused.error(), error(400, "invalid_request_error", "parameter_missing", "name"));
    shop.post_with_key("k1", PRODUCTS, &[("name", "a")]).await.id();
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_is_a_card_error_that_its_key_keeps() {
    let shop = Shop::open().await;
    let form = |method| [("amount", "500"), ("currency", "usd"), ("confirm", "true"), ("payment_method", method)];
    let declined = shop.post_with_key("k1", "/v1/payment_intents", &form("pm_card_chargeDeclined")).await;
    assert_eq!(declined.error(), error(402, "card_error", "card_declined", ""));
    let intent = declined.json()["error"]["payment_intent"]["id"].as_str().unwrap().to_owned();
    let known = shop.get(&format!("/v1/payment_intents/{intent}")).await.json();
    assert_eq!(known["status"], "requires_payment_method");
    let again = shop.post_with_key("k1", "/v1/payment_intents", &form("pm_card_chargeDeclined")).await;
    assert_eq!((again.text == declined.text, again.header("idempotent-replayed")), (true, "true"));
    let paid = shop.post("/v1/payment_intents", &form("pm_card_visa")).await.json();
    assert_eq!((paid["status"].as_str(), paid["amount_received"].as_i64()), (Some("succeeded"), Some(500)));
    assert_eq!(shop.events("payment_intent.payment_failed").await.len(), 1);
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_unreadable_or_not_there_is_named_in_the_providers_form() {
    let shop = Shop::open().await;
    let invalid = |status, code: &str, param: &str| error(status, "invalid_request_error", code, param);
    let unknown = shop.post(PRODUCTS, &[("name", "a"), ("colour", "red")]).await;
    assert_eq!(unknown.error(), invalid(400, "parameter_unknown", "colour"));
    assert_eq!(shop.get("/v1/prices/price_x").await.error(), invalid(404, "resource_missing", "id"));
    let no_product = [("currency", "usd"), ("unit_amount", "1"), ("product", "prod_x")];
    assert_eq!(shop.post("/v1/prices", &no_product).await.error(), invalid(400, "resource_missing", "product"));
    assert_eq!(shop.get("/v1/prices?limit=101").await.error(), invalid(400, "parameter_invalid_integer", "limit"));
    assert_eq!(shop.get("/v1/unicorns").await.error(), invalid(404, "", ""));
    let wrong_method = sent(shop.http.delete(shop.at(PRODUCTS)).bearer_auth(KEY)).await;
    assert_eq!(wrong_method.error(), invalid(404, "", ""));
    let as_json = sent(shop.http.post(shop.at(PRODUCTS)).bearer_auth(KEY).json(&["name"])).await;
    assert_eq!(as_json.error(), invalid(400, "", ""));
    shop.running.stop().await;
}
