//! Flags, defects, ports and readiness.

use common::contract::header;
use common::ids::TraceId;
use common::service::{AppConfig, Bound, Defect};
use serde_json::json;

use crate::kit::{APP, Kit, Reply, config, serve};

fn turn_on(kit: &Kit, flag: &str, key: Option<&str>, trace: TraceId) -> reqwest::RequestBuilder {
    let request = kit.http.put(kit.url(&format!("/flags/{flag}"))).json(&json!({ "enabled": true }));
    let request = request.header(header::TRACE_ID, trace.to_string());
    key.into_iter().fold(request, |request, key| request.header(header::ADMIN_KEY, key))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_needs_the_administrators_key_survives_a_crash_and_leaves_an_audit_row() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start_mortal(config(data.path())).await;
    let (trace, key) = (TraceId::fresh(), kit.running.ctx.config.admin_key.clone());
    for wrong in [None, Some(""), Some("embedded-admin-keyx")] {
        Reply::of(turn_on(&kit, "kit_loud", wrong, trace)).await.assert_problem(401);
    }
    assert!(!kit.running.ctx.flags.on("kit_loud"));
    assert_eq!(kit.rows("flag_audit").await, 0);
    Reply::of(turn_on(&kit, "kit_unheard_of", Some(&key), trace)).await.assert_problem(404);
    assert_eq!(Reply::of(turn_on(&kit, "kit_loud", Some(&key), trace)).await.status, 200);
    assert!(kit.running.ctx.flags.on("kit_loud"), "it is on at once");
    kit.kill();

    let kit = Kit::start(config(data.path())).await;
    assert!(kit.running.ctx.flags.on("kit_loud"), "it is on after a crash");
    assert_eq!(kit.get("/flags").await.body["flags"], json!([{ "name": "kit_loud", "enabled": true }]));
    let audit = kit.running.ctx.db.query("SELECT name, enabled, trace_id FROM flag_audit", vec![]).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!(audit[0].text("trace_id").unwrap(), trace.to_string());
    assert_eq!((audit[0].text("name").unwrap().as_str(), audit[0].int("enabled").unwrap()), ("kit_loud", 1));
    kit.running.stop().await;
}

#[tokio::test]
async fn defects_and_unknown_flags_are_refused_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let mut staging = AppConfig { env: "staging".into(), ..config(data.path()) };
    staging.defects.insert(Defect::IdempotencyOff);
    let refused = serve(staging.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("only possible in the embedded ecosystem, not in \"staging\""), "{refused}");
    staging.env = "embedded".into();
    serve(staging).await.unwrap().stop().await;
    let mut mistaken = config(data.path());
    mistaken.flags_on.insert("kit_lowd".into());
    let refused = serve(mistaken).await.unwrap_err().to_string();
    assert!(refused.contains("A6 has no flag \"kit_lowd\""), "{refused}");
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_app_that_wanted_it() {
    let first = Bound::new(APP, ([127, 0, 0, 1], 0).into()).await.unwrap();
    let error = Bound::new(APP, first.address).await.unwrap_err().to_string();
    assert!(error.contains(&format!("A6 cannot listen on {}", first.address)), "{error}");
    assert!(error.contains("--base-port"), "it says what to do: {error}");
}

#[tokio::test]
async fn a_failing_check_makes_the_app_unready_and_not_dead() {
    let data = tempfile::tempdir().unwrap();
    let mut broken = config(data.path());
    broken.options.insert("broken_queue".into(), "yes".into());
    let kit = Kit::start(broken).await;
    let reply = kit.get("/ready").await;
    reply.assert_problem(503);
    let checks: Vec<_> = reply.body["checks"].as_array().unwrap().iter().collect();
    let mut told: Vec<_> = checks.iter().map(|check| (check["name"].as_str(), check["status"].as_str())).collect();
    told.sort();
    assert_eq!(told, [(Some("database"), Some("pass")), (Some("queue"), Some("fail"))]);
    assert!(checks.iter().all(|check| check["latency_ms"].is_number() && check["observed_at"].is_string()));
    for path in ["/health", "/healthz"] {
        assert_eq!(kit.get(path).await.status, 200, "{path}");
    }
    kit.running.stop().await;
}

#[tokio::test]
async fn an_app_whose_checks_pass_is_ready() {
    let data = tempfile::tempdir().unwrap();
    let kit = Kit::start(config(data.path())).await;
    let reply = kit.get("/ready").await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("ready")));
    kit.running.stop().await;
}
