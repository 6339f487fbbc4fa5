//! How A1 can be broken on the wire, without a change of the app.

use common::fault::{Action, Cookie, Part, Replay, Rule};
use common::ids::AppId::{A1, A8};
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A1, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A1, rule, caught_by);
    vec![
        wire(
            "a1.secure_removed",
            "the session cookie loses its Secure on the way",
            Rule::new("insecure").does(Action::RemoveCookie(Cookie {
                cookie: Some("a1_session".to_owned()),
                attribute: "Secure".to_owned(),
            })),
            "a1.cookie",
        ),
        wire(
            "a1.stale_tokens",
            "every sign-in gets the tokens of the first",
            Rule::new("stale").on("POST", "/oidc/token").does(Action::ReplayStale(Replay::default())),
            "a1.code_flow",
        ),
        wire(
            "a1.issuer_rewritten",
            "discovery names another issuer",
            Rule::new("issuer").at("/.well-known/*").does(Action::set_json(
                Part::Answer,
                "/issuer",
                "https://elsewhere.test",
            )),
            "a1.discovery",
        ),
        wire(
            "a1.userinfo_flaky",
            "every fifth question for the user fails",
            Rule::new("flaky").on("GET", "/oidc/userinfo").every(5).does(Action::status(503)),
            "a1.code_flow",
        ),
    ]
}

/// Between A1 and another app.
fn between() -> Vec<Fault> {
    vec![Fault::between(
        "a1.identity_lost",
        "A8 hears of no sign-in",
        (A1, A8),
        Rule::new("lost")
            .on("POST", "/api/telemetry")
            .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "identity_ok")),
        "a1.identity_in_a8",
    )]
}
