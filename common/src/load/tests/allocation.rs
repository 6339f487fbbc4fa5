//! The steady path allocates nothing: what a load allocates does not grow with its requests.

use std::io::{Read, Write};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::*;

/// Answers every request with the same bytes, on threads of its own.
fn server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = [0; 4_096];
                while stream.read(&mut request).is_ok_and(|read| read > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"fee\": \"3000\"}";
                    stream.write_all(answer).unwrap();
                }
            });
        }
    });
    port
}

/// Allocations and requests of a load of this length, on this thread.
fn allocations(port: u16, duration: Duration) -> (u64, u64) {
    let step = Step::post("quote", "/quote?vu={{vu}}")
        .json(serde_json::json!({ "gross_minor": 100_000, "note": "{{uuid}} {{iteration}}" }))
        .hardened()
        .expect_status(&[200]);
    let load = scenario(step).constant_vus(4, duration, Duration::from_millis(2));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut plan = Plan::new(&load, &guard(port), &LoadOptions::default()).unwrap();
    runtime.block_on(plan.resolve()).unwrap();
    let (events_in, mut events) = mpsc::unbounded_channel();
    let (start, started) = oneshot::channel();
    std::thread::spawn(move || {
        let mut start = Some(start);
        while let Some(event) = events.blocking_recv() {
            if let (Event::Ready, Some(start)) = (event, start.take()) {
                start.send(clock::monotonic()).unwrap();
            }
        }
    });
    let mut requests = 0;
    let plan = Arc::new(plan);
    let counted = allocation_counter::measure(|| {
        let recorder = worker::run(plan, 0, CancellationToken::new(), events_in, started).unwrap();
        requests = recorder.steps[0].started;
    });
    (counted.count_total, requests)
}

#[test]
fn a_request_on_the_steady_path_allocates_nothing() {
    let port = server();
    let (few, short) = allocations(port, Duration::from_millis(200));
    let (many, long) = allocations(port, Duration::from_millis(900));
    let requests = long - short;
    assert!(requests >= 1_000, "{requests}");
    // Buffers that double, windows of a second and examples of slow requests are all that is left.
    let more = many.saturating_sub(few);
    assert!(more * 100 <= requests * 5, "{more} more allocations for {requests} more requests");
}
