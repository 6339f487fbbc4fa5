//! Money, in sentences: what is paid is credited once, whatever the deliveries do.

use common::ids::AppId;
use common::service::{Bound, Defect};
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::first_steps::sign_up;
use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paid_is_credited_in_the_trace_of_its_checkout() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "micro").await);
    let back = format!("/checkout/return?session_id=cs_{order}");
    let waiting = session.get(AppId::A5, &back).send().await.unwrap().text();
    assert!(waiting.contains("data-field=\"payment\">pending") && waiting.contains("http-equiv=\"refresh\""));
    assert_eq!(deliver(&eco, &event("evt_1", "completed", &order, "paid")).await.status, 200);
    assert_eq!(balance(&session).await, 15);
    let page = session.get(AppId::A5, &back).send().await.unwrap().text();
    assert!(page.contains("data-field=\"payment\">paid") && page.contains("data-field=\"balance\">15"), "{page}");
    let log = format!("/api/transactions/{}", session.trace());
    let log = eco.client().get(AppId::A5, &log).send().await.unwrap();
    assert_eq!(log.pointer("/orders/0/state"), Some(json!("paid")));
    assert_eq!(log.pointer("/orders/0/revenue_event_id"), Some(json!(format!("rev_{order}"))));
    assert_eq!(log.pointer("/ledger/1/debit_account"), Some(json!("issued")));
    assert_eq!(log.pointer("/webhooks"), Some(json!({ "accepted": 1, "duplicates": 0 })));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_told_of_twice_is_credited_once() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "micro").await);
    let [paid, again] = ["evt_1", "evt_2"].map(|id| event(id, "completed", &order, "paid"));
    let (first, second) = tokio::join!(deliver(&eco, &paid), deliver(&eco, &paid));
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(deliver(&eco, &again).await.status, 200);
    assert_eq!(deliver(&eco, &event("evt_3", "async_payment_succeeded", &order, "paid")).await.status, 200);
    assert_eq!(balance(&session).await, 15);
    let counts = eco.client().get(AppId::A5, "/api/webhooks").send().await.unwrap();
    assert_eq!((counts.pointer("/accepted"), counts.pointer("/duplicates")), (Some(json!(3)), Some(json!(1))));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_stale_and_unsigned_deliveries_are_refused_and_change_nothing() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "micro").await);
    let body = event("evt_1", "completed", &order, "paid").to_string();
    let now = common::clock::unix_ms() / 1_000;
    let tampered = body.replace("\"amount_total\":50", "\"amount_total\":5");
    for (body, header) in [
        (&body, signature(&body, "whsec_of_somebody_else", now)),
        (&body, signature(&body, SECRET, now - 301)),
        (&body, signature(&body, SECRET, now + 301)),
        (&tampered, signature(&body, SECRET, now)),
        (&body, "t=1,v0=00".to_owned()),
    ] {
        assert_eq!(deliver_signed(&eco, body, &header).await.status, 400, "{header}");
    }
    let bare = eco.client().post(AppId::A5, "/webhooks/stripe").body(body, "application/json").send().await.unwrap();
    assert_eq!(bare.status, 400);
    let live = json!({ "id": "evt_2", "type": "x", "livemode": true, "data": { "object": {} } });
    assert_eq!(deliver(&eco, &live).await.status, 400);
    assert_eq!(balance(&session).await, 5);
    let counts = eco.client().get(AppId::A5, "/api/webhooks").send().await.unwrap();
    assert_eq!((counts.pointer("/accepted"), counts.pointer("/refused")), (Some(json!(0)), Some(json!(7))));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_come_late_or_out_of_order_leave_order_and_ledger_right() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    for (at, (news, state, credits)) in [
        (vec![("completed", "paid"), ("expired", "unpaid")], "paid", 15),
        (vec![("expired", "unpaid"), ("completed", "paid")], "paid", 25),
        (vec![("async_payment_succeeded", "paid"), ("completed", "unpaid")], "paid", 35),
        (vec![("async_payment_failed", "unpaid"), ("completed", "unpaid")], "failed", 35),
        (vec![("completed", "unpaid")], "open", 35),
        (vec![("expired", "unpaid"), ("async_payment_failed", "unpaid")], "expired", 35),
    ]
    .into_iter()
    .enumerate()
    {
        let order = order_of(&choose(&session, "micro").await);
        for (step, (kind, payment)) in news.iter().enumerate() {
            let told = event(&format!("evt_{at}_{step}"), kind, &order, payment);
            assert_eq!(deliver(&eco, &told).await.status, 200);
        }
        let log = eco.client().get(AppId::A5, &format!("/api/transactions/{}", session.trace())).send().await.unwrap();
        assert_eq!(log.pointer(&format!("/orders/{at}/state")), Some(json!(state)), "{news:?}");
        assert_eq!(balance(&session).await, credits, "{news:?}");
    }
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_events_unknown_orders_and_other_amounts_are_taken_and_credit_nothing() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "scholar").await);
    assert_eq!(deliver(&eco, &event("evt_1", "completed", &order, "paid")).await.status, 200);
    assert_eq!(deliver(&eco, &event("evt_2", "completed", "ord_of_another_shop", "paid")).await.status, 200);
    let other = json!({ "id": "evt_3", "type": "payout.paid", "data": { "object": { "id": "po_1" } } });
    assert_eq!(deliver(&eco, &other).await.status, 200);
    assert_eq!(balance(&session).await, 5);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_after_a_restart_between_payment_and_webhook_credits() {
    let provider = provider().await;
    let mut eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "micro").await);
    let running = eco.forget(AppId::A5);
    let (address, config) = (running.address, (*running.ctx.config).clone());
    running.stop().await;
    let bound = Bound::new(AppId::A5, address).await.unwrap();
    let running = bound.serve(a5_student::reference::app(), config).await.unwrap();
    assert_eq!(deliver(&eco, &event("evt_1", "completed", &order, "paid")).await.status, 200);
    assert_eq!(balance(&session).await, 15);
    running.stop().await;
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_leads_to_the_same_payment_page_and_one_order() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let page = session.get(AppId::A5, "/pricing").send().await.unwrap().text();
    let nonce = hidden(&page, "form_nonce");
    let (first, second) = tokio::join!(send_choice(&session, nonce, "micro"), send_choice(&session, nonce, "micro"));
    let third = send_choice(&session, nonce, "micro").await;
    assert_eq!((order_of(&first), order_of(&second)), (order_of(&third), order_of(&third)));
    assert_ne!(order_of(&send_choice(&session, nonce, "starter").await), order_of(&third));
    let sent = provider.received_requests().await.unwrap();
    let keys: std::collections::BTreeSet<_> =
        sent.iter().filter_map(|request| request.headers.get("idempotency-key")?.to_str().ok()).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let stranger = send_choice(&session, "made-up.nonce", "micro").await;
    assert_eq!(stranger.status, 403);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_form_that_is_sent_again_charges_nothing() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let page = session.get(AppId::A5, "/pricing").send().await.unwrap().text();
    let nonce = hidden(&page, "form_nonce");
    let order = order_of(&send_choice(&session, nonce, "micro").await);
    deliver(&eco, &event("evt_1", "completed", &order, "paid")).await;
    let again = send_choice(&session, nonce, "micro").await;
    let back = format!("/checkout/return?session_id=cs_{order}");
    assert_eq!((again.status, again.header("location")), (303, Some(back.as_str())));
    eco.stop().await;
}

