//! Framing, TLS, HTTP/2, and peers that mean no good: each is an answer or a counted error, in bounded time and memory.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::scripted::{self, Act};
use super::*;
use crate::target::HttpVersion;
use crate::target::Targets;

async fn against(port: u16, step: Step, count: u64, options: LoadOptions) -> StepReport {
    let mut report = run(&paced(step, count), &guard(port), options).await.unwrap();
    report.steps.remove(0)
}

/// Runs three requests against a server that answers with these bytes.
async fn answered(bytes: &[u8]) -> StepReport {
    let port = scripted::start(Act::Answer(bytes.to_vec())).await;
    against(port, Step::get("x", "/x").expect_body("hello"), 3, LoadOptions::default()).await
}

fn impatient() -> LoadOptions {
    LoadOptions { request_timeout: Duration::from_millis(200), ..LoadOptions::default() }
}

#[tokio::test]
async fn bodies_are_read_however_they_are_framed() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\ntrailer: t\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    ] {
        let step = answered(bytes).await;
        assert_eq!((step.ok, step.body_bytes), (3, 15), "{:?} {:?}", String::from_utf8_lossy(bytes), step.failed);
    }
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
    let port = scripted::start(Act::Drip(bytes.to_vec())).await;
    let step = against(port, Step::get("x", "/x").expect_body("hello"), 2, LoadOptions::default()).await;
    assert_eq!((step.ok, step.first_byte.count()), (2, 2), "{:?}", step.failed);
    assert!(step.first_byte.summary().max_us < step.service.summary().max_us);
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_is_read_to_its_end() {
    let first = b"HTTP/1.1 200 OK\r\n\r\nhel".to_vec();
    let port = scripted::start(Act::Times { first, then: b"lo".to_vec(), times: 1 }).await;
    let step = against(port, Step::get("x", "/x").expect_body("hello"), 3, LoadOptions::default()).await;
    assert_eq!((step.ok, step.body_bytes), (3, 15), "{:?}", step.failed);
}

#[tokio::test]
async fn a_head_request_has_no_body_whatever_its_length_says() {
    let port = scripted::start(Act::Answer(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n".to_vec())).await;
    let step = against(port, Step::new("x", "HEAD", "/x"), 3, impatient()).await;
    assert_eq!((step.ok, step.body_bytes), (3, 0), "{:?}", step.failed);
}

#[tokio::test]
async fn a_connection_that_says_more_than_it_should_is_not_used_again() {
    let port = scripted::start(Act::Answer(b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let report = run(&paced(Step::get("x", "/x"), 3), &guard(port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].statuses.get(&204), report.connections.opened), (Some(&3), 3));
}

#[tokio::test]
async fn a_hundred_megabytes_that_nobody_reads_are_counted_and_not_kept() {
    let (first, piece) = (format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 100 << 20), vec![b'x'; 1 << 20]);
    let port = scripted::start(Act::Times { first: first.into_bytes(), then: piece, times: 100 }).await;
    let step = against(port, Step::get("x", "/x"), 1, LoadOptions::default()).await;
    assert_eq!((step.ok, step.body_bytes), (1, 100 << 20), "{:?}", step.failed);
    assert!(step.slowest[0].capsule.body.len() <= 300);
}

#[tokio::test]
async fn a_hundred_megabytes_that_should_be_looked_at_are_refused() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 100 << 20);
    let act = Act::Forever { first: head.into_bytes(), then: vec![b'x'; 1 << 16] };
    let step = against(scripted::start(act).await, Step::get("x", "/x").expect_body("y"), 1, impatient()).await;
    assert_eq!(step.errors[&ErrorKind::Protocol], 1);
    assert!(step.failed[0].error.as_ref().unwrap().contains("too large to be looked at"), "{:?}", step.failed);
    let endless = Act::Forever {
        first: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        then: [b"10000\r\n".to_vec(), vec![b'x'; 1 << 16], b"\r\n".to_vec()].concat(),
    };
    let options = LoadOptions::default();
    let step = against(scripted::start(endless).await, Step::get("x", "/x").expect_body("y"), 1, options).await;
    assert_eq!(step.errors[&ErrorKind::Protocol], 1, "{:?}", step.failed);
}

#[tokio::test]
async fn a_header_without_end_is_a_protocol_error_at_64_kib() {
    let act = Act::Forever { first: b"HTTP/1.1 200 OK\r\nx: ".to_vec(), then: vec![b'a'; 1 << 10] };
    let step = against(scripted::start(act).await, Step::get("x", "/x"), 2, LoadOptions::default()).await;
    assert_eq!(step.errors[&ErrorKind::Protocol], 2, "{:?}", step.failed);
    assert!(step.failed[0].error.as_ref().unwrap().contains("65536"), "{:?}", step.failed);
}

