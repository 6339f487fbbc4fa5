//! The CRM, where the stand-ins are, and what A5 reports of them.

use common::clock::Clock;
use common::ids::AppId;
use serde_json::{Value, json};

use super::shop::{Answer, Endpoint, Shop, sent};

const CONTACTS: &str = "/crm/v3/objects/contacts";

async fn create(shop: &Shop, properties: Value) -> Answer {
    let request = shop.http.post(shop.at(CONTACTS)).bearer_auth("pat-test");
    sent(request.json(&json!({ "properties": properties }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_kept_once_per_address() {
    let shop = Shop::open().await;
    let made = create(&shop, json!({ "email": "Ada@example.test", "firstname": "Ada" })).await;
    assert_eq!((made.status, made.json()["properties"]["email"].as_str()), (201, Some("ada@example.test")));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let again = create(&shop, json!({ "email": "ada@EXAMPLE.test" })).await;
    assert_eq!((again.status, again.json()["category"].as_str()), (409, Some("CONFLICT")));
    assert!(again.json()["message"].as_str().unwrap().ends_with(&format!("Existing ID: {id}")));
    let other = create(&shop, json!({ "email": "bob@example.test" })).await;
    assert_ne!(other.json()["id"], id.as_str());
    let known = sent(shop.http.get(shop.at(&format!("{CONTACTS}/{id}"))).bearer_auth("pat-test")).await.json();
    assert_eq!((known["properties"]["firstname"].as_str(), known["archived"].as_bool()), (Some("Ada"), Some(false)));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_crm_refuses_strangers_and_contacts_without_an_address() {
    let shop = Shop::open().await;
    let stranger = sent(shop.http.post(shop.at(CONTACTS)).json(&json!({ "properties": {} }))).await;
    assert_eq!((stranger.status, stranger.json()["category"].as_str()), (401, Some("INVALID_AUTHENTICATION")));
    let nameless = create(&shop, json!({ "firstname": "Ada" })).await;
    assert_eq!((nameless.status, nameless.json()["category"].as_str()), (400, Some("VALIDATION_ERROR")));
    let nobody = sent(shop.http.get(shop.at(&format!("{CONTACTS}/7"))).bearer_auth("pat-test")).await;
    assert_eq!((nobody.status, nobody.json()["category"].as_str()), (404, Some("OBJECT_NOT_FOUND")));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stand_in_is_there_where_a_real_party_is_named_or_the_app_is_not_embedded() {
    let elsewhere = |options: &'static [&str], env: &'static str| async move {
        let data = tempfile::tempdir().unwrap();
        let shop = Shop::open_with(data, Clock::system(), |config| {
            config.env = env.to_owned();
            for name in options {
                config.options.insert((*name).to_owned(), "http://127.0.0.1:9".to_owned());
            }
        });
        let shop = shop.await;
        let there = (shop.get("/v1/prices").await.status, create(&shop, json!({ "email": "a@b.c" })).await.status);
        shop.running.stop().await;
        there
    };
    assert_eq!(elsewhere(&["stripe_base_url"], "embedded").await, (404, 201));
    assert_eq!(elsewhere(&["crm_base_url"], "embedded").await, (200, 404));
    assert_eq!(elsewhere(&[], "staging").await, (404, 404));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stand_ins_answer_is_not_among_the_figures_of_a5() {
    let mut sink = Endpoint::open().await;
    let url = sink.url.replace("/hook", "/");
    let shop = Shop::open_with(tempfile::tempdir().unwrap(), Clock::system(), |config| {
        config.upstreams.insert(AppId::A8, url.parse().unwrap());
    });
    let shop = shop.await;
    let session = shop.begin().await;
    shop.pay(&session, "4000000000000002").await;
    create(&shop, json!({ "email": "a@b.c" })).await;
    shop.get("/pricing").await;
    shop.running.stop().await;
    let mut routes = Vec::new();
    while let Some(batch) = sink.arrived() {
        let events = batch.event()["events"].as_array().unwrap().clone();
        routes.extend(events.into_iter().map(|event| event["route"].as_str().unwrap().to_owned()));
    }
    assert!(routes.iter().any(|route| route == "/pricing"), "{routes:?}");
    assert!(!routes.iter().any(|route| ["/v1", "/pay", "/crm"].iter().any(|own| route.starts_with(own))), "{routes:?}");
}
