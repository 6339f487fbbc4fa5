//! What A2 promises.

use common::contract::{Body, Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::{Value, json};

/// The most bytes of a batch: 4 MiB.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// The contract of A2.
#[must_use]
pub fn contract() -> Contract {
    let contract =
        Contract::new(AppId::A2, "data platform", "Durable event ingest, the scholarship API and lineage by trace.")
            .flag("a2_ready_contract", "`/ready` looks at database, queue and A8 instead of answering a bare `ok`.");
    let contract = write_routes(contract);
    read_routes(contract)
        .event(EventName::LeadCaptured)
        .event(EventName::ProviderRegistered)
        .event(EventName::ProviderListingPublished)
        .event(EventName::DocumentIngested)
        .event(EventName::ActivationFirstUse)
        .event(EventName::CtaImpression)
}

fn write_routes(contract: Contract) -> Contract {
    contract
        .route(
            Route::post("/api/v1/events", "Stores one event; what it acknowledges is durable.")
                .json(example_event())
                .hardened()
                .success(&[201])
                .slo(Slo::p95(125))
                .tag("core"),
        )
        .route(
            batch_route("Stores up to 1,000 events (a JSON array or NDJSON) and tells the fate of each item.")
                .hardened()
                .success(&[200, 207])
                .slo(Slo::p95(200))
                .tag("core"),
        )
        .route(
            Route::post("/api/v1/dlq/replay", "Sends dead letters to A8 again: all, or those named.")
                .json(json!({}))
                .hardened(),
        )
}

fn read_routes(contract: Contract) -> Contract {
    contract
        .route(Route::get("/api/v1/events/{id}", "Shows one stored event.").tag("core"))
        .route(Route::get("/api/v1/lineage/{trace_id}", "Lists A2's events of one trace in the order stored."))
        .route(
            Route::get("/api/v1/scholarships", "Searches the scholarships, page by page; has an ETag.")
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(Route::get("/api/v1/dlq", "Lists reports that A8 refused, with the reason."))
}

fn batch_route(summary: &str) -> Route {
    let mut route = Route::post("/api/v1/events/batch", summary);
    route.body = Body::Json { example: json!([example_event()]), max_bytes: MAX_BATCH_BYTES };
    route
}

fn example_event() -> Value {
    json!({
        "event_type": "lead",
        "subject": "test_student_e2e_01",
        "payload": { "page": "stem-scholarships-ohio", "interest": "engineering" },
        "occurred_at": "2026-01-15T12:00:00.000Z"
    })
}
