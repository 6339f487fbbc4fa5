//! A run that a crash interrupted goes on where it was, under the same keys.

use std::path::Path;
use std::time::Duration;

use common::ids::AppId;
use common::service::{AppConfig, Bound, Running};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn serve(data: &Path, upstream: &MockServer) -> Running {
    let mut config = AppConfig::embedded(AppId::A3, data.to_owned());
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

#[test]
fn a_run_interrupted_in_its_build_completes_after_a_restart_under_the_same_key() {
    let data = tempfile::tempdir().unwrap();
    let first = Runtime::new().unwrap();
    let (id, keys_before) = first.block_on(async {
        let slow = upstreams(Duration::from_secs(60)).await;
        let app = serve(data.path(), &slow).await;
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

    Runtime::new().unwrap().block_on(async {
        let quick = upstreams(Duration::ZERO).await;
        let app = serve(data.path(), &quick).await;
        let url = format!("http://{}/orchestration/runs/{id}", app.address);
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let run = tokio::time::timeout(Duration::from_secs(15), async {
            loop {
                tick.tick().await;
                let run: Value = app.ctx.upstream.client().get(&url).send().await.unwrap().json().await.unwrap();
                if run["state"] == "completed" {
                    return run;
                }
            }
        });
        let run = run.await.expect("the run completes after the restart");
        assert_eq!(run["page_url"], "/p/s");
        assert_eq!(
            (keys_before, keys_seen_by_a7(&quick).await),
            (vec![format!("{id}:build_page")], vec![format!("{id}:build_page")])
        );
        assert_eq!(ask(&app).await, id, "a retry of the request after the crash starts nothing new");
        app.stop().await;
    });
}
