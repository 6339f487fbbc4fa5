//! The executors against a server that counts what reaches it, and how much of it at once.

use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use super::server::Server;
use super::*;
use crate::guard::Refusal;
use crate::scenario::{Executor, Shape, Stage, StageTag, TimeScale};

fn stage(duration_ms: u64, target: u32) -> Stage {
    Stage { duration_ms, target }
}

fn ok(executor: Executor) -> Scenario {
    scenario(Step::get("ok", "/ok")).executor(executor)
}

fn ramping_rate(start_rate: u32, stages: &[Stage], pre_allocated_vus: u32, max_vus: u32) -> Executor {
    Executor::RampingArrivalRate {
        start_rate,
        time_unit_ms: 1_000,
        stages: stages.to_vec(),
        pre_allocated_vus,
        max_vus,
    }
}

fn ramping_vus(start_vus: u32, stages: &[Stage], iteration_interval_ms: Option<u64>) -> Executor {
    Executor::RampingVus { start_vus, stages: stages.to_vec(), iteration_interval_ms }
}

/// A server that answers as many requests as it is allowed to, and counts them and the users that sent them.
struct Gate {
    port: u16,
    allowed: watch::Sender<u64>,
    seen: watch::Receiver<Seen>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    requests: u64,
    /// Connections that had a request and are open.
    users: u64,
    most_users: u64,
}

impl Gate {
    async fn start(allowed: u64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (allowed, gate) = watch::channel(allowed);
        let (told, seen) = watch::channel(Seen::default());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, gate.clone(), told.clone()));
            }
        });
        Self { port, allowed, seen }
    }

    fn seen(&self) -> Seen {
        *self.seen.borrow()
    }
}

async fn answer(mut stream: tokio::net::TcpStream, mut gate: watch::Receiver<u64>, told: watch::Sender<Seen>) {
    let mut buffer = [0; 4_096];
    let mut known = false;
    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
        let new = !std::mem::replace(&mut known, true);
        told.send_modify(|seen| {
            seen.requests += 1;
            seen.users += u64::from(new);
            seen.most_users = seen.most_users.max(seen.users);
        });
        let number = told.borrow().requests;
        let closed = tokio::select! {
            allowed = gate.wait_for(|allowed| *allowed >= number) => allowed.is_err(),
            _ = stream.readable() => true,
        };
        if closed || stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.is_err() {
            break;
        }
    }
    told.send_modify(|seen| seen.users -= u64::from(known));
}

#[tokio::test]
async fn shared_iterations_are_done_once_each_by_all_threads_together() {
    let server = Server::start().await;
    let probe = ok(Executor::SharedIterations { vus: 6, iterations: 101, max_duration_ms: 60_000 });
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let expected =
        Iterations { planned: Some(101), started: 101, completed: 101, succeeded: 101, ..Iterations::default() };
    assert_eq!((report.iterations, server.requests(), report.open_model), (expected, 101, false));
}

#[tokio::test]
async fn every_user_does_its_own_iterations() {
    let server = Server::start().await;
    let probe = ok(Executor::PerVuIterations { vus: 5, iterations: 7, max_duration_ms: 60_000 });
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let expected = Iterations { planned: Some(35), started: 35, completed: 35, succeeded: 35, ..Iterations::default() };
    assert_eq!((report.iterations, server.requests()), (expected, 35));
}

#[tokio::test]
async fn a_warm_up_takes_nothing_from_the_iterations_that_count() {
    for executor in [
        Executor::SharedIterations { vus: 2, iterations: 20, max_duration_ms: 60_000 },
        Executor::PerVuIterations { vus: 2, iterations: 10, max_duration_ms: 60_000 },
    ] {
        let server = Server::start().await;
        let options = LoadOptions { warm_up: Duration::from_millis(50), ..LoadOptions::default() };
        let report = run(&ok(executor), &guard(server.port), options).await.unwrap();
        assert_eq!((report.iterations.started, report.steps[0].ok), (20, 20));
        assert_eq!(report.warm_up.iterations + 20, server.requests());
        assert!(report.warm_up.iterations > 0);
    }
}

