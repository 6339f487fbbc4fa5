//! The whole second source over real sockets: reports that are late, doubled or lie, tiles that are old, and amounts that
//! are not what was sent are each found and named; what is in order agrees.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::check::CheckContext;
use common::clock::{self, Clock};
use common::fault::{self, Action, FaultProxy, Part, Rule};
use common::guard::Guard;
use common::ids::AppId;
use common::load::{self, LoadOptions, LoadReport};
use common::reconcile::{LogComparison, Patience, Reconciliation, Rules, compare_load, compare_log};
use common::scenario::{BodyTemplate, Scenario, Step};
use common::service::Defect;
use common::target::Environment;
use common::testkit::{Ecosystem, Tamper, TamperProxy};
use common::verdict::SecondSource;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::second_source::{ONE_LOAD, workload};

/// A6 reporting to A8 through a proxy.
struct Pair {
    a8: Ecosystem,
    proxy: TamperProxy,
    a6: Ecosystem,
}

impl Pair {
    async fn start(a8: Ecosystem, tamper: Tamper) -> Self {
        let to = format!("http://{}/", a8.app(AppId::A8).address).parse().expect("an address makes a URL");
        let proxy = TamperProxy::start(to, tamper).await;
        let a6 = Ecosystem::start_with(vec![a6_provider::reference::app()], |config| {
            config.upstreams.insert(AppId::A8, proxy.url());
        })
        .await;
        Self { a8, proxy, a6 }
    }

    async fn healthy(tamper: Tamper) -> Self {
        Self::start(Ecosystem::start(vec![a8_command::reference::app()]).await, tamper).await
    }

    /// What A8 knows of a load on one route, the only one of the workload.
    async fn compare(&self, report: &LoadReport) -> Reconciliation {
        let (gone, stop) = (BTreeSet::new(), CancellationToken::new());
        let (events, tile) = (Duration::from_secs(3), Duration::from_secs(3));
        let patience = Patience { events, tile, gone: &gone, stop: &stop };
        let mut routes = compare_load(&self.a8.context(), report, Rules::default(), &patience).await;
        assert_eq!(routes.len(), 1);
        routes.pop_first().expect("there is one").1
    }

    async fn stop(self) {
        self.a6.stop().await;
        self.proxy.stop().await;
        self.a8.stop().await;
    }
}

async fn run(scenario: &Scenario, guard: &Guard) -> LoadReport {
    let options =
        LoadOptions { keep_acknowledged: true, warm_up: Duration::from_millis(300), ..LoadOptions::default() };
    let _alone = ONE_LOAD.lock().await;
    load::run(scenario, guard, options).await.expect("A6 can be loaded")
}

async fn in_log(cx: &CheckContext, scenario: &Scenario, report: &LoadReport) -> LogComparison {
    let step = &report.steps[0];
    let Some(BodyTemplate::Json(body)) = &scenario.steps[0].request.body else { panic!("the step sends JSON") };
    let log = a6_provider::transaction_log(&step.route).expect("the route has a log");
    compare_log(cx, log, step, body).await
}

/// A proxy's change of all reports of requests in a batch.
fn on_batches(change: impl Fn(&mut Vec<Value>) + Send + Sync + 'static) -> Tamper {
    Arc::new(move |path, body| {
        let Ok(mut batch) = serde_json::from_slice::<Value>(&body) else { return Some(body) };
        if path == "/api/telemetry" {
            change(batch["events"].as_array_mut().expect("a batch has events"));
        }
        Some(batch.to_string().into_bytes())
    })
}

fn is_request(event: &Value) -> bool {
    event["event"] == "request_completed"
}

fn gap(entry: &Reconciliation) -> String {
    match entry.second_source() {
        SecondSource::Gap { what } => what,
        other => panic!("{other:?}"),
    }
}

