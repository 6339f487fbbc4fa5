//! What A8 does, in sentences.

use std::time::Duration;

use common::clock::{Clock, rfc3339};
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::testkit::{Ecosystem, Subject};
use serde_json::{Value, json};

/// 2026-11-21T10:15:00Z.
pub(crate) const START_MS: i64 = 1_795_256_100_000;

/// An A8 whose clock stands until moved.
pub(crate) async fn at_a_fixed_time(flags: &[&str]) -> (Ecosystem, Clock) {
    let clock = Clock::manual(START_MS);
    let eco = Ecosystem::start_with(vec![a8_command::reference::app()], |config| {
        config.clock = clock.clone();
        config.upstreams.clear();
        config.flags_on = flags.iter().map(|flag| (*flag).to_owned()).collect();
    })
    .await;
    (eco, clock)
}

pub(crate) fn event(app: &str, name: &str, trace: TraceId, at_ms: i64) -> Value {
    json!({
        "schema_version": 1, "event_id": uuid::Uuid::now_v7().to_string(), "timestamp": rfc3339(at_ms),
        "app_id": app, "env": "embedded", "namespace": "perf_test", "tenant_id": "tenant_synthetic",
        "release": "v0.1.0", "event": name, "route": "/api/leads", "method": "POST", "status": 200, "p50_ms": 5.0,
        "p95_ms": 5.0, "trace_id": trace.to_string(), "idempotency_key": uuid::Uuid::now_v7().to_string(),
        "test_run": true, "source": "qa", "sample_rate": 1.0
    })
}

pub(crate) fn settlement(trace: TraceId, at_ms: i64) -> Value {
    let mut event = event("A6", "revenue_settled", trace, at_ms);
    event["route"] = json!("/api/billing/settle");
    event["revenue_event_id"] = json!(format!("rev_{trace}"));
    event["finance_metrics"] = json!({
        "provider_fee_pct": 3.0, "ai_markup_factor": 4.0, "gross_minor": 100_000, "fee_minor": 3_000,
        "ai_cost_minor": 1_000, "ai_price_minor": 4_000, "currency": "USD"
    });
    event
}

pub(crate) async fn send(eco: &Ecosystem, events: &[Value]) -> Value {
    let key = eco.context().telemetry_key.expect("an embedded ecosystem has a telemetry key");
    let request = eco.client().post(AppId::A8, "/api/telemetry").header(header::TELEMETRY_KEY, key.expose());
    let reply = request.json(&json!({ "events": events })).send().await.expect("A8 answers");
    reply.json().expect("a receipt is JSON")
}

