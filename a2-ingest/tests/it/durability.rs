//! What was acknowledged is there after the process is gone.

use std::path::Path;

use common::contract::header;
use common::ids::{AppId, TraceId};
use common::service::{AppConfig, Bound, Running};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

async fn serve(data: &Path) -> Running {
    let config = AppConfig::embedded(AppId::A2, data.to_owned());
    let bound = Bound::new(AppId::A2, config.bind).await.unwrap();
    bound.serve(a2_ingest::reference::app(), config).await.unwrap()
}

async fn acknowledge(app: &Running, trace: TraceId, number: usize) -> String {
    let body = json!({ "event_type": "lead", "subject": "s", "payload": { "number": number } });
    let request = app.ctx.upstream.client().post(format!("http://{}/api/v1/events", app.address));
    let request = request.header(header::TRACE_ID, trace.to_string()).json(&body);
    let reply = request.header(header::IDEMPOTENCY_KEY, format!("n-{number}")).send().await.unwrap();
    assert_eq!(reply.status(), 201);
    reply.json::<Value>().await.unwrap()["event_id"].as_str().unwrap().to_owned()
}

#[test]
fn acknowledged_events_survive_the_death_of_every_task_of_the_app() {
    let data = tempfile::tempdir().unwrap();
    let trace = TraceId::fresh();
    let first = Runtime::new().unwrap();
    let acknowledged: Vec<String> = first.block_on(async {
        let app = serve(data.path()).await;
        let mut ids = Vec::new();
        for number in 0..20 {
            ids.push(acknowledge(&app, trace, number).await);
        }
        ids
    });
    // Nothing is stopped or flushed: all tasks end where they are, as under `kill -9`.
    first.shutdown_background();

    Runtime::new().unwrap().block_on(async {
        let app = serve(data.path()).await;
        let url = format!("http://{}/api/v1/lineage/{trace}", app.address);
        let lineage: Value = app.ctx.upstream.client().get(url).send().await.unwrap().json().await.unwrap();
        let found: Vec<_> = lineage["events"].as_array().unwrap().iter().map(|e| e["event_id"].clone()).collect();
        assert_eq!(found, acknowledged.iter().map(|id| json!(id)).collect::<Vec<_>>());
        assert_eq!(acknowledge(&app, trace, 7).await, acknowledged[7], "a retry after the crash stores nothing new");
        app.stop().await;
    });
}
