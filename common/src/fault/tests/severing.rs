//! Connections that end as they should not, and requests that never arrive.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::site::{PAGE, PATIENCE, Site};
use crate::fault::{Action, Answer, Cut, Dropped, Reset, Rule};

/// Sends one request by hand and reads until the connection ends.
async fn by_hand(site: &Site, path: &str) -> (Vec<u8>, std::io::Result<()>) {
    let mut stream = TcpStream::connect(site.proxy.address()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: app\r\n\r\n").as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut read)).await.expect("the connection ends");
    (read, end.map(drop))
}

fn body_of(read: &[u8]) -> String {
    let text = String::from_utf8(read.to_vec()).unwrap();
    text.split_once("\r\n\r\n").map_or_else(String::new, |(_, body)| body.to_owned())
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset_and_nothing_is_passed_on() {
    let site = Site::doing(Action::Reset(Reset::default())).await;
    let (read, end) = by_hand(&site, "/count").await;
    assert!(read.is_empty());
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(site.seen.bodies().is_empty());
    assert_eq!(site.applied(), 1);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_reset_within_an_answer_lets_its_beginning_through() {
    let site = Site::doing(Action::Reset(Reset { after_bytes: Some(10) })).await;
    let (read, end) = by_hand(&site, "/page").await;
    assert_eq!(body_of(&read), PAGE[..10]);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_truncated_answer_promises_more_than_it_holds() {
    let site = Site::doing(Action::Truncate(Cut { after_bytes: 10, clean: false })).await;
    let (read, end) = by_hand(&site, "/page").await;
    assert!(end.is_ok(), "it is closed, not reset");
    assert!(String::from_utf8_lossy(&read).contains(&format!("content-length: {}", PAGE.len())));
    assert_eq!(body_of(&read), PAGE[..10]);
    let answer = site.get("/page").await;
    assert!(answer.bytes().await.is_err(), "a client notices");
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_clean_end_hides_what_is_missing() {
    let site = Site::doing(Action::Truncate(Cut { after_bytes: 10, clean: true })).await;
    assert_eq!(site.get("/page").await.text().await.unwrap(), PAGE[..10]);
    let stream = site.get("/stream").await.text().await.unwrap();
    assert_eq!(stream, "data: one\n");
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_cut_beyond_the_end_changes_nothing() {
    let site = Site::doing(Action::Truncate(Cut { after_bytes: 10_000, clean: false })).await;
    assert_eq!(site.get("/page").await.text().await.unwrap(), PAGE);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_dropped_request_gets_no_answer_until_the_caller_gives_up() {
    let site = Site::with(vec![Rule::new("lost").on("POST", "/effects").does(Action::Drop(Dropped::default()))]).await;
    let mut applied = site.proxy.follow();
    let asked = site.client.post(site.url("/effects")).body("lost").send();
    tokio::select! {
        answer = asked => panic!("an answer came: {answer:?}"),
        told = applied.recv() => assert_eq!(told.unwrap().rule, "lost"),
    }
    // The caller has given up; others are served as before.
    assert_eq!(site.get("/bill").await.status(), 200);
    assert!(site.seen.bodies().is_empty());
    site.proxy.stop().await;
}

#[tokio::test]
async fn an_acknowledged_request_was_never_passed_on() {
    let told = serde_json::json!({ "accepted": 1 });
    let site = Site::doing(Action::acknowledge(Answer::of(202).json(&told))).await;
    let answer = site.client.post(site.url("/effects")).body("lost").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap(), told);
    assert!(site.seen.bodies().is_empty());
    site.proxy.stop().await;
}
