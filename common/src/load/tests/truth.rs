//! Counts agree with the server's, and success means the expected answer.

use std::collections::BTreeSet;

use super::server::Server;
use super::*;
use crate::telemetry::{SUCCESS_SAMPLE_RATE, keeps};

#[tokio::test]
async fn the_report_counts_what_the_server_counted() {
    let server = Server::start().await;
    let step = Step::get("ok", "/ok").expect_status(&[200]).expect_json("/fee_minor", 3000);
    let report = run(&paced(step, 30), &guard(server.port), LoadOptions::default()).await.unwrap();
    let step = report.step("ok").unwrap();
    assert_eq!((step.count, step.ok, server.requests()), (30, 30, 30));
    assert_eq!(
        report.iterations,
        Iterations { planned: Some(30), started: 30, completed: 30, ..Iterations::default() }
    );
    assert_eq!((step.samples_us.len(), step.response.count(), step.service.count()), (30, 30, 30));
    assert_eq!(step.statuses.get(&200), Some(&30));
    assert_eq!(step.route, "GET /ok");
    assert_eq!((report.end, report.open_model, step.error_rate()), (End::Completed, true, Some(0.0)));
    assert_eq!(step.series.iter().map(|point| point.sent).sum::<u64>(), 30);
    assert_eq!(report.connections.opened, 1);
}

#[tokio::test]
async fn every_request_has_a_trace_of_its_own_and_the_sampled_ones_are_kept() {
    let server = Server::start().await;
    let report = run(&paced(Step::get("ok", "/ok"), 60), &guard(server.port), LoadOptions::default()).await.unwrap();
    let seen: BTreeSet<_> = server.traces().into_iter().collect();
    assert_eq!(seen.len(), 60);
    let expected: BTreeSet<_> =
        seen.iter().filter(|trace| keeps(trace.parse().unwrap(), SUCCESS_SAMPLE_RATE)).cloned().collect();
    let kept: BTreeSet<_> = report.traces.iter().map(|trace| trace.trace_id.to_string()).collect();
    assert_eq!(kept, expected);
    assert!(report.traces.iter().all(|trace| trace.app_us == Some(1_500) && trace.ok && trace.route == "GET /ok"));
    assert_eq!(report.steps[0].slowest.len(), 10);
}

#[tokio::test]
async fn a_500_is_an_error_with_an_example_and_no_latency() {
    let server = Server::start().await;
    let report =
        run(&paced(Step::get("broken", "/broken"), 25), &guard(server.port), LoadOptions::default()).await.unwrap();
    let step = &report.steps[0];
    assert_eq!((step.count, step.ok, step.errors[&ErrorKind::Status]), (25, 0, 25));
    assert_eq!((step.response.count(), step.samples_us.len(), step.response.summary().p95_us), (0, 0, None));
    assert_eq!(step.failed_at, (0..25).collect::<Vec<u32>>());
    assert_eq!(step.failed.len(), 20);
    let example = &step.failed[0];
    assert_eq!(example.capsule.body, "boom");
    assert!(example.capsule.curl.contains(&example.trace_id.to_string()), "{}", example.capsule.curl);
    assert_eq!(report.traces.len(), 25);
}

#[tokio::test]
async fn a_login_page_where_json_was_expected_is_an_error() {
    let server = Server::start().await;
    let step = Step::get("quote", "/login").expect_status(&[200]).expect_json("/fee_minor", 3000);
    let report = run(&paced(step, 5), &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!(report.steps[0].errors[&ErrorKind::Expectation], 5);
    let error = report.steps[0].failed[0].error.clone().unwrap();
    assert!(error.contains("not JSON (text/html"), "{error}");
}

#[tokio::test]
async fn a_status_that_was_not_expected_is_an_error_even_if_it_is_a_success() {
    let server = Server::start().await;
    let created = paced(Step::get("ok", "/ok").expect_status(&[201, 204]), 3);
    let report = run(&created, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].ok, report.steps[0].errors[&ErrorKind::Status]), (0, 3));
    let refused = paced(Step::get("broken", "/broken").expect_status(&[500]), 3);
    let report = run(&refused, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].ok, report.steps[0].statuses[&500]), (3, 3));
}

#[tokio::test]
async fn a_wrong_sum_is_an_error() {
    let server = Server::start().await;
    let step = Step::get("quote", "/ok").expect_json("/fee_minor", 3001);
    let report = run(&paced(step, 3), &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].ok, report.steps[0].errors[&ErrorKind::Expectation]), (0, 3));
}

