//! What A6 promises.

use common::contract::{Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::json;

/// The contract of A6.
#[must_use]
pub fn contract() -> Contract {
    let contract = Contract::new(
        AppId::A6,
        "provider experience",
        "Registers providers, publishes their listings and books their bills: 3 % platform fee, 4x AI markup.",
    )
    .flag("a6_warm_pool", "Keeps the pool of the provider directory warm, so that no request pays for connecting.");
    billing_routes(provider_routes(contract))
        .event(EventName::ProviderRegistered)
        .event(EventName::ProviderListingPublished)
        .event(EventName::RevenueSettled)
}

fn provider_routes(contract: Contract) -> Contract {
    contract
        .route(
            Route::post("/register", "Registers a provider as a lead.")
                .json(json!({
                    "name": "Aurora Scholarship Fund",
                    "email": "test_provider_e2e_01@example.com",
                    "country": "US"
                }))
                .hardened()
                .success(&[201])
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(Route::get("/api/providers/{id}", "Shows a provider and its stage.").slo(Slo::p95(150)))
        .route(
            Route::post("/api/providers/{id}/stage", "Moves a provider one step: lead, demo, contract, live.")
                .json(json!({ "stage": "demo" }))
                .hardened(),
        )
        .route(
            Route::post("/api/listings", "Drafts a listing of a provider.")
                .json(json!({
                    "provider_id": "prv_00000000-0000-7000-8000-000000000000",
                    "title": "Aurora STEM Award",
                    "award_minor": 100_000
                }))
                .hardened()
                .success(&[201]),
        )
        .route(Route::get("/api/listings/{id}", "Shows a listing."))
        .route(
            Route::post("/api/listings/{id}/publish", "Makes a listing public; a second time changes nothing.")
                .hardened(),
        )
}

fn billing_routes(contract: Contract) -> Contract {
    contract
        .route(
            Route::get("/api/billing", "States the platform fee, the AI markup and the currency.")
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(
            Route::post("/api/billing/quote", "Computes fee, AI price and total in cents; books nothing.")
                .json(json!({ "gross_minor": 100_000, "ai_cost_minor": 1_000 }))
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(
            Route::post("/api/billing/settle", "Books a sale as a balanced set of entries and reports the revenue.")
                .json(json!({
                    "provider_id": "prv_00000000-0000-7000-8000-000000000000",
                    "gross_minor": 100_000,
                    "ai_cost_minor": 1_000
                }))
                .hardened()
                .success(&[201]),
        )
        .route(Route::get("/api/settlements/{id}", "Shows a settlement with its entries and how far its event came."))
        .route(Route::get(
            "/api/transactions/{trace_id}",
            "Lists what one trace registered and booked: the transaction log.",
        ))
}