#[tokio::test]
async fn iterations_that_the_longest_duration_leaves_no_time_for_are_dropped() {
    for executor in [
        Executor::SharedIterations { vus: 3, iterations: 30, max_duration_ms: 200 },
        Executor::PerVuIterations { vus: 3, iterations: 10, max_duration_ms: 200 },
    ] {
        let gate = Gate::start(0).await;
        let options = LoadOptions { request_timeout: Duration::from_millis(150), ..LoadOptions::default() };
        let report = run(&ok(executor), &guard(gate.port), options).await.unwrap();
        let iterations = report.iterations;
        assert_eq!((iterations.planned, iterations.started + iterations.dropped), (Some(30), 30), "{iterations:?}");
        assert!(iterations.dropped >= 20, "{iterations:?}");
    }
}

#[tokio::test]
async fn a_ramping_rate_starts_as_many_as_the_area_under_it() {
    let server = Server::start().await;
    // 15 + 0 + 20 + 20.
    let stages = [stage(300, 100), stage(100, 0), stage(0, 100), stage(200, 100), stage(400, 0)];
    let probe = ok(ramping_rate(0, &stages, 2, 20));
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let expected = Iterations { planned: Some(60), started: 60, completed: 60, succeeded: 60, ..Iterations::default() };
    assert_eq!((report.iterations, server.requests()), (expected, 60));
    let counts: Vec<_> =
        report.steps[0].stages.iter().map(|(tag, figures)| (*tag, figures.count, figures.ok)).collect();
    assert_eq!(counts, [(StageTag::RampUp, 15, 15), (StageTag::Steady, 20, 20), (StageTag::RampDown, 25, 25)]);
}

#[tokio::test]
async fn figures_are_kept_apart_by_stage_and_seconds_carry_their_tag() {
    let server = Server::start().await;
    let seen: Arc<Mutex<Vec<StageTag>>> = Arc::default();
    let sink = Arc::clone(&seen);
    let on_window: OnWindow = Arc::new(move |window: &LiveWindow| sink.lock().unwrap().push(window.stage));
    let options = LoadOptions { on_window: Some(on_window), ..LoadOptions::default() };
    let probe = ok(ramping_rate(0, &[stage(1_000, 40), stage(1_000, 40), stage(1_000, 0)], 5, 10));
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    let step = &report.steps[0];
    let tags: Vec<_> = step.series.iter().map(|point| point.stage).collect();
    assert_eq!(tags[..3], StageTag::ALL);
    assert_eq!(*seen.lock().unwrap(), tags);
    let counts: Vec<_> = step.stages.values().map(|figures| figures.count).collect();
    assert_eq!((counts.iter().sum::<u64>(), step.count, counts), (80, 80, vec![20, 40, 20]));
    let mut all = Latency::new();
    step.stages.values().for_each(|figures| all.add(&figures.response));
    assert_eq!(all, step.response);
    let back: LoadReport = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert!(back == report, "stages survive JSON");
}

#[tokio::test]
async fn a_report_from_before_there_were_stages_can_be_read() {
    let server = Server::start().await;
    let report = run(&paced(Step::get("ok", "/ok"), 3), &guard(server.port), LoadOptions::default()).await.unwrap();
    let mut json = serde_json::to_value(&report).unwrap();
    assert!(json["steps"][0].get("stages").is_none());
    for point in json["steps"][0]["series"].as_array_mut().unwrap() {
        point.as_object_mut().unwrap().remove("stage").unwrap();
    }
    assert!(serde_json::from_value::<LoadReport>(json).unwrap() == report);
}

