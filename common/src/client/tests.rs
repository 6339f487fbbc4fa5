use std::collections::BTreeMap;

use serde_json::{Value, json};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate};

use super::*;
use crate::contract::{PROTOCOL_VERSION, header};
use crate::guard::Refusal;
use crate::ids::TraceId;
use crate::target::Environment;

fn client_of(servers: &[(AppId, &MockServer)]) -> Client {
    let ports: BTreeMap<_, _> = servers.iter().map(|(app, server)| (*app, server.address().port())).collect();
    Client::new(Arc::new(Guard::new(Environment::embedded(ports)))).unwrap()
}

/// A response that keeps every rule for `app`, as an answer to `received`.
fn lawful(app: AppId, received: &Received, status: u16) -> ResponseTemplate {
    let trace = received.headers.get(header::TRACE_ID).map(|value| value.to_str().unwrap().to_owned());
    let trace = trace.unwrap_or_else(|| TraceId::fresh().to_string());
    let template = ResponseTemplate::new(status)
        .insert_header(header::TRACE_ID, trace.as_str())
        .insert_header(header::PROTOCOL_VERSION, PROTOCOL_VERSION)
        .insert_header(header::APP_ID, app.as_str());
    if status < 400 {
        return template;
    }
    let problem = json!({ "type": "about:blank", "title": "no", "status": status, "trace_id": trace });
    template.set_body_raw(problem.to_string(), "application/problem+json")
}

/// A server that answers every request by `answer`, and a client for it as A6.
async fn a6(answer: impl Fn(&Received) -> ResponseTemplate + Send + Sync + 'static) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client_of(&[(AppId::A6, &server)]);
    (server, client)
}

/// The rules that one response breaks, as seen in the reply; the client's list must hold the same.
async fn broken_rules(answer: impl Fn(&Received) -> ResponseTemplate + Send + Sync + 'static) -> Vec<Rule> {
    let (_server, client) = a6(answer).await;
    let reply = client.get(AppId::A6, "/x").send().await.unwrap();
    assert_eq!(client.take_violations(), reply.violations);
    reply.violations.into_iter().map(|violation| violation.rule).collect()
}

#[tokio::test]
async fn a_lawful_response_breaks_no_rule() {
    for status in [200, 204, 302, 404, 503] {
        assert_eq!(broken_rules(move |received| lawful(AppId::A6, received, status)).await, [], "{status}");
    }
}

#[tokio::test]
async fn a_foreign_or_missing_trace_is_a_violation() {
    let foreign = |received: &Received| {
        lawful(AppId::A6, received, 200).insert_header(header::TRACE_ID, TraceId::from_u128(7).to_string())
    };
    assert_eq!(broken_rules(foreign).await, [Rule::TraceEchoed]);
    let missing = |_: &Received| {
        ResponseTemplate::new(200)
            .insert_header(header::PROTOCOL_VERSION, PROTOCOL_VERSION)
            .insert_header(header::APP_ID, "A6")
    };
    assert_eq!(broken_rules(missing).await, [Rule::TraceEchoed]);
}

#[tokio::test]
async fn another_protocol_version_is_a_violation() {
    let other =
        |received: &Received| lawful(AppId::A6, received, 200).insert_header(header::PROTOCOL_VERSION, "v3.5.0");
    assert_eq!(broken_rules(other).await, [Rule::ProtocolVersion]);
}

#[tokio::test]
async fn an_answer_of_another_app_is_a_violation() {
    assert_eq!(broken_rules(|received| lawful(AppId::A5, received, 200)).await, [Rule::AppId]);
}

#[tokio::test]
async fn an_error_that_is_no_problem_document_is_a_violation() {
    type Spoil = fn(&mut Value);
    let spoils: [(&str, Spoil); 5] = [
        ("no type", |problem| problem["type"] = Value::Null),
        ("no title", |problem| problem["title"] = "".into()),
        ("status 200", |problem| problem["status"] = 200.into()),
        ("trace_id null", |problem| problem["trace_id"] = Value::Null),
        ("not JSON", |problem| *problem = Value::Null),
    ];
    for (expected, spoil) in spoils {
        let (_server, client) = a6(move |received| {
            let lawful = lawful(AppId::A6, received, 422);
            let trace = received.headers[header::TRACE_ID].to_str().unwrap();
            let mut problem = json!({ "type": "about:blank", "title": "no", "status": 422, "trace_id": trace });
            spoil(&mut problem);
            let body = if problem.is_null() { "<html>".to_owned() } else { problem.to_string() };
            lawful.set_body_raw(body, "application/problem+json")
        })
        .await;
        let reply = client.get(AppId::A6, "/x").send().await.unwrap();
        let [violation] = reply.violations.as_slice() else { panic!("{expected}: {:?}", reply.violations) };
        assert_eq!(violation.rule, Rule::ProblemDocument);
        assert!(violation.detail.contains(expected), "{expected}: {violation}");
    }
}

