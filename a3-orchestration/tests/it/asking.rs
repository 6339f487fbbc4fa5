//! Asking for a run and following it to its end.

use common::ids::{AppId, TraceId};
use common::testkit::Ecosystem;
use serde_json::{Value, json};

/// Asks for a run in this trace, and gives its id.
pub(crate) async fn ask(eco: &Ecosystem, trace: TraceId) -> String {
    let body = json!({ "title": "t", "summary": "s" });
    let request = eco.client().post(AppId::A3, "/orchestration/run").trace(trace);
    let reply = request.json(&body).send().await.unwrap();
    assert_eq!(reply.status, 202);
    reply.json().unwrap()["run_id"].as_str().unwrap().to_owned()
}

/// The run when it has ended.
pub(crate) async fn ended(eco: &Ecosystem, id: &str) -> Value {
    let path = format!("/orchestration/runs/{id}");
    let look = || async {
        let run = eco.client().get(AppId::A3, &path).send().await?.json()?;
        Ok((run["finished_at"] != Value::Null).then_some(run))
    };
    eco.context().eventually(look).await.unwrap().expect("the run ends")
}
