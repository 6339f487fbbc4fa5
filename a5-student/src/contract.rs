//! What A5 promises: routes, service levels and events, as data.

use common::check::OWN_PROTOCOL;
use common::contract::{Auth, Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;

/// The contract of A5. Its forms are not hardened: browsers send them, and their nonce makes each take effect once. Nor is
/// the webhook, which dedupes on the event's id.
#[must_use]
pub fn contract() -> Contract {
    let summary = "The student's web app: sign-up and login through A1, questions to A4, documents, credits, checkout.";
    let contract = Contract::new(AppId::A5, "student", summary);
    money(first_steps(people(public(contract))))
        .event(EventName::CheckoutStarted)
        .event(EventName::CheckoutCompleted)
        .event(EventName::RevenueSettled)
        .event(EventName::CreditDecrement)
        .event(EventName::ActivationFirstUse)
        .event(EventName::DocumentIngested)
}

fn page(path: &str, summary: &str) -> Route {
    Route::get(path, summary).tag("page")
}

fn core(path: &str, summary: &str) -> Route {
    page(path, summary).slo(Slo::p95(150)).tag("core")
}

fn form(path: &str, summary: &str, example: &[(&str, &str)]) -> Route {
    Route::post(path, summary).form(example).auth(Auth::Session).tag("form")
}

fn data(path: &str, summary: &str) -> Route {
    Route::get(path, summary).tag("api")
}

fn public(contract: Contract) -> Contract {
    let asset = |path: &str, summary: &str| Route::get(path, summary).tag("asset");
    contract
        .route(core("/", "The landing page; `from` is carried into its sign-up links."))
        .route(core("/pricing", "The plans: to choose at the sign-up, or to buy."))
        .route(asset("/assets/app.css", "The style sheet."))
        .route(asset("/assets/app.js", "The script, which pages do without."))
        .route(asset("/assets/icon.svg", "The icon."))
}

fn people(contract: Contract) -> Contract {
    let start = |path: &str, summary: &str| Route::get(path, summary).success(&[303]).tag("oidc");
    contract
        .route(core("/dashboard", "The signed-in student's page.").auth(Auth::Session))
        .route(start("/signup", "Begins the sign-up at A1; `plan` and `from` are remembered."))
        .route(start("/login", "Begins the login at A1."))
        .route(start("/auth/callback", "Takes the code back from A1 and begins the session.").tag(OWN_PROTOCOL))
        .route(form("/logout", "Ends the session.", &[]).success(&[303]))
        .route(page("/signed-out", "Says that the session has ended."))
        .route(data("/api/me", "The signed-in student as data.").auth(Auth::Session))
}

fn first_steps(contract: Contract) -> Contract {
    let example = [("form_nonce", "of the page"), ("goal", "next_step")];
    contract
        .route(page("/onboarding", "Prepared questions to the assistant.").auth(Auth::Session))
        .route(form("/onboarding", "Asks A4 and shows the answer for one credit, once for one form.", &example))
        .route(page("/documents", "The student's documents, and the form to upload one.").auth(Auth::Session))
        .route(
            Route::post("/documents", "Keeps a document (multipart) and has A4 read it, once for one form.")
                .auth(Auth::Session)
                .success(&[303])
                .tag("form"),
        )
        .route(page("/documents/{id}", "A document with its outcome.").auth(Auth::Session))
}

fn money(contract: Contract) -> Contract {
    let example = [("form_nonce", "of the page"), ("plan", "micro")];
    contract
        .route(form("/checkout", "Leads to the payment page, the same one for one form.", &example).success(&[303]))
        .route(page("/checkout/return", "Tells whether the payment has arrived.").auth(Auth::Session))
        .route(page("/checkout/cancelled", "Says that nothing was bought.").auth(Auth::Session))
        .route(
            Route::post("/webhooks/stripe", "Takes the payment provider's signed events, each once, in any order.")
                .tag("webhook")
                .tag(OWN_PROTOCOL),
        )
        .route(page("/credits", "The balance and its entries.").auth(Auth::Session))
        .route(data("/api/credits", "The balance and its entries as data.").auth(Auth::Session))
        .route(data("/api/transactions/{trace_id}", "What happened in a trace: sign-ups, orders, entries, runs."))
        .route(data("/api/webhooks", "How many deliveries were taken, came again, or were refused."))
}