#[tokio::test]
async fn an_error_of_another_content_type_is_a_violation_unless_a_standard_prescribes_it() {
    let oauth = |received: &Received| {
        lawful(AppId::A6, received, 400).set_body_raw(r#"{"error":"invalid_grant"}"#, "application/json")
    };
    assert_eq!(broken_rules(oauth).await, [Rule::ProblemDocument]);
    let (_server, client) = a6(oauth).await;
    assert_eq!(client.post(AppId::A6, "/oidc/token").native_errors().send().await.unwrap().violations, []);
}

#[tokio::test]
async fn a_panic_message_in_any_body_is_a_violation() {
    for (body, status) in [("thread 'main' panicked at src/x.rs", 200), ("stack backtrace:\n 0: x", 200)] {
        let rules = broken_rules(move |received| lawful(AppId::A6, received, status).set_body_string(body)).await;
        assert_eq!(rules, [Rule::NoStackTrace], "{body}");
    }
}

#[tokio::test]
async fn an_error_that_repeats_a_secret_is_a_violation() {
    let (_server, client) = a6(|received| {
        let trace = received.headers[header::TRACE_ID].to_str().unwrap();
        let title = format!("bad {:?}", received.headers["authorization"]);
        let problem = json!({ "type": "about:blank", "title": title, "status": 401, "trace_id": trace });
        lawful(AppId::A6, received, 401).set_body_raw(problem.to_string(), "application/problem+json")
    })
    .await;
    let reply = client.get(AppId::A6, "/x").bearer("s3cr3t-token").send().await.unwrap();
    let rules: Vec<_> = reply.violations.iter().map(|violation| violation.rule).collect();
    assert_eq!(rules, [Rule::NoSecretEchoed]);
    assert!(!reply.capsule().curl.contains("s3cr3t"), "{}", reply.capsule().curl);
    assert!(!reply.capsule().response.contains("s3cr3t"), "{}", reply.capsule().response);
}

#[tokio::test]
async fn a_violation_says_where_and_what() {
    let (_server, client) = a6(|received| lawful(AppId::A5, received, 200)).await;
    let trace = TraceId::from_u128(0xabc);
    client.post(AppId::A6, "/register?token=s3cr3t").trace(trace).send().await.unwrap();
    let shown = client.take_violations()[0].to_string();
    assert_eq!(shown, format!("A6 POST /register → 200: \"A5\" as x-app-id, expected \"A6\" (trace {trace})"));
    assert!(client.take_violations().is_empty(), "taken violations came again");
}

#[tokio::test]
async fn every_request_is_traced_and_labelled_and_a_mutation_has_a_fresh_key() {
    let (server, client) = a6(|received| lawful(AppId::A6, received, 200)).await;
    let first = client.post(AppId::A6, "/x").json(&json!({ "a": 1 })).send().await.unwrap();
    client.post(AppId::A6, "/x").form(&[("a b", "ü&")]).send().await.unwrap();
    client.get(AppId::A6, "/x").send().await.unwrap();
    let received = server.received_requests().await.unwrap();
    let value = |index: usize, name: &str| {
        received[index].headers.get(name).map(|value: &http::HeaderValue| value.to_str().unwrap().to_owned())
    };
    for index in 0..3 {
        let label = |name| value(index, name).unwrap();
        assert_eq!(
            [header::TEST_RUN, header::SOURCE, header::NAMESPACE, header::TENANT_ID].map(label),
            ["true", "qa", "perf_test", "tenant_synthetic"]
        );
        let parent: crate::ids::TraceParent = label(header::TRACEPARENT).parse().unwrap();
        assert_eq!(label(header::TRACE_ID), parent.trace.to_string());
    }
    assert_eq!(value(0, header::TRACE_ID), Some(first.trace.to_string()));
    assert_ne!(value(0, header::TRACE_ID), value(1, header::TRACE_ID));
    assert!(value(0, header::IDEMPOTENCY_KEY).is_some());
    assert_ne!(value(0, header::IDEMPOTENCY_KEY), value(1, header::IDEMPOTENCY_KEY));
    assert_eq!(value(2, header::IDEMPOTENCY_KEY), None);
    assert_eq!(value(0, "content-type").as_deref(), Some("application/json"));
    assert_eq!(received[1].body, b"a+b=%C3%BC%26");
}

#[tokio::test]
async fn what_is_left_out_is_not_sent() {
    let (server, client) = a6(|received| lawful(AppId::A6, received, 200)).await;
    let reply = client.post(AppId::A6, "/x").without_trace().without_idempotency_key().send().await.unwrap();
    let received = &server.received_requests().await.unwrap()[0];
    for name in [header::TRACE_ID, header::TRACEPARENT, header::IDEMPOTENCY_KEY] {
        assert!(!received.headers.contains_key(name), "{name} was sent");
    }
    assert_eq!(reply.violations, []);
    assert_eq!(reply.header(header::TRACE_ID), Some(reply.trace.to_string().as_str()));
}

#[tokio::test]
async fn an_untraced_request_must_get_a_trace() {
    let (_server, client) =
        a6(|received| lawful(AppId::A6, received, 200).insert_header(header::TRACE_ID, "none")).await;
    let reply = client.get(AppId::A6, "/x").without_trace().send().await.unwrap();
    assert_eq!(reply.violations.len(), 1);
    assert!(reply.violations[0].detail.contains("expected a fresh trace id"), "{}", reply.violations[0]);
}

#[tokio::test]
async fn what_the_guard_refuses_is_not_sent() {
    let (server, _) = a6(|received| lawful(AppId::A6, received, 200)).await;
    let ports = [(AppId::A6, server.address().port())].into();
    let client = Client::new(Arc::new(Guard::new(Environment::embedded(ports).read_only()))).unwrap();
    let requests = [
        client.post(AppId::A6, "/x"),
        client.get(AppId::A5, "/x"),
        client.get(AppId::A6, "//evil.test/"),
        client.get(AppId::A6, "/x").header("Host", "evil.test"),
        client.get(AppId::A6, "/x").header("X-HTTP-Method-Override", "DELETE"),
        client.get(AppId::A6, "/x").header("X-Test-Run", "false"),
    ];
    for request in requests {
        assert!(matches!(request.send().await, Err(ClientError::Refused(_))));
    }
    let broken = client.get(AppId::A6, "/x").header("x-custom", "a\r\nb").send().await.unwrap_err();
    assert!(matches!(broken, ClientError::Malformed { .. }), "{broken}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reply_gives_its_json_and_what_the_app_measured() {
    let (_server, client) = a6(|received| {
        lawful(AppId::A6, received, 200)
            .insert_header(header::SERVER_TIMING, "app;dur=0.25")
            .set_body_json(json!({ "a": [{ "b": 7 }] }))
    })
    .await;
    let reply = client.get(AppId::A6, "/x").send().await.unwrap();
    assert_eq!(reply.json().unwrap()["a"][0]["b"], 7);
    assert_eq!(reply.pointer("/a/0/b"), Some(json!(7)));
    assert_eq!(reply.pointer("/a/1"), None);
    assert_eq!(reply.app_duration, Some(crate::units::Micros(250)));
    assert!(reply.elapsed >= reply.app_duration.unwrap() || reply.elapsed.0 > 0);
}

#[tokio::test]
async fn a_page_where_json_was_expected_is_an_error_that_says_so() {
    let (_server, client) =
        a6(|received| lawful(AppId::A6, received, 200).set_body_raw("<html>sign in", "text/html")).await;
    let error = client.get(AppId::A6, "/x").send().await.unwrap().json().unwrap_err().to_string();
    assert!(error.starts_with("the answer to A6 GET /x (status 200, text/html) is not JSON"), "{error}");
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_an_error() {
    let (_server, client) =
        a6(|received| lawful(AppId::A6, received, 200).set_body_bytes(vec![b'x'; MAX_REPLY_BYTES + 1])).await;
    let error = client.get(AppId::A6, "/x").send().await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { max_bytes: MAX_REPLY_BYTES, .. }), "{error}");
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    let (_server, client) = a6(|received| lawful(AppId::A6, received, 200).set_delay(Duration::from_secs(60))).await;
    let error = client.get(AppId::A6, "/x").timeout(Duration::from_millis(20)).send().await.unwrap_err();
    assert_eq!(error.to_string(), "A6 GET /x got no complete answer within 20ms");
}

#[tokio::test]
async fn an_app_that_does_not_listen_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Client::new(Arc::new(Guard::new(Environment::embedded([(AppId::A2, port)].into())))).unwrap();
    let error = client.get(AppId::A2, "/health").send().await.unwrap_err();
    assert!(matches!(error, ClientError::Connect { app: AppId::A2, .. }), "{error}");
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_body_is_an_error() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap();
    });
    let client = Client::new(Arc::new(Guard::new(Environment::embedded([(AppId::A2, port)].into())))).unwrap();
    let error = client.get(AppId::A2, "/x").send().await.unwrap_err();
    assert!(matches!(error, ClientError::Broken { .. }), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_followed_only_when_asked_and_with_its_cookies() {
    let (student, auth) = (MockServer::start().await, MockServer::start().await);
    let client = client_of(&[(AppId::A5, &student), (AppId::A1, &auth)]);
    let location = format!("{}/oidc/auth?state=7", auth.uri());
    Mock::given(path("/login"))
        .respond_with(move |received: &Received| {
            lawful(AppId::A5, received, 303)
                .insert_header("location", location.as_str())
                .insert_header("set-cookie", "sid=abc; Secure; HttpOnly; SameSite=None; Path=/")
        })
        .mount(&student)
        .await;
    Mock::given(method("GET")).respond_with(|received: &Received| lawful(AppId::A1, received, 200)).mount(&auth).await;
    let session = Session::new(&client);
    let reply = session.post(AppId::A5, "/login").send().await.unwrap();
    assert_eq!(reply.status, 303);
    assert!(auth.received_requests().await.unwrap().is_empty(), "followed without being asked");
    let reply = session.follow(&reply).unwrap().send().await.unwrap();
    assert_eq!((reply.app, reply.status), (AppId::A1, 200));
    let received = &auth.received_requests().await.unwrap()[0];
    assert_eq!(received.headers["cookie"], "sid=abc");
    assert_eq!(received.headers[header::TRACE_ID], session.trace().to_string().as_str());
    assert_eq!(session.cookie(AppId::A5, "/", "sid").as_deref(), Some("abc"));
    assert_eq!(Session::new(&client).cookie(AppId::A5, "/", "sid"), None);
    assert_eq!(client.take_violations(), []);
}

#[tokio::test]
async fn a_redirect_out_of_the_environment_or_without_a_target_is_refused() {
    for (status, location, refused) in [
        (302, Some("https://evil.test/"), true),
        (302, Some("//evil.test/"), true),
        (302, None, false),
        (200, Some("/x"), false),
        (307, Some("/x"), false),
    ] {
        let (_server, client) = a6(move |received| {
            let template = lawful(AppId::A6, received, status);
            location.map_or(template.clone(), |location| template.insert_header("location", location))
        })
        .await;
        let session = Session::new(&client);
        let reply = session.post(AppId::A6, "/x").send().await.unwrap();
        match session.follow(&reply).unwrap_err() {
            ClientError::Refused(Refusal::Host { .. }) => assert!(refused, "{status} {location:?}"),
            ClientError::NoRedirect { .. } => assert!(!refused, "{status} {location:?}"),
            other => panic!("{status} {location:?}: {other}"),
        }
    }
}

#[tokio::test]
async fn server_sent_events_come_one_by_one() {
    let (_server, client) = a6(|received| {
        let body = ": hello\n\nid: 1\nevent: tile\ndata: a\ndata: b\n\ndata:{\"x\":1}\r\n\r\ndata: [DONE]\n\ndata: cut";
        lawful(AppId::A6, received, 200).set_body_raw(body, "text/event-stream")
    })
    .await;
    let mut stream = client.get(AppId::A6, "/api/stream").stream().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut seen = Vec::new();
    while let Some(event) = stream.next_event().await.unwrap() {
        seen.push((event.id, event.event, event.data));
    }
    let event = |id: Option<&str>, name: &str, data: &str| (id.map(str::to_owned), name.to_owned(), data.to_owned());
    assert_eq!(seen, [event(Some("1"), "tile", "a\nb"), event(None, "", "{\"x\":1}"), event(None, "", "[DONE]")]);
}

#[tokio::test]
async fn lines_and_chunks_of_a_stream_lose_nothing() {
    let (_server, client) =
        a6(|received| lawful(AppId::A6, received, 200).set_body_string("one\r\ntwo\n\nthree")).await;
    let mut stream = client.get(AppId::A6, "/x").stream().await.unwrap();
    let mut lines = Vec::new();
    while let Some(line) = stream.next_line().await.unwrap() {
        lines.push(line);
    }
    assert_eq!(lines, ["one", "two", "", "three"]);
    let mut stream = client.get(AppId::A6, "/x").stream().await.unwrap();
    assert_eq!(stream.next_line().await.unwrap().as_deref(), Some("one"));
    let mut rest = Vec::new();
    while let Some(chunk) = stream.next_chunk().await.unwrap() {
        rest.extend_from_slice(&chunk);
    }
    assert_eq!(rest, b"two\n\nthree");
}
