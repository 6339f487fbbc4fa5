//! What A5 promises: routes and service levels, as data.

use common::check::OWN_PROTOCOL;
use common::contract::{Auth, Contract, Route, Slo};
use common::ids::AppId;

/// The contract of A5.
#[must_use]
pub fn contract() -> Contract {
    let page = |path: &str, summary: &str| Route::get(path, summary).tag("page");
    let core = |path: &str, summary: &str| page(path, summary).slo(Slo::p95(150)).tag("core");
    let start = |path: &str, summary: &str| Route::get(path, summary).success(&[303]).tag("oidc");
    Contract::new(AppId::A5, "student", "The student's web app: sign-up and login through A1, pricing, dashboard.")
        .route(core("/", "The landing page."))
        .route(core("/pricing", "The plans; each button leads to sign-up."))
        .route(core("/dashboard", "The signed-in student's page.").auth(Auth::Session))
        .route(start("/signup", "Begins the sign-up at A1; `plan` is remembered."))
        .route(start("/login", "Begins the login at A1."))
        .route(start("/auth/callback", "Takes the code back from A1 and begins the session.").tag(OWN_PROTOCOL))
        .route(Route::post("/logout", "Ends the session.").form(&[]).auth(Auth::Session).success(&[303]).tag("form"))
        .route(page("/signed-out", "Says that the session has ended."))
        .route(Route::get("/api/me", "The signed-in student as data.").auth(Auth::Session).tag("api"))
        .route(Route::get("/assets/app.css", "The style sheet.").tag("asset"))
}
