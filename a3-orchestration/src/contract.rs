//! What A3 promises.

use common::contract::{Auth, Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::json;

/// The contract of A3.
#[must_use]
pub fn contract() -> Contract {
    let contract =
        Contract::new(AppId::A3, "agent platform", "Orchestrates the agent: runs, retries, breakers, bandit.");
    learning_routes(run_routes(contract))
        .event(EventName::RunProgress)
        .event(EventName::CtaEmitted)
        .event(EventName::OrchestrationCycleComplete)
        .event(EventName::BreakerTransition)
        .event(EventName::BanditConfig)
}

fn run_routes(contract: Contract) -> Contract {
    contract
        .route(
            Route::get("/preflight", "Tells which other apps answer, before a run is asked for.")
                .slo(Slo::p95(150))
                .tag("core"),
        )
        .route(
            Route::post(
                "/orchestration/run",
                "Takes on a run: a page is built, published and told of, once for one key.",
            )
            .json(json!({ "title": "STEM scholarships in Ohio", "summary": "Awards for students of engineering." }))
            .hardened()
            .success(&[202])
            .slo(Slo::p95(150))
            .tag("core"),
        )
        .route(Route::get("/orchestration/runs/{id}", "Shows a run: its state, its steps with their times, its page."))
        .route(Route::get(
            "/orchestration/progress",
            "Counts runs by state, the minutes since a human intervened, and how runs ended since then.",
        ))
        .route(Route::get(
            "/orchestration/journal",
            "Lists who did what: interventions, complete cycles, dropped jobs.",
        ))
        .route(Route::get("/breakers", "Shows the circuit breaker and the retry budget before each other party."))
}

fn learning_routes(contract: Contract) -> Contract {
    contract
        .route(Route::get(
            "/bandit",
            "Shows the arms: belief, weight, P(best), sessions, gate; the winner and the thresholds; of an experiment too.",
        ))
        .route(
            Route::post(
                "/bandit/reward",
                "Takes what came of a session on a page, with an arm or of a choice, once; test runs teach experiments alone.",
            )
            .json(json!({ "arm": "apply_now", "session_id": "visit-1", "page_view": true, "lead": true }))
            .hardened(),
        )
        .route(
            Route::post("/bandit/levers", "Freezes a bandit, makes it forget, or sets the least share of each arm.")
                .json(json!({ "experiment": "exp_1", "freeze": true, "floor": 0.1 }))
                .auth(Auth::AdminKey)
                .hardened(),
        )
        .route(
            Route::post("/bandit/experiments", "Makes a bandit for a test, which live traffic never meets.")
                .json(json!({ "arms": ["short", "long"], "seed": 7 }))
                .hardened()
                .success(&[201]),
        )
        .route(Route::post("/bandit/experiments/{id}/choose", "Chooses an arm of an experiment.").hardened())
}
