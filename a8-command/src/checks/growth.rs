//! Growth figures and funnels, of events whose figures are known.

use common::check::{CheckContext, CheckError, Findings};
use common::clock::rfc3339;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::probe;

/// 2001-09-09: nothing else happened then.
const LONG_AGO_MS: i64 = 1_000_000_000_000;

/// The event of a step, at a time.
fn step(trace: TraceId, app: &str, name: &str, route: &str, at_ms: i64) -> Value {
    let mut event = probe::event(trace, name);
    event["app_id"] = json!(app);
    event["route"] = json!(route);
    event["timestamp"] = json!(rfc3339(at_ms));
    event
}

fn beacon(trace: TraceId, ctr: f64, at_ms: i64) -> Value {
    let mut event = step(trace, "A7", "cta_impression", "/api/cta", at_ms);
    event["business_metrics"] = json!({ "ctr": ctr });
    event
}

fn first_use(trace: TraceId, minutes: f64, at_ms: i64) -> Value {
    let mut event = step(trace, "A5", "activation_first_use", "/onboarding", at_ms);
    event["business_metrics"] = json!({ "ttfv_min": minutes });
    event
}

fn paid(trace: TraceId, name: &str, at_ms: i64) -> Value {
    let mut event = probe::settlement(trace);
    for (field, value) in [("event", json!(name)), ("app_id", json!("A5")), ("route", json!("/webhooks/stripe"))] {
        event[field] = value;
    }
    event["timestamp"] = json!(rfc3339(at_ms));
    event
}

/// A second of long ago that no other run takes.
fn quiet_second() -> i64 {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    LONG_AGO_MS + i64::try_from(random % 100_000_000).unwrap_or(0) * 1_000
}

/// Five impressions by four visitors and two clicks; one visitor signs up; two checkouts begin, one is paid; first uses
/// after 2 and 4 minutes: 0.4, 0.25, 0.5 and 3.
pub(crate) async fn business_metrics(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let at_ms = quiet_second();
    let [anna, ben, carla, dora, elsewhere] = [(); 5].map(|()| TraceId::fresh());
    let events = [
        beacon(anna, 0.0, at_ms),
        beacon(anna, 0.0, at_ms + 1),
        beacon(ben, 0.0, at_ms + 2),
        beacon(carla, 0.0, at_ms + 3),
        beacon(dora, 0.0, at_ms + 4),
        beacon(anna, 1.0, at_ms + 5),
        beacon(ben, 1.0, at_ms + 6),
        step(anna, "A1", "identity_ok", "/signup", at_ms + 7),
        step(ben, "A1", "identity_ok", "/oidc/token", at_ms + 8),
        step(elsewhere, "A1", "identity_ok", "/signup", at_ms + 9),
        first_use(anna, 2.0, at_ms + 10),
        first_use(elsewhere, 4.0, at_ms + 11),
        step(anna, "A5", "checkout_started", "/checkout", at_ms + 12),
        step(elsewhere, "A5", "checkout_started", "/checkout", at_ms + 13),
        paid(anna, "checkout_completed", at_ms + 14),
    ];
    let receipt = probe::report(&cx, &events)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(15));
    let path = format!("/api/tiles/growth?namespace=perf_test&since_ms={at_ms}&until_ms={}", at_ms + 999);
    let tile = cx.client.get(AppId::A8, &path).send().await?;
    for (metric, value, numerator, denominator) in [
        ("ctr", 0.4, 2.0, 5),
        ("signup_rate", 0.25, 1.0, 4),
        ("checkout_conv_rate", 0.5, 1.0, 2),
        ("ttfv_min", 3.0, 6.0, 2),
    ] {
        let at = |part: &str| format!("/business_metrics/{metric}/{part}");
        findings.json_at(metric, &tile, &at("value"), &json!(value));
        findings.json_at(&format!("the numerator of {metric}"), &tile, &at("numerator"), &json!(numerator));
        findings.json_at(&format!("the denominator of {metric}"), &tile, &at("denominator"), &json!(denominator));
        findings.json_at(&format!("what {metric} is from"), &tile, &at("from"), &json!("events"));
    }
    for (name, count) in [("cta_impression", 5), ("cta_click", 2), ("checkout_started", 2), ("checkout_completed", 1)] {
        findings.json_at(&format!("how often {name}"), &tile, &format!("/counts/{name}"), &json!(count));
    }
    findings.json_at("sign-ups", &tile, "/sign_ups", &json!(2));
    let nothing = format!("/api/tiles/growth?namespace=perf_test&trace_id={}", TraceId::fresh());
    let nothing = cx.client.get(AppId::A8, &nothing).send().await?;
    findings.json_at("the rate of nothing", &nothing, "/business_metrics/ctr/value", &Value::Null);
    Ok(findings)
}

