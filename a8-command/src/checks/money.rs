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
