//! Money in tiles.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use serde_json::json;

use super::probe;

/// Two settlements of one trace: 2,000.00 gross, 60.00 fee, 20.00 AI cost, 80.00 AI price.
pub(crate) async fn finance_cents(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let receipt = probe::report(&cx, &[probe::settlement(trace), probe::settlement(trace)])?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(2));
    let path = format!("/api/tiles/finance?namespace=perf_test&trace_id={trace}");
    let tile = cx.client.get(AppId::A8, &path).send().await?;
    for (what, pointer, expected) in [
        ("the platform fee in percent", "/provider_fee_pct", json!(3.0)),
        ("the AI markup", "/ai_markup_factor", json!(4.0)),
        ("cents of gross", "/gross_minor", json!(200_000)),
        ("cents of fee", "/fee_minor", json!(6_000)),
        ("cents of AI cost", "/ai_cost_minor", json!(2_000)),
        ("cents of AI price", "/ai_price_minor", json!(8_000)),
        ("the currency", "/currency", json!("USD")),
        ("settlements", "/settlements", json!(2)),
        ("repeated revenue events", "/repeated_revenue_event_ids", json!(0)),
    ] {
        findings.json_at(what, &tile, pointer, &expected);
    }
    let path = format!("/api/tiles/revenue-lineage?namespace=perf_test&trace_id={trace}");
    let lineage = cx.client.get(AppId::A8, &path).send().await?;
    findings.json_at("the way of the money", &lineage, "/settlements/0/apps", &json!(["A6", "A8"]));
    findings.json_at("its trace", &lineage, "/settlements/0/trace_id", &json!(trace.to_string()));
    Ok(findings)
}

/// A settlement of a test shows in its own namespace and nowhere else.
pub(crate) async fn namespaces_apart(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let receipt = probe::report(&cx, &[probe::settlement(trace)])?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(1));
    for (namespace, settlements) in [("perf_test", 1), ("live", 0), ("simulated_audit", 0)] {
        let path = format!("/api/tiles/finance?namespace={namespace}&trace_id={trace}");
        let tile = cx.client.get(AppId::A8, &path).send().await?;
        findings.json_at("the tile's namespace", &tile, "/namespace", &json!(namespace));
        findings.json_at(&format!("settlements in {namespace}"), &tile, "/settlements", &json!(settlements));
    }
    let unknown = cx.client.get(AppId::A8, "/api/tiles/finance?namespace=everything").send().await?;
    findings.status("a namespace that there is not", 422, &unknown);
    Ok(findings)
}

/// Two thousand dollars that nobody paid.
const TEST_MINOR: i64 = 200_000;

/// A checkout of the test mode that calls itself live, with the settlement that follows it.
pub(crate) async fn test_revenue_stays_out(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let before = live_gross(&cx).await?;
    let mut settled = probe::settlement(trace);
    settled["finance_metrics"]["gross_minor"] = json!(TEST_MINOR);
    let mut paid = settled.clone();
    paid["event"] = json!("checkout_completed");
    let started = probe::event(trace, "checkout_started");
    let mut batch = [started, paid, settled];
    for event in &mut batch {
        event["app_id"] = json!("A5");
        event["namespace"] = json!("live");
        event["stripe_mode"] = json!("test");
    }
    let receipt = probe::report(&cx, &batch)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(3));
    let tile = |name: &str| {
        let path = format!("/api/tiles/{name}?namespace=live&trace_id={trace}");
        cx.client.get(AppId::A8, &path).send()
    };
    let finance = tile("finance").await?;
    findings.json_at("settlements in the live finance tile", &finance, "/settlements", &json!(0));
    findings.json_at("cents of gross in it", &finance, "/gross_minor", &json!(0));
    let lineage = tile("revenue-lineage").await?;
    findings.json_at("settlements in the live revenue lineage", &lineage, "/settlements", &json!([]));
    let growth = tile("growth").await?;
    let conversion = "/business_metrics/checkout_conv_rate/denominator";
    findings.json_at("checkouts in the live conversion rate", &growth, conversion, &json!(0));
    let funnels = tile("funnels").await?;
    findings.json_at("the last stage of the live funnel", &funnels, "/b2c/6/stage", &json!("revenue"));
    findings.json_at("traces at it", &funnels, "/b2c/6/count", &json!(0));
    let demo = finance.pointer("/demo");
    let badged = demo.as_ref().is_none_or(|demo| demo["badge"].as_str().is_some_and(|badge| !badge.is_empty()));
    findings.holds("if it is shown beside the live figures, then with a badge", badged, demo.unwrap_or_default());
    // Others may settle live money meanwhile, but not as much.
    let rise = live_gross(&cx).await? - before;
    findings.holds("the live overview does not rise by it", rise < TEST_MINOR, format!("a rise of {rise} cents"));
    Ok(findings)
}

async fn live_gross(cx: &CheckContext) -> Result<i64, CheckError> {
    let overview = cx.client.get(AppId::A8, "/api/executive/overview?namespace=live").send().await?;
    let gross = overview.pointer("/revenue/gross_minor").and_then(|gross| gross.as_i64());
    gross.ok_or_else(|| CheckError::Broken(format!("no /revenue/gross_minor in the overview: {}", overview.status)))
}
