use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

use super::*;

fn sent<'a>(authority: &'a str, path: &'a str, headers: &'a HeaderMap, body: &'a [u8]) -> Sent<'a> {
    Sent { method: &Method::POST, tls: false, authority, path, headers, body }
}

#[test]
fn a_capsule_repeats_the_request_without_its_secrets() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer abc".parse().unwrap());
    headers.insert("x-idempotency-key", "k1".parse().unwrap());
    headers.insert("x-telemetry-key", "t0p".parse().unwrap());
    let body = br#"{"password":"hunter2","note":"it's","mail":"test_1@example.com","to":"zoe@web.de"}"#;
    let sent = sent("127.0.0.1:1", "/a?code=123&page=2", &headers, body);
    let body = br#"{"access_token":"eyJhbGciOiJIUzI1NiJ9.e30.x","mail":"zoe@example.org","n":3}"#;
    let capsule = capsule(&sent, Some(500), body);
    assert_eq!(
        capsule.curl,
        r#"curl -sS -g --path-as-is -i -X POST -H 'authorization: Bearer '"${TOKEN:?}" -H "x-idempotency-key: ${IDEMPOTENCY_KEY:-k1}" -H 'x-telemetry-key: '"${HANDSHAKE_TELEMETRY_KEY:?}" --data-raw '{"password":"'"${PASSWORD:?}"'","note":"it'\''s","mail":"test_1@example.com","to":"'"${EMAIL:?}"'"}' 'http://127.0.0.1:1/a?code='"${CODE:?}"'&page=2'"#
    );
    assert_eq!(capsule.body, r#"{"access_token":"[redacted]","mail":"[redacted]","n":3}"#);
}

#[test]
fn a_secret_that_is_cut_off_is_still_redacted() {
    assert_eq!(redact_body(r#"{"a":1,"token":"abcdef"#, Shown::Answer), r#"{"a":1,"token":"[redacted]""#);
    assert_eq!(redact_body("grant=x&client_secret=abc", Shown::Answer), "grant=x&client_secret=[redacted]");
}

#[test]
fn only_the_start_of_a_long_body_is_kept() {
    assert_eq!(start_of(&[b'x'; 5_000]).len(), 300);
}

#[test]
fn a_body_that_no_line_can_hold_has_to_be_given() {
    let headers = HeaderMap::new();
    let line = curl(&sent("127.0.0.1:1", "/", &headers, &[b'x'; 20_000]));
    assert!(line.contains("${BODY_FILE:?a file of the 20000 bytes") && line.len() < 500, "{line}");
}

/// Answers every request with 200 and keeps it byte for byte.
async fn recorder() -> (u16, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !is_whole(&seen) {
            assert!(socket.read_buf(&mut seen).await.unwrap() > 0, "curl closed the connection early");
        }
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
        seen
    });
    (port, task)
}

fn head_and_body(request: &[u8]) -> Option<(&str, &[u8])> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&request[..end]).ok()?, &request[end + 4..]))
}

fn is_whole(request: &[u8]) -> bool {
    head_and_body(request).is_some_and(|(head, body)| {
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        body.len() >= length.unwrap_or(0)
    })
}

async fn run(line: &str) -> std::process::Output {
    Command::new("sh").args(["-c", line]).kill_on_drop(true).output().await.expect("a shell can be started")
}

#[tokio::test]
async fn curl_sends_again_what_was_sent_whatever_is_in_it() {
    let nasty = [
        "it's \"quoted\"",
        "$HOME `id` $(id) \\n \\",
        "two\nlines\r\n and\ta tab",
        "Zoë ☃ 漢字 🦀",
        "@/etc/hostname",
        "a=1&b=%20+c",
        "-X DELETE --data-raw x",
        r#"{"a":["'$x'",{"b":"\u0000\\\""}]}"#,
        "!history ~ * ? [x] {a,b} # not a comment",
    ];
    let mut bodies = Vec::new();
    for body in nasty {
        let (port, task) = recorder().await;
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "text/plain".parse().unwrap());
        headers.insert("x-note", "it's $HOME \"x\"; {y}".parse().unwrap());
        headers.insert("x-empty", "".parse().unwrap());
        headers.insert("x-idempotency-key", "k-1".parse().unwrap());
        let authority = format!("127.0.0.1:{port}");
        let line = curl(&sent(&authority, "/a/../b/[x]{1,2}?q=it%27s&r=$x", &headers, body.as_bytes()));
        let output = run(&line).await;
        assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
        let seen = task.await.unwrap();
        let (head, got) = head_and_body(&seen).unwrap();
        assert!(head.starts_with("POST /a/../b/[x]{1,2}?q=it%27s&r=$x HTTP/1.1\r\n"), "{head}");
        let there = ["content-type: text/plain", "x-note: it's $HOME \"x\"; {y}", "x-idempotency-key: k-1"];
        assert!(there.iter().all(|header| head.lines().any(|line| line == *header)), "{head}");
        assert!(head.lines().any(|line| line.trim_end() == "x-empty:"), "{head}");
        bodies.push(String::from_utf8(got.to_vec()).unwrap());
    }
    assert_eq!(bodies, nasty);
}

#[tokio::test]
async fn a_line_whose_secret_is_not_set_sends_nothing() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer s3cr3t".parse().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let output = run(&format!("unset TOKEN; {}", curl(&sent(&authority, "/", &headers, b"")))).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("TOKEN"), "{said}");
}
