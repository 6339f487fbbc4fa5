//! Streamed answers over real sockets. No moment is waited for: where order matters, the server waits for the client.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::json;
use tokio::sync::{Barrier, Semaphore};

use super::*;
use crate::scenario::{GoodputLimits, StreamRules};

/// What the streams of a test wait for.
struct Gates {
    /// Requests that have come after the first.
    second: Semaphore,
    all: Barrier,
}

async fn serve(streams: usize) -> u16 {
    let gates = Arc::new(Gates { second: Semaphore::new(0), all: Barrier::new(streams) });
    let app = Router::new()
        .route("/whole", post(|| async { events(pieces(&["a", "b", "c"], 3, true)) }))
        .route("/truncated", post(|| async { events(pieces(&["a", "b"], 2, false)) }))
        .route("/overbilled", post(|| async { events(pieces(&["a", "b"], 4, true)) }))
        .route("/stall", post(|| async { events(pieces(&["a"], 1, false).chain(stream::pending()).boxed()) }))
        .route("/broken", post(broken))
        .route("/page", post(|| async { axum::response::Html("<form>please sign in</form>") }))
        .route("/busy", post(|| async { (StatusCode::SERVICE_UNAVAILABLE, "data: [DONE]\n\n") }))
        .route("/first", post(first))
        .route("/then", post(then))
        .route("/together", post(together))
        .with_state(gates);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    port
}

type Pieces = BoxStream<'static, String>;

fn token(text: &str) -> String {
    let choices = json!([{ "index": 0, "delta": { "content": text }, "finish_reason": null }]);
    format!("data: {}\n\n", json!({ "object": "chat.completion.chunk", "choices": choices }))
}

/// Tokens, a bill, and `[DONE]` if it is to be there; each a piece of its own.
fn pieces(tokens: &[&str], billed: u64, done: bool) -> Pieces {
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": billed });
    let bill = json!({ "object": "chat.completion.chunk", "choices": [], "usage": usage });
    let mut pieces: Vec<String> = tokens.iter().map(|text| token(text)).collect();
    pieces.push(format!(": billing\n\ndata: {bill}\n\n"));
    pieces.extend(done.then(|| "data: [DONE]\n\n".to_owned()));
    stream::iter(pieces).boxed()
}

fn events(pieces: Pieces) -> Response {
    let body = Body::from_stream(pieces.map(Ok::<_, Infallible>));
    ([("content-type", "text/event-stream")], body).into_response()
}

/// Breaks off in the middle of a chunk of the transport.
async fn broken() -> Response {
    let gone = stream::once(async {
        // What came before goes out first.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("gone"))
    });
    let pieces = pieces(&["a", "b"], 2, false).map(Ok).chain(gone);
    ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
}

/// Sends a token, and the rest only when the other request has come.
async fn first(State(gates): State<Arc<Gates>>) -> Response {
    let waits = stream::once(async move {
        drop(gates.second.acquire().await);
        token("b")
    });
    events(stream::iter([token("a")]).chain(waits).chain(pieces(&["c"], 3, true)).boxed())
}

async fn then(State(gates): State<Arc<Gates>>) -> Response {
    gates.second.add_permits(1);
    events(pieces(&["a"], 1, true))
}

/// Sends its first token when all streams of the test are open.
async fn together(State(gates): State<Arc<Gates>>) -> Response {
    let waits = stream::once(async move {
        gates.all.wait().await;
        token("a")
    });
    events(waits.chain(pieces(&["b"], 2, true)).boxed())
}

fn step(path: &str) -> Step {
    let body = json!({ "stream": true, "stream_options": { "include_usage": true } });
    Step::post("chat", path).json(body).sse()
}

async fn report_of(port: u16, step: Step, options: LoadOptions) -> StepReport {
    let report = run(&paced(step, 3), &guard(port), options).await.unwrap();
    report.steps.into_iter().next().unwrap()
}

#[tokio::test]
async fn whole_streams_have_all_their_figures() {
    let goodput = GoodputLimits { ttft_ms: Some(9_000), tpot_ms: None, e2e_ms: Some(9_000) };
    let rules = StreamRules { goodput, ..StreamRules::default() };
    let step = report_of(serve(1).await, step("/whole").stream_rules(rules), LoadOptions::default()).await;
    let stream = step.stream.unwrap();
    assert_eq!((step.ok, stream.streams, stream.whole, stream.good), (3, 3, 3, 3));
    assert_eq!((stream.tokens, stream.billed_tokens, stream.chunks, stream.comments), (9, 9, 15, 3));
    assert_eq!((stream.ttft.count(), stream.tpot.count(), stream.gap.count()), (3, 3, 6));
    for log in &stream.logs {
        let times: Vec<u64> = log.chunks.iter().map(|chunk| chunk.at_us).collect();
        let (head, closed) = (log.headers_us.unwrap(), log.closed_us.unwrap());
        assert!(log.scheduled_us <= log.sent_us && log.sent_us <= head && head <= times[0], "{log:?}");
        assert!(times.is_sorted() && times[4] <= closed, "{log:?}");
    }
    // The response time of a stream is that of its end.
    assert_eq!(stream.close.summary().max_us, step.response.summary().max_us);
}