/// A provider without prices that makes one per idempotency key, and answers 409 to whoever comes second.
async fn empty_provider() -> MockServer {
    let server = MockServer::start().await;
    let price = json!({ "id": "price_1", "unit_amount": 50, "currency": "usd" });
    let (made, taken) = (json!({ "data": [price] }), json!({ "error": { "code": "idempotency_key_in_use" } }));
    let prices = || Mock::given(path("/v1/prices"));
    let none = ResponseTemplate::new(200).set_body_json(json!({ "data": [] }));
    prices().and(method("GET")).respond_with(none).up_to_n_times(2).with_priority(1).mount(&server).await;
    prices().and(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(made)).mount(&server).await;
    let first = ResponseTemplate::new(200).set_body_json(price);
    prices().and(method("POST")).respond_with(first).up_to_n_times(1).with_priority(1).mount(&server).await;
    prices().and(method("POST")).respond_with(ResponseTemplate::new(409).set_body_json(taken)).mount(&server).await;
    let session = json!({ "id": "cs_1", "url": "https://pay.test/ord_1" });
    let session = ResponseTemplate::new(200).set_body_json(session);
    Mock::given(path("/v1/checkout/sessions")).respond_with(session).up_to_n_times(1).mount(&server).await;
    let other = ResponseTemplate::new(200).set_body_json(json!({ "id": "cs_2", "url": "https://pay.test/ord_2" }));
    Mock::given(path("/v1/checkout/sessions")).respond_with(other).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_need_the_same_new_price_make_one() {
    let provider = empty_provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let (one, other) = tokio::join!(choose(&session, "micro"), choose(&session, "micro"));
    assert_eq!((one.status, other.status), (303, 303));
    let sent = provider.received_requests().await.unwrap();
    let made: Vec<_> =
        sent.iter().filter(|sent| sent.url.path() == "/v1/prices" && sent.method.as_str() == "POST").collect();
    let keys: std::collections::BTreeSet<_> = made
        .iter()
        .map(|sent| sent.headers["idempotency-key"].clone())
        .map(|key| key.to_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["a5-price-scholar_micro_050_usd-50"]);
    let form = fields(made[0]);
    assert_eq!((form["unit_amount"].as_str(), form["currency"].as_str()), ("50", "usd"));
    let sessions = sent.iter().filter(|sent| sent.url.path() == "/v1/checkout/sessions");
    assert!(sessions.map(fields).all(|form| form["line_items[0][price]"] == "price_1"));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_of_another_amount_and_a_provider_that_is_down_sell_nothing_and_say_so() {
    let server = MockServer::start().await;
    let price = json!({ "data": [{ "id": "price_1", "unit_amount": 5_000, "currency": "usd" }] });
    let dear = ResponseTemplate::new(200).set_body_json(price);
    Mock::given(method("GET")).respond_with(dear).up_to_n_times(1).mount(&server).await;
    let eco = shop(&server).await;
    let (session, _) = sign_in(&eco).await;
    for _ in 0..2 {
        let refused = choose(&session, "micro").await;
        assert_eq!(refused.status, 502);
        assert!(refused.text().contains("Nothing was charged"));
    }
    assert!(server.received_requests().await.unwrap().iter().all(|sent| sent.method.as_str() == "GET"));
    assert_eq!(balance(&session).await, 5);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_payment_provider_is_told_what_is_bought_and_nothing_personal() {
    let provider = provider().await;
    let eco = shop(&provider).await;
    let (session, _) = sign_in(&eco).await;
    let order = order_of(&choose(&session, "starter").await);
    let sent = provider.received_requests().await.unwrap();
    let asked = sent.iter().find(|sent| sent.url.path() == "/v1/checkout/sessions").unwrap();
    assert_eq!(asked.headers["authorization"], "Bearer sk_test_embedded");
    assert_eq!(asked.headers["traceparent"].to_str().unwrap()[3..35], session.trace().to_string());
    assert!(!asked.headers.contains_key("x-test-run"), "labels are for the eight apps");
    let form = fields(asked);
    let wanted = [
        ("mode", "payment"),
        ("line_items[0][quantity]", "1"),
        ("client_reference_id", &order),
        ("metadata[plan]", "starter"),
    ];
    for (name, value) in wanted {
        assert_eq!(form[name], value);
    }
    assert!(form["success_url"].ends_with("/checkout/return?session_id={CHECKOUT_SESSION_ID}"));
    let text = String::from_utf8(asked.body.clone()).unwrap();
    assert!(!text.contains("example.test") && !text.contains("Student"), "{text}");
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defects_of_webhooks_are_seen_in_the_ledger_and_the_tally() {
    let provider = provider().await;
    for (defect, status, credits) in [(Defect::A5WebhookReplayCredits, 200, 25), (Defect::A5WebhookSecretWrong, 400, 5)]
    {
        let uri = provider.uri();
        let eco = common::testkit::Ecosystem::start_with(apps(), |config| {
            config.options.insert("stripe_base_url".to_owned(), uri.clone());
            config.options.insert("stripe_webhook_secret".to_owned(), SECRET.to_owned());
            config.defects.extend((config.app == AppId::A5).then_some(defect));
        })
        .await;
        let (session, _) = sign_in(&eco).await;
        let order = order_of(&choose(&session, "micro").await);
        for _ in 0..2 {
            assert_eq!(deliver(&eco, &event("evt_1", "completed", &order, "paid")).await.status, status);
        }
        assert_eq!(balance(&session).await, credits, "{defect:?}");
        eco.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkout_is_told_to_a3_once_as_what_came_of_a_visit_and_says_nothing_of_the_student() {
    let (provider, a3) = (provider().await, MockServer::start().await);
    let taken = ResponseTemplate::new(202).set_body_json(json!({ "run_id": "run-1" }));
    Mock::given(path("/orchestration/run")).respond_with(taken).mount(&a3).await;
    let counted = ResponseTemplate::new(200).set_body_json(json!({ "counted": true, "because": "live" }));
    let route = || Mock::given(method("POST")).and(path("/bandit/reward"));
    route().respond_with(ResponseTemplate::new(503)).up_to_n_times(1).with_priority(1).mount(&a3).await;
    route().respond_with(counted).mount(&a3).await;
    let eco = shop_with(&provider, |config| {
        config.upstreams.insert(AppId::A3, a3.uri().parse().unwrap());
    })
    .await;
    let visit = "4bf92f3577b34da6a3ce929d0e0e4736";
    let landing = eco.client().get(AppId::A5, &format!("/?visit={visit}&from=stem-awards")).send().await.unwrap();
    assert!(landing.text().contains(&format!("/signup?from=stem-awards&#38;visit={visit}")), "{}", landing.text());
    let session = sign_up(&eco, &format!("/signup?from=stem-awards&visit={visit}")).await;
    for (number, plan) in ["micro", "micro"].into_iter().enumerate() {
        let order = order_of(&choose(&session, plan).await);
        let paid = event(&format!("evt_{number}"), "completed", &order, "paid");
        assert_eq!(deliver(&eco, &paid).await.status, 200);
    }
    let cx = eco.context();
    let told = cx.eventually(|| async {
        let sent = a3.received_requests().await.unwrap_or_default();
        let told: Vec<_> = sent.into_iter().filter(|sent| sent.url.path() == "/bandit/reward").collect();
        Ok((told.len() == 2).then_some(told))
    });
    let told = told.await.unwrap().expect("A3 is told, and once more after its 503");
    for sent in &told {
        let mut body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
        assert!(body["at_ms"].take().is_i64());
        let wanted = json!({ "slug": "stem-awards", "session_id": visit, "checkout": true, "at_ms": null });
        assert_eq!(body, wanted, "the visit, and nothing else");
        assert_eq!(sent.headers["x-idempotency-key"].to_str().unwrap(), format!("a5:checkout:{visit}"));
    }
    eco.stop().await;
}