#[tokio::test]
async fn a_body_without_end_is_a_timeout() {
    let act = Act::Forever {
        first: b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
        then: b"4\r\nabcd\r\n".to_vec(),
    };
    let step = against(scripted::start(act).await, Step::get("x", "/x"), 2, impatient()).await;
    assert_eq!(step.errors[&ErrorKind::Timeout], 2, "{:?}", step.failed);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_reset() {
    let first = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n".to_vec();
    let port = scripted::start(Act::Times { first, then: b"short".to_vec(), times: 1 }).await;
    let step = against(port, Step::get("x", "/x"), 3, impatient()).await;
    assert_eq!(step.errors[&ErrorKind::Reset], 3, "{:?}", step.failed);
}

/// A server with a certificate of its own for 127.0.0.1; `certificate.pem` in `folder` vouches for it.
async fn secure(folder: &Path, protocols: &[&[u8]]) -> u16 {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(folder.join("certificate.pem"), own.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                serve(stream, http2).await;
            });
        }
    });
    port
}

/// Serves both protocols; answers tell which one was spoken.
async fn serve(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static, http2: bool) {
    let version = |request: axum::extract::Request| async move { format!("{:?}", request.version()) };
    let echo = |headers: axum::http::HeaderMap, body: String| async move {
        ([("server-timing", "app;dur=2")], format!("{body} {}", headers["traceparent"].to_str().unwrap().len()))
    };
    let service = TowerToHyperService::new(Router::new().route("/version", get(version)).route("/echo", post(echo)));
    let io = TokioIo::new(stream);
    let _ended = if http2 {
        hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
    } else {
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await
    };
}

fn secure_guard(port: u16, ca_file: Option<&Path>) -> Guard {
    let committed = include_str!("../../../../tests/perf/config/targets.yaml");
    let (head, _) = committed.split_once("  # A shared deployment").unwrap();
    let tls = ca_file.map_or(String::new(), |path| format!("    tls:\n      ca_file: {}\n", path.display()));
    let text = head.replace("http://127.0.0.1:7106", &format!("https://127.0.0.1:{port}"));
    let targets = Targets::parse("test", &format!("{}\n{tls}", text.trim_end())).unwrap();
    Guard::new(targets.get("embedded").unwrap().clone())
}

#[tokio::test]
async fn both_protocols_are_spoken_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let port = secure(folder.path(), &[b"h2", b"http/1.1"]).await;
    let guard = secure_guard(port, Some(&folder.path().join("certificate.pem")));
    for (http, spoken) in [(HttpVersion::Http1, "HTTP/1.1"), (HttpVersion::Http2, "HTTP/2.0")] {
        let probe = paced(Step::get("version", "/version").expect_body(spoken), 5);
        let guard = Guard::new(guard.environment().clone().speaking(http));
        let report = run(&probe, &guard, LoadOptions::default()).await.unwrap();
        assert_eq!((report.steps[0].ok, report.connections.opened), (5, 1), "{:?}", report.steps[0].failed);
    }
}

#[tokio::test]
async fn http2_with_prior_knowledge_carries_bodies_traces_and_the_apps_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, true));
        }
    });
    let step = Step::post("echo", "/echo").text("vu {{vu}}").expect_body("vu 0 55");
    let guard = Guard::new(guard(port).environment().clone().speaking(HttpVersion::Http2));
    let report = run(&paced(step, 60), &guard, LoadOptions::default()).await.unwrap();
    assert_eq!(report.steps[0].ok, 60, "{:?}", report.steps[0].failed);
    assert!(report.traces.iter().all(|trace| trace.app_us == Some(2_000)));
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_an_error_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let port = secure(folder.path(), &[b"http/1.1"]).await;
    let other = tempfile::tempdir().unwrap();
    secure(other.path(), &[]).await;
    let stranger = secure_guard(port, Some(&other.path().join("certificate.pem")));
    let error = run(&paced(Step::get("x", "/version"), 3), &stranger, LoadOptions::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("`tls.ca_file`"), "{error}");
    let missing = secure_guard(port, Some(&folder.path().join("nowhere.pem")));
    let error = run(&paced(Step::get("x", "/version"), 3), &missing, LoadOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere.pem"), "{error}");
}

#[tokio::test]
async fn a_peer_without_http2_is_an_error_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let port = secure(folder.path(), &[b"http/1.1"]).await;
    let guard = secure_guard(port, Some(&folder.path().join("certificate.pem")));
    let guard = Guard::new(guard.environment().clone().speaking(HttpVersion::Http2));
    let error = run(&paced(Step::get("x", "/version"), 3), &guard, LoadOptions::default()).await.unwrap_err();
    assert!(matches!(error, LoadError::Tls { .. }), "{error}");
}