#[tokio::test]
async fn a_token_is_timed_when_it_comes_and_not_when_the_stream_ends() {
    let port = serve(1).await;
    // The first stream goes on only when the second request has been sent, by another load beside it.
    let guard = guard(port);
    let (first, then) = (paced(step("/first"), 1), paced(step("/then"), 1));
    let held = run(&first, &guard, LoadOptions::default());
    let freed = run(&then, &guard, LoadOptions::default());
    let (held, _freed) = tokio::join!(held, freed);
    let stream = held.unwrap().steps.remove(0).stream.unwrap();
    let log = &stream.logs[0];
    assert_eq!((stream.whole, log.counted_tokens()), (1, 3));
    let metrics = log.metrics(stream.rules.tokens);
    assert!(metrics.ttft_us <= metrics.last_token_us && metrics.last_token_us <= metrics.close_us, "{metrics:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_stream_is_an_error_of_its_kind() {
    let port = serve(1).await;
    for (path, kind, fault, says) in [
        ("/truncated", ErrorKind::Protocol, Some(StreamFault::Truncated), "without [DONE] after 2 tokens"),
        ("/overbilled", ErrorKind::Expectation, Some(StreamFault::UsageWrong), "says 4 completion tokens, 2 were"),
        ("/page", ErrorKind::Expectation, Some(StreamFault::NotEvents), "text/html"),
        ("/broken", ErrorKind::Reset, None, "before the end of the body"),
        ("/busy", ErrorKind::Status, None, "status 503"),
    ] {
        let step = report_of(port, step(path), LoadOptions::default()).await;
        let stream = step.stream.unwrap();
        assert_eq!((step.count, step.ok, step.errors.get(&kind)), (3, 0, Some(&3)), "{path}: {:?}", step.errors);
        assert_eq!(stream.faults.keys().copied().collect::<Vec<_>>(), Vec::from_iter(fault), "{path}");
        assert_eq!((stream.whole, stream.good, stream.ttft.count(), stream.failed.len()), (0, 0, 0, 3), "{path}");
        let error = stream.failed[0].error.as_ref().unwrap();
        assert!(error.kind == kind && error.detail.contains(says), "{path}: {error:?}");
        assert_eq!(step.failed[0].error.as_ref(), Some(&error.detail), "{path}");
    }
}

#[tokio::test]
async fn a_stream_that_stalls_is_a_timeout_with_the_first_token_that_it_had() {
    let options = LoadOptions { request_timeout: Duration::from_millis(60), ..LoadOptions::default() };
    let step = report_of(serve(1).await, step("/stall"), options).await;
    let stream = step.stream.unwrap();
    assert_eq!(step.errors, BTreeMap::from([(ErrorKind::Timeout, 3)]));
    assert_eq!((stream.ttft.count(), stream.ttft.beyond()), (3, 0));
    assert_eq!((stream.close.count(), stream.close.beyond(), stream.good), (3, 3, 0));
    assert!(stream.failed.iter().all(|log| log.counted_tokens() == 1 && log.closed_us.is_none()));
}

#[tokio::test]
async fn a_stream_that_is_cut_off_at_the_end_is_no_error_and_no_success() {
    let options = LoadOptions { graceful_stop: Duration::from_millis(20), ..LoadOptions::default() };
    let both = Scenario::new("probe", AppId::A6, "A probe").step(Step::post("ok", "/whole")).step(step("/stall"));
    let both = both.constant_vus(1, Duration::from_millis(10), Duration::from_millis(10));
    let report = run(&both, &guard(serve(1).await), options).await.unwrap();
    let stream = report.step("chat").unwrap().stream.as_ref().unwrap();
    assert_eq!((stream.streams, stream.cut_off, stream.good), (0, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_at_once_on_two_threads_are_all_whole_and_merged() {
    let streams = 50_u32;
    let all = Scenario::new("probe", AppId::A6, "A probe").step(step("/together"));
    let all = all.constant_vus(streams, Duration::from_millis(50), Duration::from_millis(50));
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let report = run(&all, &guard(serve(streams as usize).await), options).await.unwrap();
    let stream = report.steps[0].stream.as_ref().unwrap();
    assert_eq!((stream.whole, stream.tokens, stream.logs.len()), (50, 100, 50));
    // All were open before the first token of any came.
    let last_sent = stream.logs.iter().map(|log| log.sent_us).max().unwrap();
    let first_token = stream.logs.iter().filter_map(|log| log.output_at_us().next()).min().unwrap();
    assert!(last_sent <= first_token, "{last_sent} and {first_token}");
}
