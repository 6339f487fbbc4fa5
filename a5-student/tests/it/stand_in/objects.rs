//! What the provider keeps: products, prices by lookup key, sessions with their lines, lists.

use super::shop::{Shop, error};

fn price<'a>(product: &'a str, amount: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("currency", "usd"), ("unit_amount", amount), ("product", product), ("lookup_key", key)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_found_by_its_lookup_key() {
    let shop = Shop::open().await;
    let empty = shop.get("/v1/prices?lookup_keys[]=micro").await.json();
    assert_eq!((empty["object"].as_str(), empty["data"].as_array().unwrap().len()), (Some("list"), 0));
    let product = shop.post("/v1/products", &[("name", "Credits")]).await.id();
    let made = shop.post("/v1/prices", &price(&product, "50", "micro")).await.id();
    shop.post("/v1/prices", &price(&product, "900", "starter")).await.id();
    for query in ["lookup_keys[]=micro", "lookup_keys%5B0%5D=micro&lookup_keys[1]=none&expand[]=data.product"] {
        let found = shop.get(&format!("/v1/prices?{query}")).await.json();
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{query}");
        assert_eq!(found["data"][0]["id"], made.as_str());
        assert_eq!(found["data"][0]["unit_amount"], 50);
    }
    let shown = shop.get(&format!("/v1/prices/{made}?expand[]=product")).await.json();
    assert_eq!(shown["product"]["name"], "Credits");
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_key_names_one_price_until_it_is_moved() {
    let shop = Shop::open().await;
    let product = shop.post("/v1/products", &[("name", "Credits")]).await.id();
    let first = shop.post("/v1/prices", &price(&product, "50", "micro")).await.id();
    let second = shop.post("/v1/prices", &price(&product, "60", "micro")).await;
    assert_eq!(second.error(), error(400, "invalid_request_error", "", "lookup_key"));
    let mut moving = price(&product, "60", "micro");
    moving.push(("transfer_lookup_key", "true"));
    let moved = shop.post("/v1/prices", &moving).await.id();
    let found = shop.get("/v1/prices?lookup_keys[]=micro").await.json();
    assert_eq!((found["data"].as_array().unwrap().len(), found["data"][0]["id"].as_str()), (1, Some(moved.as_str())));
    assert!(shop.get(&format!("/v1/prices/{first}")).await.json()["lookup_key"].is_null());
    assert_eq!(shop.events("price.updated").await[0]["data"]["object"]["id"], first.as_str());
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_walked_in_both_directions_without_gap_or_repetition() {
    let shop = Shop::open().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let name = format!("product {number}");
        made.push(shop.post("/v1/products", &[("name", &name)]).await.id());
    }
    made.reverse();
    let (mut walked, mut query) = (Vec::new(), String::new());
    loop {
        let page = shop.get(&format!("/v1/products?limit=3{query}")).await.json();
        let ids = page["data"].as_array().unwrap().iter().map(|product| product["id"].as_str().unwrap().to_owned());
        walked.extend(ids);
        query = format!("&starting_after={}", walked.last().unwrap());
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(walked, made);
    let back = shop.get(&format!("/v1/products?limit=2&ending_before={}", made[4])).await.json();
    assert_eq!([&back["data"][0]["id"], &back["data"][1]["id"]], [made[2].as_str(), made[3].as_str()]);
    assert_eq!(back["has_more"], true);
    let lost = shop.get("/v1/products?starting_after=prod_x").await;
    assert_eq!(lost.error(), error(400, "invalid_request_error", "resource_missing", "starting_after"));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_adds_up_its_lines_and_tells_them_in_order() {
    let shop = Shop::open().await;
    let product = shop.post("/v1/products", &[("name", "Credits")]).await.id();
    let micro = shop.post("/v1/prices", &price(&product, "50", "micro")).await.id();
    let form = [
        ("mode", "payment"),
        ("success_url", "http://shop.test/?s={CHECKOUT_SESSION_ID}"),
        ("line_items[0][price]", micro.as_str()),
        ("line_items[0][quantity]", "3"),
        ("line_items[1][price_data][currency]", "usd"),
        ("line_items[1][price_data][unit_amount]", "925"),
        ("line_items[1][price_data][product_data][name]", "A term"),
        ("line_items[1][quantity]", "1"),
        ("metadata[order_id]", "o1"),
        ("customer_email", "test_student_e2e_01@example.test"),
    ];
    let session = shop.post("/v1/checkout/sessions", &form).await.json();
    assert_eq!((session["amount_total"].as_i64(), session["currency"].as_str()), (Some(1_075), Some("usd")));
    assert_eq!((session["status"].as_str(), session["payment_status"].as_str()), (Some("open"), Some("unpaid")));
    assert_eq!((session["livemode"].as_bool(), session["metadata"]["order_id"].as_str()), (Some(false), Some("o1")));
    let id = session["id"].as_str().unwrap();
    assert_eq!(session["url"], shop.at(&format!("/pay/{id}")).as_str());
    let expanded = shop.get(&format!("/v1/checkout/sessions/{id}?expand[]=line_items")).await.json();
    let lines = shop.get(&format!("/v1/checkout/sessions/{id}/line_items")).await.json();
    assert_eq!(expanded["line_items"], lines);
    let told: Vec<_> = lines["data"].as_array().unwrap().iter().map(|line| line["description"].clone()).collect();
    assert_eq!(told, ["Credits", "A term"]);
    assert!(shop.page(id).await.text.contains("$10.75"));
    shop.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_below_fifty_cents_and_a_nameless_price_are_refused() {
    let shop = Shop::open().await;
    let product = shop.post("/v1/products", &[("name", "Credits")]).await.id();
    let cheap = shop.post("/v1/prices", &price(&product, "49", "cheap")).await.id();
    let form = |price| {
        let url = ("success_url", "http://shop.test/");
        [("mode", "payment"), url, ("line_items[0][price]", price), ("line_items[0][quantity]", "1")]
    };
    let refused = shop.post("/v1/checkout/sessions", &form(&cheap)).await;
    assert_eq!(refused.error(), error(400, "invalid_request_error", "amount_too_small", "line_items"));
    let refused = shop.post("/v1/checkout/sessions", &form("price_x")).await;
    assert_eq!(refused.error(), error(400, "invalid_request_error", "resource_missing", "line_items[0][price]"));
    shop.running.stop().await;
}
