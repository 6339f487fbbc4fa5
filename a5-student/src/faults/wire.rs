//! How A5 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Cookie, Cut, HeaderName, Part, Rule};
use common::ids::AppId::{A1, A3, A4, A5, A8};
use common::suite::Fault;
use serde_json::json;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A5, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A5, rule, caught_by);
    vec![
        wire(
            "a5.secure_removed",
            "the session cookie loses its Secure on the way",
            Rule::new("insecure").does(Action::RemoveCookie(Cookie {
                cookie: Some("a5_session".to_owned()),
                attribute: "Secure".to_owned(),
            })),
            "a5.callback_refuses",
        ),
        wire(
            "a5.policy_removed",
            "pages lose their policy",
            Rule::new("policy").does(Action::RemoveHeader(HeaderName {
                part: Part::Answer,
                name: "Content-Security-Policy".to_owned(),
            })),
            "a5.page_policy",
        ),
        wire(
            "a5.dashboard_fails",
            "the dashboard answers 503",
            Rule::new("down").on("GET", "/dashboard").does(Action::status(503)),
            "a5.signup_lands",
        ),
        wire(
            "a5.credits_doubled",
            "entries show twice their credits",
            Rule::new("doubled").on("GET", "/api/credits").does(Action::scale_json(
                Part::Answer,
                "/entries/*/credits",
                2.0,
            )),
            "a5.ledger_balances",
        ),
        wire(
            "a5.webhook_acknowledged_and_lost",
            "webhooks of the payment provider are acknowledged and lost",
            Rule::new("lost")
                .on("POST", "/webhooks/stripe")
                .does(Action::acknowledge(Answer::of(200).json(&json!({ "received": true })))),
            "a5.micro_checkout",
        ),
    ]
}

/// Between A5 and another app.
fn between() -> Vec<Fault> {
    vec![
        Fault::wire(
            "a5.a1_issuer_rewritten",
            "A1 tells of another issuer",
            A1,
            Rule::new("issuer").at("/.well-known/*").does(Action::set_json(
                Part::Answer,
                "/issuer",
                "https://elsewhere.test",
            )),
            "a5.signup_lands",
        ),
        Fault::wire(
            "a5.a1_tokens_cut",
            "A1 answers with half a token answer",
            A1,
            Rule::new("cut").on("POST", "/oidc/token").does(Action::Truncate(Cut { after_bytes: 40, clean: true })),
            "a5.signup_lands",
        ),
        Fault::wire(
            "a5.a4_fails",
            "A4 answers with 503",
            A4,
            Rule::new("down").on("POST", "*").does(Action::status(503)),
            "a5.guided_action",
        ),
        Fault::wire(
            "a5.a3_forgets",
            "A3 promises a run and starts none",
            A3,
            Rule::new("lost")
                .on("POST", "/orchestration/run")
                .does(Action::acknowledge(Answer::of(202).json(&json!({ "run_id": "run_lost" })))),
            "a5.asks_a3",
        ),
        Fault::between(
            "a5.decrement_lost",
            "A8 hears of no credit that was spent",
            (A5, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "credit_decrement")),
            "a5.guided_action",
        ),
    ]
}