#[tokio::test]
async fn a_server_that_closes_every_connection_is_reconnected_to_and_counted() {
    let server = Server::start().await;
    let report =
        run(&paced(Step::get("close", "/close"), 10), &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].ok, report.connections.opened, report.connections.reconnects), (10, 10, 9));
}

#[tokio::test]
async fn a_server_that_hangs_up_without_an_answer_is_a_reset() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1_024]).await;
            });
        }
    });
    let report = run(&paced(Step::get("x", "/x"), 5), &guard(port), LoadOptions::default()).await.unwrap();
    assert_eq!(report.steps[0].errors[&ErrorKind::Reset], 5, "{:?}", report.steps[0].errors);
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1_024]).await;
                let _written = tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-nope\r\n\r\n").await;
            });
        }
    });
    let report = run(&paced(Step::get("x", "/x"), 3), &guard(port), LoadOptions::default()).await.unwrap();
    assert_eq!(report.steps[0].errors[&ErrorKind::Protocol], 3, "{:?}", report.steps[0].errors);
}

#[tokio::test]
async fn a_dead_target_is_an_error_with_words() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = run(&paced(Step::get("x", "/x"), 3), &guard(port), LoadOptions::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, LoadError::Unreachable { .. }));
    assert!(text.contains(&format!("A6 at 127.0.0.1:{port} cannot be reached")), "{text}");
}

#[tokio::test]
async fn a_load_without_samples_is_no_report() {
    let server = Server::start().await;
    let options =
        LoadOptions { graceful_stop: Duration::from_millis(50), drain: Duration::ZERO, ..LoadOptions::default() };
    let error = run(&paced(Step::get("slow", "/slow/5000"), 2), &guard(server.port), options).await.unwrap_err();
    assert!(matches!(error, LoadError::NoSamples { started: 1, .. }), "{error}");
}

#[tokio::test]
async fn what_the_guard_refuses_is_not_sent() {
    let server = Server::start().await;
    let environment = Environment::embedded(BTreeMap::from([(AppId::A6, server.port)]));
    let read_only = Guard::new(environment.read_only());
    let post = paced(Step::post("ok", "/ok"), 3);
    assert!(matches!(run(&post, &read_only, LoadOptions::default()).await, Err(LoadError::Refused(_))));
    let crowd = scenario(Step::get("ok", "/ok")).constant_vus(61, Duration::from_secs(1), Duration::from_secs(1));
    let error = run(&crowd, &guard(server.port), LoadOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("approv"), "{error}");
    let host = paced(Step::get("ok", "/ok").header("host", "example.org"), 3);
    assert!(matches!(run(&host, &guard(server.port), LoadOptions::default()).await, Err(LoadError::Refused(_))));
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_report_survives_json() {
    let server = Server::start().await;
    let report = run(&paced(Step::get("ok", "/ok"), 20), &guard(server.port), LoadOptions::default()).await.unwrap();
    let text = serde_json::to_string(&report).unwrap();
    let back: LoadReport = serde_json::from_str(&text).unwrap();
    assert!(back == report, "the report that was read back differs from\n{text}");
}

#[tokio::test]
async fn acknowledged_requests_are_told_one_by_one_with_their_warm_up() {
    let server = Server::start().await;
    let probe = paced(Step::get("ok", "/ok"), 10);
    let warm_up = Duration::from_millis(50);
    let options = LoadOptions { keep_acknowledged: true, warm_up, ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let step = &report.steps[0];
    assert_eq!(step.count, 10);
    let told: Vec<_> = step.acknowledged.iter().map(|told| told.iteration).collect();
    assert_eq!(told, (0..15).collect::<Vec<_>>());
    let mut told: Vec<_> = step.acknowledged.iter().map(|told| told.trace_id.to_string()).collect();
    let mut seen = server.traces();
    told.sort();
    seen.sort();
    assert_eq!(told, seen, "each with the trace under which the server got it");

    let fails = paced(Step::get("broken", "/broken"), 3);
    let options = LoadOptions { keep_acknowledged: true, ..LoadOptions::default() };
    let report = run(&fails, &guard(server.port), options).await.unwrap();
    assert_eq!((report.steps[0].acknowledged.len(), report.steps[0].unacknowledged.len()), (0, 3));
    let report = run(&probe, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!(report.steps[0].acknowledged, [], "only where it is asked for");
}
