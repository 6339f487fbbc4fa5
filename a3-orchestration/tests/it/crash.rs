//! A run that a crash interrupted goes on where it was, under the same keys.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use common::ids::AppId;
use common::service::{AppConfig, Bound, Defect, Running};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn serve(data: &Path, upstream: &MockServer) -> Running {
    serve_with(data, upstream, None).await
}

async fn serve_with(data: &Path, upstream: &MockServer, defect: Option<Defect>) -> Running {
    let mut config = AppConfig::embedded(AppId::A3, data.to_owned());
    config.defects.extend(defect);
    for app in [AppId::A2, AppId::A7] {
        config.upstreams.insert(app, upstream.uri().parse().unwrap());
    }
    let bound = Bound::new(AppId::A3, config.bind).await.unwrap();
    bound.serve(a3_orchestration::reference::app(), config).await.unwrap()
}

/// A2 and A7 in one; A7 takes its time.
async fn upstreams(build_takes: Duration) -> MockServer {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(201).set_body_json(json!({ "slug": "s", "url": "/p/s" }));
    Mock::given(path("/api/pages")).respond_with(page.set_delay(build_takes)).mount(&server).await;
    let event = ResponseTemplate::new(201).set_body_json(json!({ "event_id": "e" }));
    Mock::given(path("/api/v1/events")).respond_with(event).mount(&server).await;
    server
}

async fn keys_seen_by_a7(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    let builds = requests.iter().filter(|request| request.url.path() == "/api/pages");
    builds.map(|request| request.headers["x-idempotency-key"].to_str().unwrap().to_owned()).collect()
}

async fn ask(app: &Running) -> String {
    let request = app.ctx.upstream.client().post(format!("http://{}/orchestration/run", app.address));
    let request = request.header("x-idempotency-key", "k").header("x-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736");
    let reply = request.json(&json!({ "title": "t", "summary": "s" })).send().await.unwrap();
    reply.json::<Value>().await.unwrap()["run_id"].as_str().unwrap().to_owned()
}

/// A run whose build A7 has and has not answered, in a process that was killed: its id.
fn killed_in_its_build(data: &Path) -> (String, Vec<String>) {
    let first = Runtime::new().unwrap();
    let left = first.block_on(async {
        let slow = upstreams(Duration::from_secs(60)).await;
        let app = serve(data, &slow).await;
        let id = ask(&app).await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            let keys = keys_seen_by_a7(&slow).await;
            if !keys.is_empty() {
                return (id, keys);
            }
        }
    });
    // A7 has the request, A3 has no answer: every task ends where it is, as under `kill -9`.
    first.shutdown_background();
    left
}

async fn completed(app: &Running, id: &str) -> Option<Value> {
    let url = format!("http://{}/orchestration/runs/{id}", app.address);
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let run = tokio::time::timeout(Duration::from_secs(15), async {
        loop {
            tick.tick().await;
            let reply = app.ctx.upstream.client().get(&url).send().await.unwrap();
            if reply.status() == 404 {
                return None;
            }
            let run: Value = reply.json().await.unwrap();
            if run["state"] == "completed" {
                return Some(run);
            }
        }
    });
    run.await.expect("the run completes after the restart, or is lost")
}

#[test]
fn a_run_interrupted_in_its_build_completes_after_a_restart_under_the_same_key() {
    let data = tempfile::tempdir().unwrap();
    let (id, keys_before) = killed_in_its_build(data.path());
    Runtime::new().unwrap().block_on(async {
        let quick = upstreams(Duration::ZERO).await;
        let app = serve(data.path(), &quick).await;
        let run = completed(&app, &id).await.expect("the run is there");
        assert_eq!(run["page_url"], "/p/s");
        let log = run["steps"][1]["attempt_log"].as_array().unwrap();
        let outcomes: Vec<_> = log.iter().map(|one| one["outcome"].clone()).collect();
        assert_eq!(outcomes, ["interrupted", "done"]);
        assert_eq!(
            (keys_before, keys_seen_by_a7(&quick).await),
            (vec![format!("{id}:build_page")], vec![format!("{id}:build_page")])
        );
        assert_eq!(ask(&app).await, id, "a retry of the request after the crash starts nothing new");
        app.stop().await;
    });
}

#[test]
fn a3_that_forgets_its_runs_is_found_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let (id, _) = killed_in_its_build(data.path());
    Runtime::new().unwrap().block_on(async {
        let quick = upstreams(Duration::ZERO).await;
        let app = serve_with(data.path(), &quick, Some(Defect::A3ForgetsRuns)).await;
        assert_eq!(completed(&app, &id).await, None);
        app.stop().await;
    });
}

/// Twenty at once with one key; those that hear that it is in flight ask again.
async fn twenty(app: &Running) -> BTreeSet<String> {
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, url) = (app.ctx.upstream.client().clone(), format!("http://{}/orchestration/run", app.address));
        asking.spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(20));
            loop {
                tick.tick().await;
                let request = client.post(&url).header("x-idempotency-key", "k");
                let request = request.header("x-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736");
                let reply = request.json(&json!({ "title": "t", "summary": "s" })).send().await.unwrap();
                if reply.status() != 409 {
                    return reply.json::<Value>().await.unwrap()["run_id"].as_str().unwrap().to_owned();
                }
            }
        });
    }
    asking.join_all().await.into_iter().collect()
}

#[test]
fn one_key_has_one_effect_under_retries_a_kill_and_forty_deliveries() {
    let data = tempfile::tempdir().unwrap();
    let first = Runtime::new().unwrap();
    let runs = first.block_on(async {
        let failing = MockServer::start().await;
        Mock::given(path("/api/pages")).respond_with(ResponseTemplate::new(503)).mount(&failing).await;
        let app = serve(data.path(), &failing).await;
        let runs = twenty(&app).await;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while keys_seen_by_a7(&failing).await.len() < 3 {
            tick.tick().await;
        }
        let keys: BTreeSet<_> = keys_seen_by_a7(&failing).await.into_iter().collect();
        assert_eq!(keys.len(), 1, "all retries have one key: {keys:?}");
        runs
    });
    first.shutdown_background();
    Runtime::new().unwrap().block_on(async {
        let quick = upstreams(Duration::ZERO).await;
        let app = serve(data.path(), &quick).await;
        let id = runs.first().unwrap().clone();
        assert_eq!((runs.len(), twenty(&app).await), (1, runs));
        completed(&app, &id).await.expect("the run is there");
        assert_eq!(keys_seen_by_a7(&quick).await, [format!("{id}:build_page")]);
        let requests = quick.received_requests().await.unwrap();
        assert_eq!(requests.iter().filter(|request| request.url.path() == "/api/v1/events").count(), 1);
        app.stop().await;
    });
}