fn disagreement(entry: &Reconciliation) -> String {
    match entry.second_source() {
        SecondSource::Disagrees { what } => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_in_order_agrees_by_every_source() {
    let pair = Pair::healthy(on_batches(|_| {})).await;
    let scenario = workload("a6_register");
    let report = run(&scenario, &pair.a6.guard()).await;
    let mut entry = pair.compare(&report).await;
    entry.log = Some(in_log(&pair.a6.context(), &scenario, &report).await);
    let SecondSource::Agrees(agreement) = entry.second_source() else { panic!("{entry:?}") };
    assert_eq!(agreement.source, "A8's request events and A6's transaction log");
    let log = entry.log.expect("it was read");
    assert!(log.writes > 20 && log.found == log.writes, "{log:?}");
    let arrival = entry.arrival.expect("something arrived");
    assert_eq!((arrival.count, arrival.late), (entry.expected, 0));
    assert!(arrival.p50_ms <= arrival.p99_ms && arrival.max_ms < Some(60_000), "{arrival:?}");
    let counts = entry.tile.and_then(|tile| tile.counts).expect("each request was told apart");
    // Those of the warm-up are in the tile, and counted by the probe too.
    assert!(counts.probe_requests > 500, "{counts:?}");
    assert_eq!((counts.other_requests, counts.tile_errors, counts.allowed_errors), (0, Some(0), (0, 0)));
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_rate_that_is_lied_about_shows_in_each_record_and_in_the_count() {
    let pair = Pair::healthy(on_batches(|events| {
        events.iter_mut().filter(|event| is_request(event)).for_each(|event| event["sample_rate"] = json!(1.0));
    }))
    .await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let entry = pair.compare(&report).await;
    assert_eq!((entry.disagreeing, entry.matched), (entry.expected, 0));
    assert!(disagreement(&entry).contains("sampled at 1, and such requests are sampled at 0.1"));
    pair.stop().await;
}

/// The first report lies, so that the others keep the route compared.
#[tokio::test(flavor = "multi_thread")]
async fn one_report_that_stands_for_too_many_makes_the_tile_count_wrong() {
    let is_first = AtomicBool::new(true);
    let pair = Pair::healthy(on_batches(move |events| {
        let register = |event: &&mut Value| is_request(event) && event["route"] == "/register";
        if let Some(event) = events.iter_mut().find(register)
            && is_first.swap(false, Ordering::SeqCst)
        {
            event["sample_rate"] = json!(0.001);
        }
    }))
    .await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let tile = pair.compare(&report).await.tile.expect("the tile was asked");
    let counts = tile.counts.expect("each request was told apart");
    let what = tile.disagreement.expect("a thousand for one is too many");
    let (shown, sent) = (counts.tile_requests.unwrap(), counts.probe_requests);
    assert!(
        shown > 1_000 && what.contains(&format!("it counts {shown} requests where the probe sent {sent}")),
        "{what}"
    );
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_come_twice_or_late_are_counted_and_named() {
    let pair = Pair::healthy(on_batches(|events| {
        let again: Vec<_> = events.iter().filter(|event| is_request(event)).cloned().collect();
        events.extend(again.into_iter().map(|mut event| {
            event["event_id"] = json!(format!("{}-again", event["event_id"].as_str().unwrap()));
            event["idempotency_key"] = event["event_id"].clone();
            event
        }));
    }))
    .await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let entry = pair.compare(&report).await;
    assert_eq!((entry.duplicated, entry.lost), (entry.expected, 0));
    assert!(disagreement(&entry).contains("twice"));
    pair.stop().await;

    // By A8's clock, each arrives more than a minute after it happened.
    let clock = Clock::manual(clock::unix_ms() + 65_000);
    let a8 = Ecosystem::start_with(vec![a8_command::reference::app()], |config| config.clock = clock.clone()).await;
    let pair = Pair::start(a8, on_batches(|_| {})).await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let entry = pair.compare(&report).await;
    assert_eq!((entry.late, entry.matched), (entry.expected, 0), "{entry:?}");
    let arrival = entry.arrival.as_ref().expect("something arrived");
    assert!(arrival.p50_ms > Some(60_000) && arrival.late == arrival.count, "{arrival:?}");
    assert!(gap(&entry).contains(" arrived after 60 s, so "), "{}", gap(&entry));
    pair.stop().await;
}

/// A8 by a clock of its own, which is set forward between the first question and the load.
async fn an_hour_later(defect: Option<Defect>) -> (Ecosystem, Clock) {
    let clock = Clock::manual(clock::unix_ms() - 3_600_000);
    let a8 = Ecosystem::start_with(vec![a8_command::reference::app()], |config| {
        config.clock = clock.clone();
        config.defects.extend(defect);
    })
    .await;
    let first = a8.client().get(AppId::A8, "/api/tiles/slo-matrix?namespace=perf_test").send().await;
    assert!(first.expect("A8 answers").is_success());
    clock.advance(Duration::from_secs(3_600));
    (a8, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_that_is_never_computed_again_is_stale_and_says_how_old_it_was() {
    let (a8, _clock) = an_hour_later(Some(Defect::A8StaleTiles)).await;
    let pair = Pair::start(a8, on_batches(|_| {})).await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let entry = pair.compare(&report).await;
    assert_eq!((entry.matched, entry.anomalies()), (entry.expected, 0), "every record is there: {entry:?}");
    let what = gap(&entry);
    assert!(what.starts_with("A8's tile of A6 POST /register is stale: it was computed 36"), "{what}");
    pair.stop().await;

    let (a8, _clock) = an_hour_later(None).await;
    let pair = Pair::start(a8, on_batches(|_| {})).await;
    let report = run(&workload("a6_register"), &pair.a6.guard()).await;
    let entry = pair.compare(&report).await;
    assert!(matches!(entry.second_source(), SecondSource::Agrees(_)), "{entry:?}");
    pair.stop().await;
}

/// Settlements of one provider, by way of a proxy that changes what A6 is asked to book.
async fn settled(rules: Vec<Rule>) -> LogComparison {
    let a6 = Ecosystem::start(vec![a6_provider::reference::app()]).await;
    let body = json!({ "name": "Aurora Scholarship Fund", "email": "test_provider_e2e_01@example.com" });
    let registered = a6.client().post(AppId::A6, "/register").json(&body).send().await.expect("A6 answers");
    let provider = registered.pointer("/provider_id").expect("it has an id");
    let to = format!("http://{}/", a6.app(AppId::A6).address).parse().expect("an address makes a URL");
    let rules = fault::Rules::of(rules).expect("the rules are sound");
    let proxy = FaultProxy::start(to, rules).await.expect("a port is free");
    let ports = BTreeMap::from([(AppId::A6, proxy.address().port())]);
    let body = json!({ "provider_id": provider, "gross_minor": 100_000, "ai_cost_minor": 1_000 });
    let scenario = Scenario::new("settle", AppId::A6, "Sales are booked")
        .constant_arrival_rate(150, Duration::from_secs(2), 20)
        .step(Step::post("settlement", "/api/billing/settle").json(body).hardened().expect_status(&[201]));
    let report = run(&scenario, &Guard::new(Environment::embedded(ports))).await;
    assert_eq!(report.steps[0].error_count(), 0, "each is acknowledged");
    let log = in_log(&a6.context(), &scenario, &report).await;
    assert!(log.writes > 5, "{log:?}");
    proxy.stop().await;
    a6.stop().await;
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settlement_off_by_one_cent_is_found_and_named() {
    let in_order = settled(Vec::new()).await;
    assert_eq!((in_order.found, in_order.altered + in_order.lost), (in_order.writes, 0), "{in_order:?}");
    let rule = Rule::new("short").on("POST", "/api/billing/settle");
    let short = settled(vec![rule.does(Action::set_json(Part::Request, "/gross_minor", 99_999))]).await;
    assert_eq!((short.found, short.altered), (0, short.writes), "{short:?}");
    assert!(short.examples[0].what.ends_with("/gross_minor is 99999, 100000 was sent"), "{short:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_leaves_nothing_in_the_log() {
    let a6 = Ecosystem::start(vec![a6_provider::reference::app()]).await;
    let scenario = workload("a6_billing");
    let quote = Scenario { steps: vec![scenario.steps[1].clone()], thresholds: BTreeMap::new(), ..scenario };
    let report = run(&quote, &a6.guard()).await;
    let log = in_log(&a6.context(), &quote, &report).await;
    assert!(log.writes > 20, "{log:?}");
    assert_eq!((log.records, log.duplicated, log.unread), (0, 0, 0), "{log:?}");
    a6.stop().await;
}
