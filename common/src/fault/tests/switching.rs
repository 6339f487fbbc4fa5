//! Rules that come, go and count while requests pass.

use serde_json::Value;

use super::site::Site;
use crate::fault::{Action, Rule, Rules};
use crate::ids::TraceId;

#[tokio::test]
async fn a_rule_that_fails_some_requests_lets_later_ones_recover() {
    let site =
        Site::with(vec![Rule::new("flaky").on("POST", "/effects").skip(1).first(2).does(Action::status(503))]).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(site.effect("x").await);
    }
    assert_eq!(told, [200, 503, 503, 200, 200]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn every_third_request_is_disturbed() {
    let site = Site::with(vec![Rule::new("third").every(3).does(Action::status(500))]).await;
    let mut told = Vec::new();
    for _ in 0..7 {
        told.push(site.effect("x").await);
    }
    assert_eq!(told, [200, 200, 500, 200, 200, 500, 200]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn all_hops_of_a_trace_agree_on_a_share() {
    let rules = || vec![Rule::new("some").share(0.5).does(Action::status(500))];
    let (first, second) = (Site::with(rules()).await, Site::with(rules()).await);
    let mut disturbed = 0;
    for _ in 0..40 {
        let trace = TraceId::fresh();
        let by_id = first.client.get(first.url("/bill")).header("x-trace-id", trace.to_string());
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let by_parent = second.client.get(second.url("/bill")).header("traceparent", parent);
        let (one, other) = (by_id.send().await.unwrap().status(), by_parent.send().await.unwrap().status());
        assert_eq!(one, other, "{trace}");
        disturbed += u64::from(one == 500);
    }
    assert!((5..36).contains(&disturbed), "{disturbed} of 40");
    assert_eq!(first.applied(), disturbed);
    assert!(first.proxy.applied().iter().all(|applied| applied.trace_id.is_some() && applied.path == "/bill"));
    assert_eq!(first.get("/bill").await.status(), 200, "without a trace id it belongs to no share");
    first.proxy.stop().await;
    second.proxy.stop().await;
}

#[tokio::test]
async fn rules_end_with_their_guard_and_the_connection_stays() {
    let site = Site::start().await;
    let connection = || async {
        let mut stream = tokio::net::TcpStream::connect(site.proxy.address()).await.unwrap();
        ask(&mut stream).await;
        stream
    };
    let mut kept = connection().await;
    let broken = site.proxy.set(Rules::of(vec![Rule::new("broken").does(Action::status(500))]).unwrap());
    assert_eq!(ask(&mut kept).await, 500);
    let odd = site.proxy.set(Rules::of(vec![Rule::new("odd").does(Action::status(418))]).unwrap());
    drop(broken);
    assert_eq!(ask(&mut kept).await, 418, "an old guard removes no newer rules");
    drop(odd);
    assert_eq!(ask(&mut kept).await, 200);
    assert_eq!(site.proxy.counts(), [("broken".to_owned(), 1), ("odd".to_owned(), 1)].into());
    site.proxy.stop().await;
}

/// Asks on a connection that is kept alive; gives the status.
async fn ask(stream: &mut tokio::net::TcpStream) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(b"GET /bill HTTP/1.1\r\nhost: app\r\n\r\n").await.unwrap();
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4_096];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "the connection stays open");
        read.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == wanted.parse::<usize>().unwrap() {
            assert!(serde_json::from_str::<Value>(body).is_ok());
            return head.split(' ').nth(1).unwrap().parse().unwrap();
        }
    }
}
