//! What rules do to requests and answers that pass.

use std::time::Duration;

use serde_json::{Value, json};

use super::site::{PAGE, Site, bill};
use crate::clock;
use crate::fault::{
    Action, Answer, Cookie, Duplicate, HeaderName, Lognormal, Part, Pattern, Replay, RewriteCookie, RewriteHeader,
    Rule, SetCookie, SetHeader, Stall, Throttle,
};

fn header(part: Part, name: &str, value: &str) -> Action {
    Action::SetHeader(SetHeader { part, name: name.to_owned(), value: value.to_owned() })
}

#[tokio::test]
async fn waits_add_up_before_the_request_is_passed_on() {
    let wait = Lognormal { p50_ms: 20.0, p95_ms: 20.0 };
    let site = Site::with(vec![
        Rule::new("fixed").does(Action::delay_ms(30)),
        Rule::new("drawn").does(Action::DelayLognormal(wait)),
    ])
    .await;
    let began = clock::monotonic();
    assert_eq!(site.effect("late").await, 200);
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    assert_eq!(site.proxy.counts(), [("drawn".to_owned(), 1), ("fixed".to_owned(), 1)].into());
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_pause_holds_all_requests_until_it_ends() {
    let began = clock::monotonic();
    let site = Site::doing(Action::Stall(Stall { every_ms: 3_600_000, for_ms: 300 })).await;
    let (one, other) = tokio::join!(site.effect("one"), site.effect("other"));
    assert_eq!((one, other), (200, 200));
    assert!(began.elapsed() >= Duration::from_millis(300));
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_status_is_answered_in_the_apps_place() {
    let site = Site::doing(Action::Status(Answer::of(429).retry_after(7))).await;
    let answer = site.client.post(site.url("/effects")).body("no").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().unwrap()));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(site.seen.bodies().is_empty());
    site.proxy.stop().await;
}

