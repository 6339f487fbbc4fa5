//! The steady path allocates nothing: what a load allocates does not grow with its requests.

use std::io::{Read, Write};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::scenario::{Executor, Stage};

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

/// Allocations and requests of a load of this executor, on this thread.
fn allocations(port: u16, executor: Executor) -> (u64, u64) {
    let step = Step::post("quote", "/quote?vu={{vu}}")
        .json(serde_json::json!({ "gross_minor": 100_000, "note": "{{uuid}} {{iteration}}" }))
        .hardened()
        .expect_status(&[200]);
    let load = scenario(step).executor(executor);
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

/// Buffers that double, windows of a second and connections that open late are all that a longer load allocates more:
/// some 8 for 1,400 requests, where one for each would be 1,400.
fn steady(executor: fn(u64) -> Executor) {
    let port = server();
    let (few, short) = allocations(port, executor(200));
    let (many, long) = allocations(port, executor(900));
    let (requests, more) = (long.saturating_sub(short), many.saturating_sub(few));
    assert!(requests >= 1_000 && more * 5 <= requests, "{more} allocations for {requests} requests");
}

#[test]
fn a_request_on_the_steady_path_allocates_nothing() {
    steady(|duration_ms| Executor::ConstantVus { vus: 4, duration_ms, iteration_interval_ms: Some(2) });
}

#[test]
fn an_arrival_that_is_handed_to_a_user_allocates_nothing() {
    steady(|duration_ms| Executor::RampingArrivalRate {
        start_rate: 1_800,
        time_unit_ms: 1_000,
        stages: vec![Stage { duration_ms, target: 2_000 }],
        pre_allocated_vus: 8,
        max_vus: 8,
    });
}

#[test]
fn an_iteration_of_users_that_come_and_go_allocates_nothing() {
    steady(|duration_ms| Executor::RampingVus {
        start_vus: 4,
        stages: vec![Stage { duration_ms, target: 4 }],
        iteration_interval_ms: Some(2),
    });
}

#[test]
fn an_iteration_from_the_pile_allocates_nothing() {
    steady(|duration_ms| Executor::SharedIterations { vus: 4, iterations: 2 * duration_ms, max_duration_ms: 60_000 });
}
