//! What A1 promises: routes, service levels and events, as data.

use common::check::{OWN_ERRORS, OWN_PROTOCOL};
use common::contract::{Auth, Contract, Route, Slo};
use common::ids::AppId;
use common::telemetry::EventName;

/// The contract of A1.
#[must_use]
pub fn contract() -> Contract {
    let contract = Contract::new(
        AppId::A1,
        "identity",
        "Signs students and providers in over OpenID Connect, and gives the apps tokens for each other.",
    )
    .event(EventName::IdentityOk);
    let contract = discovery(contract);
    let contract = oidc(contract);
    pages(contract)
}

fn discovery(contract: Contract) -> Contract {
    let fast = |path: &str, summary: &str| Route::get(path, summary).slo(Slo::p95(150)).tag("core");
    contract
        .route(fast("/.well-known/openid-configuration", "Tells clients where everything is and what is supported."))
        .route(fast("/oidc/jwks", "Publishes the keys that tokens can be verified with."))
}

fn oidc(contract: Contract) -> Contract {
    contract
        .route(
            Route::get("/oidc/auth", "Begins the code flow (PKCE S256): a login form, or straight back with a code.")
                .success(&[200, 303])
                .tag("oidc")
                .tag(OWN_PROTOCOL),
        )
        .route(
            Route::post("/oidc/token", "Redeems a code or refresh token, or gives a service its token.")
                .form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", "harness-service"),
                    ("client_secret", "embedded-secret-harness-service"),
                ])
                .slo(Slo::p95(150))
                .tag("core")
                .tag("oidc")
                .tag(OWN_ERRORS),
        )
        .route(
            Route::get("/oidc/userinfo", "Tells a client whose token it holds.")
                .auth(Auth::Bearer)
                .tag("oidc")
                .tag(OWN_ERRORS),
        )
        .route(
            Route::get("/oidc/logout", "Ends the session at the provider; asks first unless an ID token is shown.")
                .success(&[200, 303])
                .tag("oidc"),
        )
        .route(
            Route::post("/oidc/logout", "Ends the session after the person has confirmed it.")
                .form(&[("form_nonce", "from-the-confirmation-page")])
                .tag("form"),
        )
        .route(
            Route::post(
                "/admin/keys/rotate",
                "Signs with a new key from now on; the old one stays published for a while.",
            )
            .auth(Auth::AdminKey)
            .tag("admin"),
        )
}

fn pages(contract: Contract) -> Contract {
    contract
        .route(Route::get("/login", "The login form.").tag("page"))
        .route(
            Route::post("/login", "Signs a person in and sends them back to where they came from.")
                .form(&[("form_nonce", "from-the-form"), ("username", "test_student_e2e_01"), ("password", "…")])
                .success(&[303])
                .tag("form"),
        )
        .route(Route::get("/signup", "The sign-up form.").tag("page"))
        .route(
            Route::post("/signup", "Makes an account, signs it in and sends the person back.")
                .form(&[
                    ("form_nonce", "from-the-form"),
                    ("name", "Test Student"),
                    ("email", "test_student_e2e_02@example.test"),
                    ("password", "…"),
                ])
                .success(&[303])
                .tag("form"),
        )
        .route(Route::get("/assets/app.css", "The style sheet of the forms.").tag("asset"))
}