#[tokio::test]
async fn what_is_committed_and_then_failed_had_its_effect() {
    let site = Site::doing(Action::CommitThenFail(Answer::of(503).retry_after(1))).await;
    assert_eq!(site.effect("booked").await, 503);
    assert_eq!(site.seen.bodies(), ["booked"]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_duplicate_arrives_twice_and_the_caller_gets_the_first_answer() {
    let site = Site::doing(Action::duplicate()).await;
    let answer = site.client.post(site.url("/effects")).body("twice").send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "nth": 1 }));
    assert_eq!(site.seen.bodies(), ["twice", "twice"]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn copies_can_have_ids_of_their_own() {
    let duplicate =
        Duplicate { copies: Some(2), fresh_headers: vec!["x-key".into()], fresh_json: vec!["/events/*/id".into()] };
    let site = Site::doing(Action::Duplicate(duplicate)).await;
    let body = json!({ "events": [{ "id": "a", "n": 1 }] });
    let sent = site.client.post(site.url("/effects")).header("x-key", "k").json(&body).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let bodies: Vec<Value> = site.seen.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!((bodies.len(), &bodies[0]), (3, &body));
    assert!(bodies.iter().all(|body| body["events"][0]["n"] == 1));
    assert_ne!(bodies[1]["events"][0]["id"], bodies[2]["events"][0]["id"]);
    assert_eq!(site.seen.header(0, "x-key").unwrap(), "k");
    assert_ne!(site.seen.header(1, "x-key").unwrap(), "k");
    site.proxy.stop().await;
}

#[tokio::test]
async fn the_first_answer_is_given_to_all_that_follow() {
    let site = Site::doing(Action::ReplayStale(Replay { ignore_query: true })).await;
    let mut told = Vec::new();
    for path in ["/count?a=1", "/count?a=2", "/count"] {
        told.push(site.get(path).await.text().await.unwrap());
    }
    assert_eq!(told, ["1", "1", "1"]);
    assert_eq!(site.seen.bodies().len(), 1, "only the first was passed on");
    let exact = Site::doing(Action::ReplayStale(Replay::default())).await;
    let (one, other) = (exact.get("/count?a=1").await, exact.get("/count?a=2").await);
    assert_ne!(one.text().await.unwrap(), other.text().await.unwrap());
    site.proxy.stop().await;
}

#[tokio::test]
async fn headers_are_set_removed_and_rewritten_in_requests_and_answers() {
    let rewrite = RewriteHeader {
        part: Part::Answer,
        name: "content-type".into(),
        find: Pattern::new("^text/(.*)$").unwrap(),
        replace: "odd/$1".into(),
    };
    let removed = HeaderName { part: Part::Answer, name: "X-Made-By".into() };
    let site = Site::with(vec![
        Rule::new("request").does(header(Part::Request, "x-custom", "set")),
        Rule::new("answer").does(Action::RewriteHeader(rewrite)).does(Action::RemoveHeader(removed)),
    ])
    .await;
    assert_eq!(site.get("/echo").await.json::<Value>().await.unwrap()["custom"], "set");
    let page = site.get("/page").await;
    assert_eq!(page.headers()["content-type"], "odd/html");
    assert!(!page.headers().contains_key("x-made-by"));
    assert_eq!(page.text().await.unwrap(), PAGE);
    site.proxy.stop().await;
}

#[tokio::test]
async fn attributes_of_cookies_are_set_removed_and_rewritten() {
    let of = |attribute: &str| Cookie { cookie: Some("sid".into()), attribute: attribute.into() };
    let lax = SetCookie { cookie: None, attribute: "SameSite".into(), value: Some("Lax".into()) };
    let (cookie, attribute) = (None, "Path".to_owned());
    let elsewhere = RewriteCookie { cookie, attribute, find: Pattern::new("^/").unwrap(), replace: "/app".into() };
    let rule = Rule::new("cookie").does(Action::RemoveCookie(of("Secure"))).does(Action::SetCookie(lax));
    let site = Site::with(vec![rule.does(Action::RewriteCookie(elsewhere))]).await;
    assert_eq!(site.get("/cookie").await.headers()["set-cookie"], "sid=1; Path=/app; SameSite=Lax");
    site.proxy.stop().await;
}

#[tokio::test]
async fn fields_of_json_are_set_removed_and_scaled() {
    let rule = Rule::new("json")
        .does(Action::scale_json(Part::Answer, "/fee_minor", 29.0 / 30.0))
        .does(Action::set_json(Part::Answer, "/rate", "none"))
        .does(Action::remove_json(Part::Answer, "/items/*").wherever("/kind", "a"))
        .does(Action::set_json(Part::Request, "/amount", 7));
    let site = Site::with(vec![rule]).await;
    let told = site.get("/bill").await.json::<Value>().await.unwrap();
    assert_eq!(told, json!({ "fee_minor": 2_900, "rate": "none", "items": [{ "kind": "b", "n": 1 }] }));
    let sent = site.client.post(site.url("/effects")).json(&json!({ "amount": 1 })).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(site.seen.bodies(), ["{\"amount\":7}"]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_change_that_finds_nothing_leaves_all_as_it_was_and_is_not_recorded() {
    let rule = Rule::new("absent").does(Action::scale_json(Part::Answer, "/no/such", 2.0));
    let site = Site::with(vec![rule.does(Action::rewrite_text(Part::Answer, "no such text", ""))]).await;
    assert_eq!(site.get("/bill").await.json::<Value>().await.unwrap(), bill());
    assert_eq!(site.get("/page").await.text().await.unwrap(), PAGE);
    assert_eq!(site.applied(), 0);
    site.proxy.stop().await;
}

#[tokio::test]
async fn text_is_replaced_in_pages() {
    let site = Site::doing(Action::rewrite_text(Part::Answer, "<link rel=\"canonical\"[^>]*>", "")).await;
    assert_eq!(site.get("/page").await.text().await.unwrap(), "<html><p>text</p></html>");
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_throttled_answer_takes_its_time_and_is_whole() {
    let site = Site::doing(Action::Throttle(Throttle { bytes_per_s: 600 })).await;
    let began = clock::monotonic();
    assert_eq!(site.get("/page").await.text().await.unwrap(), PAGE);
    assert!(began.elapsed() >= Duration::from_millis(90), "{} bytes came in {:?}", PAGE.len(), began.elapsed());
    site.proxy.stop().await;
}
