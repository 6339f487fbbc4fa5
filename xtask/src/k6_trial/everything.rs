//! Every kind of expectation, extract and placeholder, met and missed, against a server whose answers are known.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Executor, Expect, ExtractFrom, Feeder, FeederMode, Scenario, Step};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const COOKIES: &str = "set-cookie: sid=a=b; Path=/; HttpOnly; Expires=Wed, 21 Oct 2037 07:28:00 GMT; SameSite=Lax\r\nset-cookie: other=1\r\n";
const PAGE: &str = "<form><input type=\"hidden\" name=\"csrf\" value=\"t &amp; 1\"></form><p id=7>Zo\u{eb}</p>";

/// A server of this machine; it ends when the task is aborted.
pub(super) async fn server() -> std::io::Result<(u16, JoinHandle<()>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let task = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    Ok((port, task))
}

/// Answers requests until the other side has enough.
async fn serve(mut socket: TcpStream) {
    let mut seen = Vec::new();
    while let Ok(1..) = socket.read_buf(&mut seen).await {
        while let Some((head, body, rest)) = whole(&seen) {
            if socket.write_all(answer(&head, &body).as_bytes()).await.is_err() {
                return;
            }
            seen = rest;
        }
    }
}

/// Head and body of the first request, and what follows it.
fn whole(seen: &[u8]) -> Option<(String, String, Vec<u8>)> {
    let end = seen.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok()).unwrap_or(0);
    let body = seen.get(end + 4..end + 4 + length)?;
    Some((head.clone(), String::from_utf8_lossy(body).into_owned(), seen[end + 4 + length..].to_vec()))
}

fn answer(head: &str, body: &str) -> String {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let of = |status: &str, headers: &str, kind: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    match path.split('?').next().unwrap_or_default() {
        "/json" => of("200 OK", "", "application/json", r#"{"a":{"b/c":[1,"x y",true,null]},"o":{"k":1,"l":[]}}"#),
        "/form" => of("200 OK", COOKIES, "text/html; charset=utf-8", PAGE),
        "/redirect" => of("302 Found", "location: /echo?code=a%20b%2Bc&state=s+1#x\r\n", "text/plain", ""),
        _ => of("200 OK", "", "application/json", &json!({ "path": path, "body": body }).to_string()),
    }
}

fn header(name: &str, matches: &str) -> Expect {
    Expect::Header { name: name.to_owned(), matches: matches.to_owned() }
}

fn equals(pointer: &str, value: Value) -> Expect {
    Expect::JsonEquals { pointer: pointer.to_owned(), value }
}

fn like(pointer: &str, pattern: &str) -> Expect {
    Expect::JsonMatches { pointer: pointer.to_owned(), pattern: pattern.to_owned() }
}

fn cookie(name: &str, attributes: &[&str]) -> Expect {
    Expect::Cookie { name: name.to_owned(), attributes: attributes.iter().map(|one| (*one).to_owned()).collect() }
}

fn once(id: &str, title: &str) -> Scenario {
    let executor = Executor::SharedIterations { vus: 1, iterations: 3, max_duration_ms: 10_000 };
    Scenario::new(id, AppId::A6, title).executor(executor)
}

/// Everything in it is met.
pub(super) fn met() -> Scenario {
    let json = Step::get("json", "/json?n={{iteration}}&v={{vu}}&t={{now_ms}}")
        .expect(header("Content-Type", "application/*"))
        .expect(equals("/a/b~1c/0", json!(1)))
        .expect(equals("/a/b~1c/3", Value::Null))
        .expect(equals("/o", json!({ "l": [], "k": 1 })))
        .expect(like("/a/b~1c/1", "x*"))
        .expect(like("/a/b~1c/2", "true"))
        .expect(Expect::JsonExists { pointer: "/a/b~1c/3".to_owned() })
        .expect(Expect::BodyContains("\"x y\"".to_owned()))
        .extract_json("word", "/a/b~1c/1")
        .extract_header("kind", "content-type");
    let form = Step::get("form", "/form")
        .expect_status(&[200, 204])
        .expect(cookie("sid", &["httponly", "Path=/", "samesite=lax"]))
        .expect(Expect::BodyBytesMin(u64::try_from(PAGE.len()).unwrap_or(0)))
        .extract("sid", ExtractFrom::Cookie("sid".to_owned()))
        .extract("csrf", ExtractFrom::FormField("csrf".to_owned()))
        .extract("id", ExtractFrom::Regex("(?i)<P ID=([0-9]+)>".to_owned()));
    let redirect = Step::get("redirect", "/redirect")
        .expect_status(&[302])
        .extract("code", ExtractFrom::RedirectQuery("code".to_owned()))
        .extract("state", ExtractFrom::RedirectQuery("state".to_owned()))
        .think(Duration::from_millis(1));
    let echo = Step::post("echo", "/echo?c={{var.code}}&w={{var.word}}&s={{var.sid}}&i={{var.id}}")
        .form(&[("csrf", "{{var.csrf}}"), ("state", "{{var.state}}"), ("kind", "{{var.kind}}")])
        .expect(equals("/path", json!("/echo?c=a%20b%2bc&w=x%20y&s=a%3db&i=7")))
        .expect(equals("/body", json!("csrf=t%20%26%201&state=s%201&kind=application%2Fjson")));
    let followed =
        Step::get("followed", "/redirect").follow_redirects(2).expect_status(&[200]).expect_body("code=a%20b");
    let scenario = once("met", "All is as expected").step(json).step(form).step(redirect).step(echo).step(followed);
    scenario.threshold("http_req_failed", "rate<0.01").threshold("iterations", "count>=3")
}

/// Nothing in it is met but the statuses.
pub(super) fn missed() -> Scenario {
    let json = Step::get("json", "/json")
        .expect(header("content-type", "text/*"))
        .expect(header("x-not-there", "*"))
        .expect(equals("/a/b~1c/0", json!("1")))
        .expect(equals("/o", json!({ "k": 1 })))
        .expect(like("/a/b~1c/1", "y*"))
        .expect(like("/o", "*"))
        .expect(Expect::JsonExists { pointer: "/a/b~1c/4".to_owned() })
        .expect(Expect::BodyContains("nowhere".to_owned()))
        .expect(Expect::BodyBytesMin(10_000));
    let form = Step::get("form", "/form")
        .expect(cookie("sid", &["Secure"]))
        .expect(cookie("none", &["Path=/"]))
        .expect(equals("", json!({})));
    once("missed", "Nothing is as expected").step(json).step(form)
}

/// Takes a record for each iteration, and has fewer records than iterations.
pub(super) fn fed() -> Scenario {
    let feeder =
        Feeder { source: "two.jsonl".to_owned(), fields: vec!["n".to_owned()], mode: FeederMode::UniquePerIteration };
    let step = Step::post("echo", "/echo").text("{{data.n}}-{{vu}}").expect(like("/body", "record *-0"));
    once("fed", "Each iteration has a record of its own").feeder(feeder).step(step)
}

/// The data of [`fed`].
pub(super) const DATA: &str = "{\"n\":\"record 1\"}\n\n{\"n\":\"record 2\"}\n";

/// Where the server is, as the scripts take it.
pub(super) fn env(port: u16) -> BTreeMap<String, String> {
    BTreeMap::from([("A6_BASE_URL".to_owned(), format!("http://127.0.0.1:{port}"))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_of_the_trial_are_valid() {
        for scenario in [met(), missed(), fed()] {
            assert_eq!(scenario.validate(), Ok(()));
        }
    }
}
