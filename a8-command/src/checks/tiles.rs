//! What tiles say: when, of what, and with which weight.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::clock::{parse_rfc3339, unix_ms};
use common::ids::{AppId, TraceId};
use serde_json::json;

use super::probe;

/// A tile older than this is stale, clocks that differ included.
const FRESH_MS: i64 = 60_000;

const TILES: [&str; 10] = [
    "slo-matrix",
    "funnels",
    "growth",
    "finance",
    "revenue-lineage",
    "outcomes",
    "activation",
    "incidents",
    "approvals",
    "validation",
];

fn as_of(reply: &Reply) -> Option<i64> {
    parse_rfc3339(reply.pointer("/as_of")?.as_str()?).ok()
}

/// Every tile is fresh, and computed anew when it is asked again.
pub(crate) async fn say_when(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for tile in TILES {
        let path = format!("/api/tiles/{tile}?namespace=perf_test");
        let reply = cx.client.get(AppId::A8, &path).send().await?;
        findings.status(tile, 200, &reply);
        findings.json_at("the tile's name", &reply, "/tile", &json!(tile));
        findings.json_at(&format!("the namespace of {tile}"), &reply, "/namespace", &json!("perf_test"));
        let since = reply.pointer("/scope/since_ms").and_then(|since| since.as_i64());
        findings.holds(&format!("{tile} says over what"), since.is_some(), "no /scope/since_ms");
        let Some(first) = as_of(&reply) else {
            findings.holds(&format!("{tile} says when"), false, "no /as_of");
            continue;
        };
        let age_ms = unix_ms() - first;
        findings.holds(&format!("{tile} is fresh"), age_ms.abs() < FRESH_MS, format!("{age_ms} ms old"));
        let moved = cx.eventually(|| async {
            let later = cx.client.get(AppId::A8, &path).send().await?;
            Ok(as_of(&later).filter(|at| *at > first))
        });
        if !findings.holds(&format!("{tile} is computed again"), moved.await?.is_some(), "the same as_of every time") {
            // One such tile is enough: waiting as long for each of the others would tell nothing new.
            break;
        }
    }
    Ok(findings)
}

/// A success sampled at a tenth stands for ten: 20 requests and an error are 21, 4.76… % errors.
pub(crate) async fn matrix_reweights(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let request = |status: u16, ms: f64, rate: f64| {
        let mut event = probe::event(trace, "request_completed");
        for (name, value) in
            [("status", json!(status)), ("p50_ms", json!(ms)), ("p95_ms", json!(ms)), ("sample_rate", json!(rate))]
        {
            event[name] = value;
        }
        event["route"] = json!("/p/{slug}");
        event["method"] = json!("GET");
        event
    };
    let events = [request(200, 10.0, 0.1), request(200, 20.0, 0.1), request(500, 300.0, 1.0)];
    let receipt = probe::report(&cx, &events)?.send().await?;
    findings.json_at("accepted", &receipt, "/accepted", &json!(3));
    let path = format!("/api/tiles/slo-matrix?namespace=perf_test&trace_id={trace}");
    let tile = cx.client.get(AppId::A8, &path).send().await?;
    for (what, pointer, expected) in [
        ("the app", "/rows/0/app_id", json!("A7")),
        ("the route", "/rows/0/route", json!("/p/{slug}")),
        ("reported requests", "/rows/0/samples", json!(3)),
        ("requests they stand for", "/rows/0/requests", json!(21)),
        ("errors", "/rows/0/errors", json!(1)),
        ("the median", "/rows/0/p50_ms", json!(20.0)),
        ("the 95th percentile", "/rows/0/p95_ms", json!(20.0)),
    ] {
        findings.json_at(what, &tile, pointer, &expected);
    }
    let rate = tile.pointer("/rows/0/error_rate_pct").and_then(|rate| rate.as_f64()).unwrap_or(-1.0);
    findings.holds("the error rate is 4.76 %", (rate - 4.7619).abs() < 0.001, rate);
    Ok(findings)
}
