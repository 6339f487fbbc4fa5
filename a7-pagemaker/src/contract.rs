//! What A7 promises.

use common::contract::{Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::json;

/// The contract of A7.
#[must_use]
pub fn contract() -> Contract {
    let contract = Contract::new(
        AppId::A7,
        "growth",
        "Builds and publishes public scholarship pages, lets them be found, and captures calls to action and leads.",
    )
    .flag("a7_async_pipeline", "Queues the e-mail of a lead durably and answers 202 at once (known issue B).")
    .flag("a7_sitemap_cache", "Keeps the list of pages behind the sitemap for one hour.");
    api_routes(page_routes(contract))
        .event(EventName::PageBuildRequested)
        .event(EventName::PagePublished)
        .event(EventName::CtaImpression)
        .event(EventName::LeadCaptured)
        .event(EventName::BreakerTransition)
}

fn page_routes(contract: Contract) -> Contract {
    let page = |path: &str, summary: &str| Route::get(path, summary).slo(Slo::p95(150)).tag("core").tag("html");
    contract
        .route(page("/", "The landing page."))
        .route(page("/browse", "All published pages, fifty at a time."))
        .route(page("/browse/states", "Pages by state."))
        .route(page("/browse/majors", "Pages by major."))
        .route(page("/p/{slug}", "A published page."))
        .route(
            Route::get("/sitemap.xml", "Lists every published page for search engines.")
                .slo(Slo::p95(500))
                .tag("sitemap"),
        )
        .route(
            Route::get("/robots.txt", "Tells crawlers what they may read and where the sitemap is.").slo(Slo::p95(150)),
        )
        .route(Route::get("/assets/{name}", "The site's own style sheet, script and share image."))
}

fn api_routes(contract: Contract) -> Contract {
    contract
        .route(
            Route::post("/api/pages", "Builds and publishes a page, for an arm of A3 if one is named; the same page again is the same page.")
                .json(json!({
                    "slug": "robotics-scholarships-oregon",
                    "title": "Robotics scholarships in Oregon",
                    "summary": "Awards for students who build things that move."
                }))
                .hardened()
                .success(&[200, 201])
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(
            Route::post("/api/leads", "Captures a lead and sends a welcome e-mail: 201 when sent, 202 when queued.")
                .json(json!({
                    "email": "test_student_e2e_01@example.com",
                    "slug": "stem-scholarships-ohio",
                    "interest": "engineering"
                }))
                .hardened()
                .success(&[201, 202])
                .slo(Slo::p95(150))
                .tag("known_issue:B"),
        )
        .route(Route::get("/api/leads/{id}", "Shows where a lead stands; nothing personal."))
        .route(
            Route::post("/api/cta", "Counts an impression of a call to action or a click on it, a complaint, or an error that a visitor met.")
                .json(json!({ "slug": "stem-scholarships-ohio", "kind": "impression" }))
                .hardened()
                .success(&[201])
                .slo(Slo::p95(150))
                .tag("core"),
        )
}
