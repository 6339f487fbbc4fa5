//! Without a rule that concerns it, everything passes as it is.

use futures_util::StreamExt;
use serde_json::Value;

use super::site::{PAGE, PATIENCE, Site};
use crate::fault::{Action, FaultProxy, ProxyError, Rule, Rules, Upstream};
use crate::ids::AppId;
use crate::target::{Environment, Targets};

#[tokio::test]
async fn a_stream_passes_chunk_by_chunk_even_with_rules_in_force() {
    let site = Site::with(vec![Rule::new("elsewhere").at("/elsewhere").does(Action::status(500))]).await;
    let mut pieces = site.get("/stream").await.bytes_stream();
    let first = tokio::time::timeout(PATIENCE, pieces.next()).await.expect("the first piece comes alone");
    assert_eq!(first.unwrap().unwrap(), "data: one\n\n");
    site.seen.go_on.notify_one();
    assert_eq!(pieces.next().await.unwrap().unwrap(), "data: two\n\n");
    assert!(pieces.next().await.is_none());
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_caller_that_leaves_a_stream_is_noticed_by_the_app() {
    let site = Site::start().await;
    let mut pieces = site.get("/endless").await.bytes_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    drop(pieces);
    site.seen.was_left().await;
    site.proxy.stop().await;
}

#[tokio::test]
async fn method_target_host_and_body_arrive_as_they_were_sent() {
    let site = Site::start().await;
    let sent =
        site.client.put(site.url("/echo?a=%20b&c")).header("x-custom", "kept").body("12345").send().await.unwrap();
    let told: Value = sent.json().await.unwrap();
    assert_eq!(told["method"], "PUT");
    assert_eq!(told["target"], "/echo?a=%20b&c");
    assert_eq!(told["host"], site.proxy.address().to_string(), "absolute links of the app lead through the proxy");
    assert_eq!((&told["length"], &told["custom"]), (&"5".into(), &"kept".into()));
    assert!(told["connection"].is_null());
    let head = site.client.head(site.url("/page")).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], PAGE.len().to_string());
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_large_body_passes_both_ways() {
    let site = Site::start().await;
    let large = "x".repeat(900_000);
    assert_eq!(site.effect(&large).await, 200);
    assert_eq!(site.seen.bodies(), [large]);
    site.proxy.stop().await;
}

#[tokio::test]
async fn a_dead_app_gives_a_problem_that_names_the_proxy() {
    let port = {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let to = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let proxy = FaultProxy::start(to, Rules::none()).await.unwrap();
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    crate::service::install_tls();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(proxy.url()).header("x-trace-id", trace).send().await.unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["x-trace-id"], trace);
    let problem: Value = answer.json().await.unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&proxy.address().to_string()) && detail.contains(&port.to_string()), "{detail}");
    proxy.stop().await;
}

#[tokio::test]
async fn nothing_but_this_machine_and_targets_that_may_be_written_to_is_disturbed() {
    let elsewhere = FaultProxy::start("http://192.0.2.1/".parse().unwrap(), Rules::none()).await.unwrap_err();
    assert!(elsewhere.to_string().contains("not on this machine"), "{elsewhere}");
    let secure = Upstream::loopback("https://localhost/".parse().unwrap()).unwrap_err();
    assert!(matches!(secure, ProxyError::NotPlain(_)), "{secure}");
    let own = || Upstream::loopback("http://127.0.0.1:1/".parse().unwrap()).unwrap();
    let open = FaultProxy::bind("0.0.0.0:0".parse().unwrap(), own(), Rules::none()).await.unwrap_err();
    assert!(open.to_string().contains("use 127.0.0.1"), "{open}");
    let proxy = FaultProxy::bind("127.0.0.1:0".parse().unwrap(), own(), Rules::none()).await.unwrap();
    let taken = FaultProxy::bind(proxy.address(), own(), Rules::none()).await.unwrap_err();
    assert!(taken.to_string().contains("cannot listen on 127.0.0.1:"), "{taken}");
    proxy.stop().await;

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/perf/config/targets.yaml");
    let targets = Targets::load(std::path::Path::new(file)).unwrap();
    let read_only = targets.iter().find(|one| one.name().contains("prod")).unwrap();
    let refused = Upstream::of(read_only, AppId::A6).unwrap_err();
    assert!(refused.to_string().contains("never for production"), "{refused}");
    let embedded = Environment::embedded([(AppId::A6, 7_106)].into());
    assert!(Upstream::of(&embedded, AppId::A6).is_ok());
    assert!(matches!(Upstream::of(&embedded, AppId::A1), Err(ProxyError::NoApp { .. })));
}