/// A student who goes all the way, with her time from stage to stage; a lead that registers shows in two stages of the
/// providers' funnel and in none of hers.
pub(crate) async fn funnel_drill_down(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let (student, provider) = (TraceId::fresh(), TraceId::fresh());
    let at_ms = quiet_second();
    let events = [
        beacon(student, 0.0, at_ms),
        beacon(student, 1.0, at_ms + 1_500),
        step(student, "A1", "identity_ok", "/signup", at_ms + 4_000),
        step(student, "A1", "identity_ok", "/oidc/token", at_ms + 5_000),
        step(student, "A5", "checkout_started", "/checkout", at_ms + 10_000),
        paid(student, "checkout_completed", at_ms + 10_250),
        paid(student, "revenue_settled", at_ms + 10_250),
        step(provider, "A7", "lead_captured", "/api/leads", at_ms),
        step(provider, "A6", "provider_registered", "/register", at_ms + 700),
    ];
    let receipt = probe::report(&cx, &events)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(9));
    let null = Value::Null;
    let b2c = [
        ("impression", 1, null.clone()),
        ("click", 1, json!(1_500)),
        ("identity", 1, json!(2_500)),
        ("activation", 0, null.clone()),
        ("checkout_started", 1, json!(6_000)),
        ("checkout", 1, json!(250)),
        ("revenue", 1, json!(0)),
    ];
    stages(&cx, &mut findings, student, "b2c", &b2c).await?;
    let b2b = [
        ("page", 0, null.clone()),
        ("lead", 1, null.clone()),
        ("registration", 1, json!(700)),
        ("listing", 0, null.clone()),
        ("revenue", 0, null.clone()),
    ];
    stages(&cx, &mut findings, provider, "b2b", &b2b).await?;
    let lineage = probe::lineage(&cx, student).await?;
    findings.json_at("the first hop's app", &lineage, "/hops/0/app_id", &json!("A7"));
    findings.json_at("the fifth hop", &lineage, "/hops/4/event", &json!("checkout_started"));
    findings.json_at("its time", &lineage, "/hops/4/at", &json!(rfc3339(at_ms + 10_000)));
    findings.json_at("its time since the hop before", &lineage, "/hops/4/since_previous_ms", &json!(5_000));
    findings.json_at("its time since the first", &lineage, "/hops/4/since_first_ms", &json!(10_000));
    Ok(findings)
}

async fn stages(
    cx: &CheckContext,
    findings: &mut Findings,
    trace: TraceId,
    funnel: &str,
    expected: &[(&str, i64, Value)],
) -> Result<(), CheckError> {
    let path = format!("/api/tiles/funnels?namespace=perf_test&trace_id={trace}");
    let tile = cx.client.get(AppId::A8, &path).send().await?;
    for (place, (stage, count, since_ms)) in expected.iter().enumerate() {
        let at = |part: &str| format!("/{funnel}/{place}/{part}");
        findings.json_at("the stage", &tile, &at("stage"), &json!(stage));
        findings.json_at(&format!("traces at {stage}"), &tile, &at("count"), &json!(count));
        findings.json_at(&format!("the time to {stage}"), &tile, &at("since_previous_ms"), since_ms);
        if *count > 0 {
            findings.json_at(&format!("the trace at {stage}"), &tile, &at("traces/0"), &json!(trace.to_string()));
        }
    }
    Ok(())
}

/// A document, a first use, two credits spent and a cycle of the agent.
pub(crate) async fn outcomes(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let at_ms = quiet_second();
    let events = [
        first_use(trace, 1.5, at_ms),
        step(trace, "A5", "document_ingested", "/documents", at_ms + 1),
        step(trace, "A5", "credit_decrement", "/onboarding", at_ms + 2),
        step(trace, "A5", "credit_decrement", "/documents", at_ms + 3),
        step(trace, "A3", "orchestration_cycle_complete", "/orchestration/run", at_ms + 4),
    ];
    let receipt = probe::report(&cx, &events)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(5));
    let tile = |name: &str| {
        let path = format!("/api/tiles/{name}?namespace=perf_test&trace_id={trace}");
        cx.client.get(AppId::A8, &path).send()
    };
    let activation = tile("activation").await?;
    findings.json_at("first uses", &activation, "/first_uses", &json!(1));
    findings.json_at("credits spent", &activation, "/credits_spent", &json!(2));
    findings.json_at("the median time to first value", &activation, "/ttfv_min/p50", &json!(1.5));
    let outcomes = tile("outcomes").await?;
    for (name, count) in [("document_ingested", 1), ("orchestration_cycle_complete", 1), ("activation_first_use", 1)] {
        findings.json_at(&format!("how often {name}"), &outcomes, &format!("/counts/{name}"), &json!(count));
    }
    findings.json_at("the newest outcome", &outcomes, "/outcomes/0/event", &json!("orchestration_cycle_complete"));
    Ok(findings)
}