async fn get(eco: &Ecosystem, path: &str) -> Value {
    eco.client().get(AppId::A8, path).send().await.expect("A8 answers").json().expect("the answer is JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_keeps_its_suite() {
    let subject = Subject::of(vec![a8_command::reference::app()]).await;
    subject.assert_suite_holds(&a8_command::suite()).await;
    subject.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_a_duplicate_for_fifteen_minutes_by_the_apps_clock_and_an_event_after() {
    let (eco, clock) = at_a_fixed_time(&[]).await;
    let lead = [event("A7", "lead_captured", TraceId::fresh(), START_MS)];
    assert_eq!(send(&eco, &lead).await["accepted"], 1);
    clock.advance(Duration::from_millis(15 * 60 * 1_000 - 1));
    assert_eq!(send(&eco, &lead).await["duplicates"], 1);
    clock.advance(Duration::from_millis(1));
    assert_eq!(send(&eco, &lead).await["accepted"], 1);
    let sink = get(&eco, "/api/executive/overview?namespace=perf_test").await["sink"].clone();
    assert_eq!(sink, json!({ "accepted": 2, "duplicates": 1, "rejected": 0 }));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_look_back_fifteen_minutes_unless_told_otherwise() {
    let (eco, clock) = at_a_fixed_time(&[]).await;
    send(&eco, &[settlement(TraceId::fresh(), START_MS)]).await;
    let tile = "/api/tiles/finance?namespace=perf_test";
    assert_eq!(get(&eco, tile).await["gross_minor"], 100_000);
    clock.advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(get(&eco, tile).await["gross_minor"], 0);
    assert_eq!(get(&eco, &format!("{tile}&since_ms={START_MS}")).await["gross_minor"], 100_000);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_and_older_spans_of_the_matrix_agree() {
    let (eco, clock) = at_a_fixed_time(&[]).await;
    let events: Vec<_> = (1..=40_i32)
        .map(|ms| {
            let mut event = event("A7", "request_completed", TraceId::fresh(), START_MS);
            event["p95_ms"] = json!(f64::from(ms));
            event
        })
        .collect();
    send(&eco, &events).await;
    let recent = get(&eco, "/api/tiles/slo-matrix?namespace=perf_test").await["rows"].clone();
    clock.advance(Duration::from_secs(3_600));
    let older = format!("/api/tiles/slo-matrix?namespace=perf_test&since_ms={START_MS}");
    assert_eq!(get(&eco, &older).await["rows"], recent);
    assert_eq!(recent[0]["p95_ms"], 38.0);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_says_the_same_from_raw_events_and_from_roll_ups() {
    let (eco, _) = at_a_fixed_time(&["a8_tile_cache"]).await;
    let trace = TraceId::fresh();
    let mut failed = event("A3", "request_completed", trace, START_MS);
    failed["status"] = json!(503);
    let mut sampled = event("A3", "request_completed", trace, START_MS);
    sampled["sample_rate"] = json!(0.1);
    send(&eco, &[settlement(trace, START_MS), failed, sampled]).await;
    let path = "/api/executive/overview?namespace=perf_test";
    let rolled_up = eco.client().get(AppId::A8, path).send().await.unwrap();
    let tag = rolled_up.header("etag").unwrap().to_owned();
    let again = eco.client().get(AppId::A8, path).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status, 304);
    let key = eco.context().admin_key.unwrap();
    let off = eco.client().put(AppId::A8, "/flags/a8_tile_cache").header(header::ADMIN_KEY, key.expose());
    assert_eq!(off.json(&json!({ "enabled": false })).send().await.unwrap().status, 200);
    let raw = eco.client().get(AppId::A8, path).send().await.unwrap();
    assert_eq!(raw.header("etag"), None);
    assert_eq!(raw.json().unwrap(), rolled_up.json().unwrap());
    assert_eq!(raw.pointer("/apps/2/requests"), Some(json!(11)));
    assert_eq!(raw.pointer("/revenue/fee_minor"), Some(json!(3_000)));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simulated_and_test_revenue_stays_out_of_live_figures_and_shows_with_a_badge_if_the_flag_is_on() {
    let (eco, _) = at_a_fixed_time(&["a8_demo_mode"]).await;
    let of = |namespace: &str, mode: &str, gross: i64| {
        let mut event = settlement(TraceId::fresh(), START_MS);
        event["namespace"] = json!(namespace);
        event["test_run"] = json!(false);
        event["stripe_mode"] = json!(mode);
        event["finance_metrics"]["gross_minor"] = json!(gross);
        event
    };
    send(&eco, &[of("live", "live", 1), of("live", "test", 10), of("simulated_audit", "test", 100)]).await;
    let tile = get(&eco, "/api/tiles/finance").await;
    assert_eq!(tile["gross_minor"], 1);
    for path in ["/api/tiles/funnels", "/api/tiles/funnels?since_ms=0"] {
        assert_eq!(get(&eco, path).await.pointer("/b2b/4/count"), Some(&json!(1)), "{path}");
    }
    assert_eq!(tile.pointer("/demo/stripe_test/0/gross_minor"), Some(&json!(10)));
    assert_eq!(tile.pointer("/demo/simulated_audit/0/gross_minor"), Some(&json!(100)));
    assert!(tile.pointer("/demo/badge").unwrap().as_str().unwrap().starts_with("demo"));
    eco.stop().await;
    let (eco, _) = at_a_fixed_time(&[]).await;
    send(&eco, &[of("live", "test", 10)]).await;
    let tile = get(&eco, "/api/tiles/finance").await;
    assert_eq!((tile["gross_minor"].clone(), tile.get("demo")), (json!(0), None));
    eco.stop().await;
}

fn incident(name: &str, key: &str, at_ms: i64) -> Value {
    let mut event = event("A3", name, TraceId::fresh(), at_ms);
    event["idempotency_key"] = json!(key);
    event["route"] = json!(format!("/{key}"));
    event
}

async fn incident_states(eco: &Ecosystem) -> Vec<(String, String)> {
    let tile = get(eco, "/api/tiles/incidents?namespace=perf_test").await;
    let text = |incident: &Value, name: &str| incident[name].as_str().unwrap_or("missing").to_owned();
    let incidents = tile["incidents"].as_array().expect("the tile lists incidents");
    let mut states: Vec<_> =
        incidents.iter().map(|incident| (text(incident, "incident_id"), text(incident, "state"))).collect();
    states.sort();
    states
}

fn states(expected: [&str; 3]) -> Vec<(String, String)> {
    ["a", "b", "c"].into_iter().zip(expected).map(|(id, state)| (id.to_owned(), state.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_flag_banners_clear_on_recovery_or_by_an_administrator_and_expire() {
    let (eco, clock) = at_a_fixed_time(&["a8_incident_ttl"]).await;
    let opened = ["a", "b", "c"].map(|key| incident("incident_opened", key, START_MS));
    send(&eco, &opened).await;
    assert_eq!(incident_states(&eco).await, states(["active", "active", "active"]));
    send(&eco, &[incident("incident_cleared", "a", START_MS + 1)]).await;
    let clear = |key: &str| {
        let request = eco.client().post(AppId::A8, "/api/incidents/b/clear").header(header::ADMIN_KEY, key);
        request.json(&json!({ "reason": "seen" })).send()
    };
    assert_eq!(clear("wrong").await.unwrap().status, 401);
    assert_eq!(clear(eco.context().admin_key.unwrap().expose()).await.unwrap().status, 200);
    assert_eq!(incident_states(&eco).await, states(["recovered", "cleared", "active"]));
    clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(incident_states(&eco).await, states(["recovered", "cleared", "expired"]));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_flag_a_banner_stays_whatever_happens() {
    let (eco, clock) = at_a_fixed_time(&[]).await;
    send(&eco, &["a", "b", "c"].map(|key| incident("incident_opened", key, START_MS))).await;
    send(&eco, &[incident("incident_cleared", "a", START_MS + 1)]).await;
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(incident_states(&eco).await, states(["active", "active", "active"]));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_are_one_batch_and_all_are_listed_in_order() {
    let (eco, _) = at_a_fixed_time(&[]).await;
    let events: Vec<_> = (0..1_000).map(|_| event("A2", "document_ingested", TraceId::fresh(), START_MS)).collect();
    assert_eq!(send(&eco, &events).await["accepted"], 1_000);
    let listed = get(&eco, "/api/events?event=document_ingested&limit=1000").await;
    let listed: Vec<_> = listed["events"].as_array().unwrap().iter().map(|stored| stored["event"].clone()).collect();
    assert_eq!(listed, events);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_reports_about_itself_and_shows_in_its_own_matrix() {
    let eco = Ecosystem::start(vec![a8_command::reference::app()]).await;
    let missing = eco.client().get(AppId::A8, "/api/lineage/conformance-probe").send().await.unwrap();
    assert_eq!(missing.status, 422);
    let cx = eco.context();
    let seen = cx.eventually(|| async {
        let tile = eco.client().get(AppId::A8, "/api/tiles/slo-matrix?namespace=perf_test").send().await?;
        Ok(tile.text().contains("/api/lineage/{trace_id}").then_some(()))
    });
    assert!(seen.await.unwrap().is_some(), "A8's own request never showed");
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_and_older_spans_of_growth_and_funnels_agree() {
    let (eco, clock) = at_a_fixed_time(&[]).await;
    let beacon = |trace: TraceId, ctr: f64| {
        let mut event = event("A7", "cta_impression", trace, START_MS);
        event["business_metrics"] = json!({ "ctr": ctr });
        event
    };
    let signed_up = |trace: TraceId, app: &str, name: &str| {
        let mut event = event(app, name, trace, START_MS);
        event["route"] = json!("/signup");
        event
    };
    let traces: Vec<_> = (0..30).map(|_| TraceId::fresh()).collect();
    let mut events: Vec<_> = traces.iter().flat_map(|trace| [beacon(*trace, 0.0), beacon(*trace, 0.0)]).collect();
    events.extend(traces[..7].iter().map(|trace| beacon(*trace, 1.0)));
    events.extend(traces[..5].iter().map(|trace| signed_up(*trace, "A1", "identity_ok")));
    events.extend(traces[4..6].iter().map(|trace| signed_up(*trace, "A6", "provider_registered")));
    events.extend(traces[..4].iter().map(|trace| event("A5", "checkout_started", *trace, START_MS)));
    events.extend(traces[..3].iter().map(|trace| {
        let mut paid = settlement(*trace, START_MS);
        paid["app_id"] = json!("A5");
        paid["event"] = json!("checkout_completed");
        paid
    }));
    send(&eco, &events).await;
    let growth = get(&eco, "/api/tiles/growth?namespace=perf_test").await;
    let funnels = get(&eco, "/api/tiles/funnels?namespace=perf_test").await;
    let ratio = |metric: &str| {
        let ratio = &growth["business_metrics"][metric];
        (ratio["numerator"].as_f64(), ratio["denominator"].as_i64())
    };
    assert_eq!(ratio("ctr"), (Some(7.0), Some(60)));
    assert_eq!(ratio("signup_rate"), (Some(5.0), Some(30)));
    assert_eq!(ratio("checkout_conv_rate"), (Some(3.0), Some(4)));
    assert_eq!(growth["sign_ups"], 6);
    clock.advance(Duration::from_secs(3_600));
    let older = |tile: &str| format!("/api/tiles/{tile}?namespace=perf_test&since_ms={START_MS}");
    let stored = get(&eco, &older("growth")).await;
    assert_eq!(stored["business_metrics"], growth["business_metrics"]);
    assert_eq!((&stored["counts"], &stored["sign_ups"]), (&growth["counts"], &growth["sign_ups"]));
    let counts = |tile: &Value| -> Vec<_> { (0..7).map(|place| tile["b2c"][place]["count"].clone()).collect() };
    assert_eq!(counts(&get(&eco, &older("funnels")).await), counts(&funnels));
    assert_eq!(counts(&funnels), [30, 7, 5, 0, 4, 3, 0].map(Value::from));
    eco.stop().await;
}
