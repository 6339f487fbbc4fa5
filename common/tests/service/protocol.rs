//! What every answer carries, and what becomes of requests that do not fit.

use common::contract::{MAX_BODY_BYTES, header};
use common::ids::{AppId, TraceId, TraceParent};
use common::telemetry::{EventName, keeps};
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::kit::{Kit, Reply, Sink, config, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_answered_with_a_problem_that_names_its_trace() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    let post = || {
        let request = kit.http.post(kit.url("/items")).header(header::IDEMPOTENCY_KEY, "k");
        request.header(header::TRACE_ID, TraceId::fresh().to_string())
    };
    let typed = |body: &'static str| post().header("content-type", "application/json").body(body);
    Reply::of(typed("{\"name\":")).await.assert_problem(400);
    Reply::of(post().header("content-type", "text/plain").body("{}")).await.assert_problem(415);
    let unknown = Reply::of(typed(r#"{"name":"x","surprise":1}"#)).await;
    unknown.assert_problem(422);
    assert!(unknown.body["detail"].as_str().unwrap().contains("surprise"), "{unknown:?}");
    kit.get("/nowhere").await.assert_problem(404);
    Reply::of(kit.http.delete(kit.url("/items"))).await.assert_problem(405);
    assert_eq!(kit.items().await, 0);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_body_is_refused_whether_its_length_is_declared_or_not() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    let body = vec![b' '; MAX_BODY_BYTES * 3 / 2];
    Reply::of(kit.item("k1", "x").body(body.clone())).await.assert_problem(413);
    let parts: Vec<_> = body.chunks(64 << 10).map(|part| Ok::<_, std::io::Error>(part.to_vec())).collect();
    let undeclared = reqwest::Body::wrap_stream(futures_util::stream::iter(parts));
    Reply::of(kit.item("k2", "x").body(undeclared)).await.assert_problem(413);
    assert_eq!(kit.keep("k3", "x").await.status, 201, "the app lives on");
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_becomes_a_problem_and_the_app_lives_on() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    let reply = kit.get("/panic").await;
    reply.assert_problem(500);
    assert!(!reply.body.to_string().contains("the handler panics"), "the panic's words stay inside: {reply:?}");
    assert_eq!(kit.get("/health").await.status, 200);
    assert_eq!(kit.keep("k1", "x").await.status, 201);
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn either_trace_header_is_taken_echoed_and_passed_on() {
    let a2 = MockServer::start().await;
    Mock::given(wiremock::matchers::path("/asked")).respond_with(ResponseTemplate::new(200)).mount(&a2).await;
    let data = tempfile::tempdir().unwrap();
    let mut config = config(data.path());
    config.upstreams.insert(AppId::A2, a2.uri().parse().unwrap());
    let kit = Kit::start(config).await;
    let (bare, parent) = (TraceId::fresh(), TraceParent::fresh());
    let with_bare = kit.http.get(kit.url("/relay")).header(header::TRACE_ID, bare.to_string());
    let with_parent = kit.http.get(kit.url("/relay")).header(header::TRACEPARENT, parent.to_string());
    for (request, trace) in [(with_bare, bare), (with_parent, parent.trace)] {
        let request = request.header(header::TENANT_ID, "north").header(header::TEST_RUN, "true");
        let reply = Reply::of(request.header(header::NAMESPACE, "perf_test").header(header::SOURCE, "qa")).await;
        assert_eq!(reply.header(header::TRACE_ID), Some(trace.to_string().as_str()));
        assert_eq!(reply.header(header::PROTOCOL_VERSION), Some("v3.5.1"));
        assert_eq!(reply.header(header::APP_ID), Some("A6"));
        let asked = a2.received_requests().await.unwrap().pop().unwrap();
        let passed = |name: &str| asked.headers[name].to_str().unwrap().to_owned();
        assert_eq!(passed(header::TRACE_ID), trace.to_string());
        assert_eq!(passed(header::TRACEPARENT).parse::<TraceParent>().unwrap().trace, trace);
        assert_eq!((passed(header::TENANT_ID), passed(header::TEST_RUN)), ("north".to_owned(), "true".to_owned()));
        assert_eq!((passed(header::NAMESPACE), passed(header::SOURCE)), ("perf_test".to_owned(), "qa".to_owned()));
    }
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_unknown_or_does_not_answer_is_named() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    let unknown = kit.get("/relay").await;
    unknown.assert_problem(502);
    assert!(unknown.body["detail"].as_str().unwrap().contains("A2 is not configured"), "{unknown:?}");
    kit.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_duration_in_the_answer_is_the_one_that_is_reported() {
    let (data, sink) = (tempfile::tempdir().unwrap(), Sink::start().await);
    let kit = Kit::start(sink.of(config(data.path()))).await;
    let sampled = || std::iter::repeat_with(TraceId::fresh).find(|trace| keeps(*trace, 0.1)).unwrap();
    // A success is reported for a tenth of the traces, a failure for all.
    let all = [("/items", sampled(), 200, 0.1), ("/nowhere", TraceId::fresh(), 404, 1.0)];
    for (path, trace, status, rate) in all {
        let request = kit.http.get(kit.url(path)).header(header::TRACE_ID, trace.to_string());
        let reply = Reply::of(request).await;
        assert_eq!(reply.status, status);
        let told = reply.header(header::SERVER_TIMING).unwrap().strip_prefix("app;dur=").unwrap().to_owned();
        let event = eventually("the request is reported", || async {
            let reported = sink.taken(EventName::RequestCompleted);
            reported.into_iter().find(|event| event["trace_id"] == json!(trace))
        })
        .await;
        assert_eq!(format!("{:.3}", event["p95_ms"].as_f64().unwrap()), told);
        assert_eq!((&event["status"], &event["sample_rate"]), (&json!(status), &json!(rate)));
        assert_eq!(common::telemetry::parse(&event).map(drop), Ok(()), "{event}");
    }
    kit.running.stop().await;
}
