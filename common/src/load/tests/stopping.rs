//! Stops that are asked for.

use super::server::Server;
use super::*;

fn stop_at_first_window(stop: &CancellationToken) -> Option<OnWindow> {
    let stop = stop.clone();
    Some(Arc::new(move |_: &LiveWindow| stop.cancel()))
}

#[tokio::test]
async fn a_stop_ends_the_load_soon_and_keeps_what_was_gathered() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let options = LoadOptions { on_window: stop_at_first_window(&stop), stop, ..LoadOptions::default() };
    let hour = scenario(Step::get("ok", "/ok")).constant_arrival_rate(100, Duration::from_secs(3_600), 5);
    let began = clock::monotonic();
    let report = run(&hour, &guard(server.port), options).await.unwrap();
    assert!(clock::monotonic() - began < Duration::from_secs(10));
    assert_eq!(report.end, End::Stopped);
    let step = &report.steps[0];
    assert_eq!((step.count, step.ok), (server.requests(), server.requests()));
    assert!((90..500).contains(&step.count), "{}", step.count);
    let iterations = report.iterations;
    assert_eq!(iterations.planned, Some(iterations.started + iterations.dropped));
}

#[tokio::test]
async fn requests_that_outlast_the_grace_are_cut_off_and_counted_apart() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let options = LoadOptions {
        on_window: stop_at_first_window(&stop),
        stop,
        stop_grace: Duration::from_millis(50),
        request_timeout: Duration::from_secs(60),
        ..LoadOptions::default()
    };
    let hanging = Scenario::new("two", AppId::A6, "One answers, one hangs")
        .step(Step::get("ok", "/ok"))
        .step(Step::get("slow", "/slow/60000"))
        .constant_arrival_rate(10, Duration::from_secs(60), 20);
    let report = run(&hanging, &guard(server.port), options).await.unwrap();
    let slow = report.step("slow").unwrap();
    assert_eq!((slow.count, slow.error_rate(), slow.response.summary().p95_us), (0, None, None));
    assert!(slow.cut_off >= 5, "{}", slow.cut_off);
    assert_eq!(report.iterations.interrupted, slow.cut_off);
}

/// Answers every request with 200 and tells when a client has closed its connection.
async fn tell_of_closed_connections() -> (u16, mpsc::UnboundedReceiver<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (closed, closings) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let closed = closed.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 4_096];
                while tokio::io::AsyncReadExt::read(&mut stream, &mut buffer).await.is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
                }
                closed.send(()).unwrap();
            });
        }
    });
    (port, closings)
}

#[tokio::test]
async fn dropping_the_future_stops_the_threads() {
    let (port, mut closings) = tell_of_closed_connections().await;
    let (told, mut windows) = mpsc::unbounded_channel();
    let on_window: OnWindow = Arc::new(move |window: &LiveWindow| told.send(window.total).unwrap_or(()));
    let options = LoadOptions { on_window: Some(on_window), ..LoadOptions::default() };
    let hour = scenario(Step::get("x", "/x")).constant_arrival_rate(100, Duration::from_secs(3_600), 1);
    let guard = guard(port);
    tokio::select! {
        report = run(&hour, &guard, options) => panic!("an hour went by: {report:?}"),
        total = windows.recv() => assert!(total.is_some()),
    }
    // One connection looked whether the target is there, the other one was the user's.
    for _ in 0..2 {
        closings.recv().await.unwrap();
    }
}
