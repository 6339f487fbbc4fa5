//! Latency from the intended start, exact schedules, and a generator that knows when it was late.

use std::sync::Mutex;

use super::server::Server;
use super::*;
use crate::units::Micros;

#[tokio::test]
async fn a_stall_shows_in_response_times_and_not_in_service_times() {
    let server = Server::start().await;
    let report =
        run(&paced(Step::get("s", "/stall/5/300"), 60), &guard(server.port), LoadOptions::default()).await.unwrap();
    let step = &report.steps[0];
    assert_eq!(step.count, 60);
    // One request was slow; those that had to wait for it (300 ms of one every 10 ms) were late: 14 were still 150 ms late.
    let over = step.over(Micros::from_ms(150)).unwrap();
    assert!((13..=25).contains(&over), "{over} responses were above 150 ms");
    let slow_services = step.service.histogram().iter_recorded().filter(|at| at.value_iterated_to() > 150_000);
    assert_eq!(slow_services.map(|at| at.count_at_value()).sum::<u64>(), 1);
    assert!(step.response.quantile(90, 100).unwrap() > 150_000);
    assert!(step.slowest[0].response_us >= 300_000);
    assert_eq!(report.iterations.dropped, 0);
}

#[tokio::test]
async fn exactly_rate_times_duration_iterations_are_begun() {
    let server = Server::start().await;
    let probe = scenario(Step::get("ok", "/ok")).constant_arrival_rate(200, Duration::from_millis(500), 5);
    let report = run(&probe, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.iterations.planned, report.iterations.started, server.requests()), (Some(100), 100, 100));
    assert!(report.open_model);
    assert!(report.health.schedule_lag.count > 0 && report.iterations.dropped == 0);
}

#[tokio::test]
async fn two_threads_share_one_schedule() {
    let server = Server::start().await;
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let probe = scenario(Step::get("ok", "/ok")).constant_arrival_rate(200, Duration::from_millis(300), 6);
    let report = run(&probe, &guard(server.port), options.clone()).await.unwrap();
    assert_eq!((report.iterations.planned, report.steps[0].ok, server.requests()), (Some(60), 60, 60));
    assert_eq!((report.health.threads, report.steps[0].samples_us.len()), (2, 60));
    let paced = scenario(Step::get("ok", "/ok")).constant_vus(5, Duration::from_millis(200), Duration::from_millis(50));
    let report = run(&paced, &guard(server.port), options).await.unwrap();
    assert_eq!((report.iterations.planned, report.steps[0].ok), (Some(20), 20));
}

#[tokio::test]
async fn arrivals_beyond_what_max_vus_carry_are_dropped_and_counted() {
    let server = Server::start().await;
    let options = LoadOptions { drain: Duration::from_millis(100), ..LoadOptions::default() };
    let probe = scenario(Step::get("slow", "/slow/100")).constant_arrival_rate(100, Duration::from_millis(500), 1);
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let iterations = report.iterations;
    assert_eq!(iterations.planned, Some(50));
    assert_eq!(iterations.started + iterations.dropped, 50);
    assert!(iterations.started <= 7, "{iterations:?}");
    assert!(report.health.dropped_too_many().unwrap().contains("raise max_vus"));
}

#[tokio::test]
async fn the_pool_grows_to_its_cap_before_anything_waits() {
    let server = Server::start().await;
    let probe = scenario(Step::get("slow", "/slow/100")).constant_arrival_rate(100, Duration::from_millis(500), 30);
    let report = run(&probe, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].ok, report.iterations.dropped), (50, 0));
    assert!((10..=30).contains(&report.connections.opened), "{:?}", report.connections);
}

#[tokio::test]
async fn a_generator_that_stalls_says_so() {
    let server = Server::start().await;
    fn block(iteration: u64) {
        if iteration % 10 == 5 {
            std::thread::sleep(Duration::from_millis(60));
        }
    }
    let options = LoadOptions { before_iteration: Some(block), ..LoadOptions::default() };
    let probe = scenario(Step::get("ok", "/ok")).constant_arrival_rate(100, Duration::from_millis(500), 10);
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    assert!(report.health.stall.max_us >= 40_000, "{:?}", report.health);
    let blame = report.health.blames_itself(Micros::from_ms(150)).unwrap();
    assert!(blame.contains("could not keep up: P99 of its schedule lag"), "{blame}");
}

#[tokio::test]
async fn a_timeout_is_an_error_and_an_infinite_latency() {
    let server = Server::start().await;
    let options = LoadOptions { request_timeout: Duration::from_millis(50), ..LoadOptions::default() };
    let probe = scenario(Step::get("slow", "/slow/2000")).constant_arrival_rate(50, Duration::from_millis(100), 5);
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let step = &report.steps[0];
    assert_eq!((step.count, step.errors[&ErrorKind::Timeout], step.response.beyond()), (5, 5, 5));
    assert_eq!(step.samples_us, [INFINITE_US; 5]);
    assert!(step.over.iter().all(|over| over.count == 5), "{:?}", step.over);
    assert_eq!(step.response.summary().p50_us, None);
}

#[tokio::test]
async fn users_without_a_pace_are_marked_as_a_closed_model_and_kept_to_the_permitted_rate() {
    let server = Server::start().await;
    let probe = scenario(Step::get("ok", "/ok")).constant_vus(4, Duration::from_millis(300), None);
    let report = run(&probe, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert!(!report.open_model);
    assert_eq!((report.iterations.planned, report.steps[0].count), (None, server.requests()));
    let most = 2_000 * 300 / 1_000 + 4;
    assert!((10..=most).contains(&server.requests()), "{} requests", server.requests());
}

#[tokio::test]
async fn warm_up_is_counted_apart() {
    let server = Server::start().await;
    let options = LoadOptions { warm_up: Duration::from_millis(100), ..LoadOptions::default() };
    let report = run(&paced(Step::get("ok", "/ok"), 20), &guard(server.port), options).await.unwrap();
    assert_eq!((report.warm_up.iterations, report.warm_up.requests, report.warm_up.errors), (10, 10, 0));
    assert_eq!((report.steps[0].count, report.iterations.planned, server.requests()), (20, Some(20), 30));
}

#[tokio::test]
async fn every_second_is_told_while_the_load_runs() {
    let server = Server::start().await;
    let seen: Arc<Mutex<Vec<LiveWindow>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let on_window = move |window: &LiveWindow| sink.lock().unwrap().push(window.clone());
    let options = LoadOptions { on_window: Some(Arc::new(on_window)), threads: 2, ..LoadOptions::default() };
    let probe = scenario(Step::get("ok", "/ok")).constant_arrival_rate(50, Duration::from_millis(2_100), 4);
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let windows = seen.lock().unwrap().clone();
    assert_eq!(windows.iter().map(|window| window.elapsed_s).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(windows.iter().map(|window| window.rps).sum::<u64>(), 105);
    assert_eq!(windows.last().unwrap().total, 105);
    assert!(
        windows[0].p95_ms.is_some() && windows[0].error_rate == Some(0.0) && windows[0].vus == 4,
        "{:?}",
        windows[0]
    );
    assert_eq!(report.steps[0].series.iter().map(|point| point.ok).sum::<u64>(), 105);
}