#[tokio::test]
async fn as_many_users_come_and_go_as_the_stages_say() {
    let gate = Gate::start(u64::MAX).await;
    let stages = [stage(400, 8), stage(300, 8), stage(0, 2), stage(500, 2)];
    let probe = scenario(Step::get("x", "/x")).executor(ramping_vus(1, &stages, Some(20)));
    let options = LoadOptions { threads: 2, ..LoadOptions::default() };
    let report = run(&probe, &guard(gate.port), options).await.unwrap();
    assert_eq!(gate.seen().most_users, 8);
    // Each user has a connection of its own, once; none came twice.
    assert_eq!(report.connections.opened, 8);
    let iterations = report.iterations;
    assert_eq!((iterations.planned, iterations.completed), (Some(gate.seen().requests), gate.seen().requests));
    // The line's area is 1.8 + 2.4 + 1.0 user-seconds, and each user starts every 20 ms.
    assert!((250..=270).contains(&gate.seen().requests), "{}", gate.seen().requests);
    assert_eq!(report.iterations.dropped, 0);
}

#[tokio::test]
async fn users_without_a_pace_rise_and_fall_too() {
    let gate = Gate::start(u64::MAX).await;
    let probe = scenario(Step::get("x", "/x")).executor(ramping_vus(0, &[stage(200, 4), stage(200, 0)], None));
    let report = run(&probe, &guard(gate.port), LoadOptions::default()).await.unwrap();
    assert_eq!((gate.seen().most_users, report.open_model), (4, false));
    assert_eq!((report.iterations.completed, report.iterations.planned), (gate.seen().requests, None));
}

#[tokio::test]
async fn a_user_that_must_go_and_does_not_finish_is_cut_off_and_counted() {
    let gate = Gate::start(0).await;
    let probe = scenario(Step::get("x", "/x")).executor(ramping_vus(
        3,
        &[stage(200, 3), stage(0, 1), stage(2_500, 1)],
        Some(100),
    ));
    let options = LoadOptions {
        graceful_stop: Duration::from_secs(1),
        drain: Duration::from_millis(10),
        request_timeout: Duration::from_secs(60),
        ..LoadOptions::default()
    };
    // Two of the three go away without an answer; then the one that stays gets its.
    let (mut seen, allowed) = (gate.seen.clone(), gate.allowed.clone());
    let opener = tokio::spawn(async move {
        seen.wait_for(|seen| seen.users == 3).await.unwrap();
        seen.wait_for(|seen| seen.users == 1).await.unwrap();
        allowed.send_replace(u64::MAX);
    });
    let report = run(&probe, &guard(gate.port), options).await.unwrap();
    opener.await.unwrap();
    let iterations = report.iterations;
    assert_eq!((iterations.interrupted, report.steps[0].cut_off), (2, 2), "{iterations:?}");
    // What the two were still meant to start is dropped.
    assert!(iterations.dropped >= 2, "{iterations:?}");
    assert_eq!(iterations.planned, Some(iterations.started + iterations.dropped));
}

#[tokio::test]
async fn arrivals_are_dropped_and_counted_when_the_server_stalls_to_the_end() {
    let (rate, time_unit_ms, duration_ms, pre_allocated_vus, max_vus) = (100, 1_000, 500, 1, 3);
    let even = Executor::ConstantArrivalRate { rate, time_unit_ms, duration_ms, pre_allocated_vus, max_vus };
    for executor in [even, ramping_rate(rate, &[stage(duration_ms, rate)], pre_allocated_vus, max_vus)] {
        let gate = Gate::start(3).await;
        let options = LoadOptions {
            drain: Duration::from_millis(200),
            graceful_stop: Duration::from_millis(500),
            request_timeout: Duration::from_secs(60),
            ..LoadOptions::default()
        };
        let probe = scenario(Step::get("x", "/x")).executor(executor);
        let report = run(&probe, &guard(gate.port), options).await.unwrap();
        // Three are answered, three users hang, and the rest never find a free one.
        let expected = Iterations {
            planned: Some(50),
            started: 6,
            completed: 3,
            succeeded: 3,
            cut_short: 0,
            interrupted: 3,
            dropped: 44,
        };
        assert_eq!((report.iterations, report.steps[0].cut_off), (expected, 3));
        assert!(report.health.dropped_too_many().is_some());
    }
}

