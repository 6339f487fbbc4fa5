//! What A8 promises: routes, service levels, events, flags.

use common::check::OWN_PROTOCOL;
use common::contract::{Auth, Body, Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::{Value, json};

/// The tiles, in the order of the dashboard, each with what it shows.
pub(crate) const TILES: [(&str, &str); 10] = [
    ("slo-matrix", "Requests, errors and latency of each route, weighted by the inverse of the sample rate."),
    ("funnels", "The B2C and B2B funnels, stage by stage; with `trace_id` one trace and its time between stages."),
    ("growth", "Counts from impression to checkout, and the business metrics computed from them."),
    ("finance", "Fee and AI markup of settled revenue, in integer minor units."),
    ("revenue-lineage", "Each settlement with the apps its trace went through."),
    ("outcomes", "Documents taken in, orchestration runs that ended, and first uses of AI."),
    ("activation", "First uses, time to first value, credits spent."),
    ("incidents", "Incidents and their state."),
    ("approvals", "Restricted actions that a person approved."),
    ("validation", "What validations reported about themselves."),
];

/// The largest batch of telemetry in bytes: 4 MiB.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// The contract of A8.
#[must_use]
pub fn contract() -> Contract {
    let summary = "Takes in the telemetry of all apps, and shows the state of the ecosystem.";
    let mut contract = Contract::new(AppId::A8, "command-center", summary)
        .route(sink())
        .route(fast("/api/events", "Lists stored events in order of arrival, filtered and paged.").tag("core"))
        .route(fast(
            "/api/lineage/{trace_id}",
            "Lists the events of one trace in order of time, with the time between them.",
        ))
        .route(
            Route::get("/api/stream", "Sends new events as they arrive (SSE, resumes by Last-Event-ID).")
                .tag(OWN_PROTOCOL),
        )
        .route(
            Route::get("/api/executive/overview", "Sums up the whole store for the namespace.")
                .slo(Slo::p95(150))
                .tag("known_issue:A8-PERF-001"),
        )
        .route(clear_incident())
        .route(fast("/", "The dashboard.").tag("html"))
        .route(fast("/lineage", "The hops of one trace, as a page.").tag("html"))
        .route(Route::get("/assets/app.css", "The dashboard's style sheet.").tag("asset"))
        .route(Route::get("/assets/app.js", "The dashboard's enhancements.").tag("asset"))
        .event(EventName::IncidentCleared)
        .flag("a8_tile_cache", "Serves the executive overview from incremental roll-ups with a TTL and an ETag.")
        .flag("a8_incident_ttl", "Lets incident banners expire, clear on recovery and be cleared by an administrator.")
        .flag("a8_demo_mode", "Shows simulated and Stripe-test revenue beside the live figures, with a badge.");
    for (tile, summary) in TILES {
        contract = contract.route(fast(&format!("/api/tiles/{tile}"), summary).tag("tile"));
    }
    contract
}

fn fast(path: &str, summary: &str) -> Route {
    Route::get(path, summary).slo(Slo::p95(150))
}

fn sink() -> Route {
    let mut route = Route::post("/api/telemetry", "Takes up to 1,000 events; duplicates are acknowledged, not stored.")
        .auth(Auth::TelemetryKey)
        .slo(Slo::p95(200))
        .tag("core");
    route.body = Body::Json { example: json!({ "events": [example_event()] }), max_bytes: MAX_BATCH_BYTES };
    route
}

fn clear_incident() -> Route {
    Route::post("/api/incidents/{id}/clear", "Clears an incident's banner; each clearance is an audit record.")
        .json(json!({ "reason": "recovered, seen by the person on call" }))
        .auth(Auth::AdminKey)
        .hardened()
}

fn example_event() -> Value {
    json!({
        "schema_version": 1,
        "event_id": "01980000-0000-7000-8000-000000000001",
        "timestamp": "2026-11-21T10:15:00.000Z",
        "app_id": "A6",
        "env": "embedded",
        "namespace": "perf_test",
        "tenant_id": "tenant_synthetic",
        "release": "v0.1.0",
        "event": "provider_registered",
        "route": "/register",
        "method": "POST",
        "status": 201,
        "p95_ms": 12.5,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "idempotency_key": "example-1",
        "test_run": true,
        "source": "qa",
        "sample_rate": 1.0
    })
}
