//! What A4 promises.

use common::contract::{Contract, Route, Slo};
use common::ids::AppId;
use serde_json::json;

/// The contract of A4. Completions are not hardened: standard clients call them, and they change nothing.
#[must_use]
pub fn contract() -> Contract {
    Contract::new(
        AppId::A4,
        "ai experience",
        "Answers chat completions in OpenAI's form, streamed or whole, and coaches instead of writing essays.",
    )
    .route(completions(
        "/v1/chat/completions",
        "Answers a chat; `stream: true` sends it token by token and ends in `[DONE]`.",
    ))
    .route(completions("/chat/completions", "The same for clients whose base URL ends before the version."))
    .route(Route::get("/v1/models", "Lists the models.").slo(Slo::p95(150)).tag("core"))
    .route(
        Route::post("/documents/analyze", "Reads a student's document and tells its outcome; keeps nothing.")
            .json(json!({ "title": "Activities", "text": "I tutor younger students in mathematics every Tuesday." }))
            .slo(Slo::p95(1_500)),
    )
}

fn completions(path: &str, summary: &str) -> Route {
    Route::post(path, summary)
        .json(json!({
            "model": "scholar-sage-1",
            "messages": [{ "role": "user", "content": "How do I find scholarships for engineering?" }]
        }))
        .slo(Slo::p95(1_500))
        .tag("core")
        .tag(common::check::OPEN_BODY)
}