#[tokio::test]
async fn arrivals_that_wait_keep_their_intended_start_while_the_pool_grows() {
    let gate = Gate::start(0).await;
    let probe = scenario(Step::get("x", "/x")).executor(ramping_rate(100, &[stage(400, 100)], 0, 4));
    // All four users hang until the first second is over; the last arrival was due after 390 ms.
    let allowed = gate.allowed.clone();
    let on_window: OnWindow = Arc::new(move |_: &LiveWindow| {
        allowed.send_replace(u64::MAX);
    });
    let options = LoadOptions { drain: Duration::from_secs(10), on_window: Some(on_window), ..LoadOptions::default() };
    let report = run(&probe, &guard(gate.port), options).await.unwrap();
    assert_eq!((report.iterations.completed, report.iterations.dropped), (40, 0));
    assert_eq!(gate.seen().most_users, 4);
    let step = &report.steps[0];
    assert!(step.response.quantile(1, 40).unwrap() >= 600_000, "{:?}", step.response.summary());
    let kept_waiting_by_the_server =
        step.service.histogram().iter_recorded().filter(|at| at.value_iterated_to() > 600_000);
    assert_eq!(kept_waiting_by_the_server.map(|at| at.count_at_value()).sum::<u64>(), 4);
}

#[tokio::test]
async fn an_early_stop_ends_every_executor_and_its_counts_agree() {
    let hour = 3_600_000;
    for executor in [
        ramping_vus(2, &[stage(hour, 40)], Some(20)),
        ramping_vus(2, &[stage(hour, 40)], None),
        ramping_rate(50, &[stage(hour, 60)], 2, 20),
        Executor::SharedIterations { vus: 3, iterations: 1_000_000_000, max_duration_ms: hour },
        Executor::PerVuIterations { vus: 3, iterations: 1_000_000_000, max_duration_ms: hour },
        Executor::ConstantVus { vus: 3, duration_ms: hour, iteration_interval_ms: None },
    ] {
        let server = Server::start().await;
        let stop = CancellationToken::new();
        let trigger = stop.clone();
        let on_window: OnWindow = Arc::new(move |_: &LiveWindow| trigger.cancel());
        let options = LoadOptions { on_window: Some(on_window), stop, threads: 2, ..LoadOptions::default() };
        let report = run(&ok(executor.clone()), &guard(server.port), options).await.unwrap();
        let iterations = report.iterations;
        assert_eq!((report.end, report.steps[0].count), (End::Stopped, server.requests()), "{executor:?}");
        assert_eq!(iterations.started, iterations.completed, "{executor:?}");
        if let Some(planned) = iterations.planned {
            assert_eq!(planned, iterations.started + iterations.dropped, "{executor:?}");
        }
    }
}

#[tokio::test]
async fn a_spike_needs_an_approval_and_a_ramp_does_not() {
    let server = Server::start().await;
    let quick = TimeScale::divided_by(6_000);
    let second = Duration::from_secs(1);
    let base = scenario(Step::get("ok", "/ok")).constant_vus(1, second, second / 10);
    let spike = Shape::Spike.apply(&base, quick);
    let refused = run(&spike, &guard(server.port), LoadOptions::default()).await.unwrap_err();
    assert!(matches!(refused, LoadError::Refused(Refusal::NeedsApproval { asked: 100, free: 60, .. })), "{refused}");
    assert_eq!(server.requests(), 0);
    let approved = Some(crate::guard::ApprovedVus::new(100));
    let report = run(&spike, &guard(server.port), LoadOptions { approved, ..LoadOptions::default() }).await.unwrap();
    let iterations = report.iterations;
    assert!(report.steps[0].ok > 0, "{iterations:?}");
    assert_eq!(iterations.planned, Some(iterations.started + iterations.dropped));
    let ramp = Shape::Ramp.apply(&base, quick);
    let report = run(&ramp, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.executor.as_str(), report.end), ("ramping-vus", End::Completed));
}

#[tokio::test]
async fn a_stage_that_is_faster_than_the_cap_is_refused() {
    let server = Server::start().await;
    let fast = ok(ramping_rate(1, &[stage(1_000, 1), stage(1_000, 50_000)], 1, 2));
    let refused = run(&fast, &guard(server.port), LoadOptions::default()).await.unwrap_err();
    assert!(matches!(refused, LoadError::Refused(Refusal::TooFast { .. })), "{refused}");
}
