//! How A6 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, HeaderName, Part, Rule};
use common::ids::AppId::{A2, A6, A8};
use common::suite::Fault;
use serde_json::json;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A6, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A6, rule, caught_by);
    vec![
        wire(
            "a6.quote_scaled",
            "quotes show 2.9 % in place of 3 %",
            Rule::new("fee").on("POST", "/api/billing/quote").does(Action::scale_json(
                Part::Answer,
                "/fee_minor",
                29.0 / 30.0,
            )),
            "a6.quote_golden",
        ),
        wire(
            "a6.key_removed",
            "settlements lose their key on the way",
            Rule::new("key")
                .on("POST", "/api/billing/settle")
                .does(Action::RemoveHeader(HeaderName { part: Part::Request, name: "X-Idempotency-Key".to_owned() })),
            "a6.settle_once",
        ),
        wire(
            "a6.settled_then_failed",
            "every settlement is booked and called failed",
            Rule::new("failed")
                .on("POST", "/api/billing/settle")
                .does(Action::CommitThenFail(Answer::of(503).retry_after(1))),
            "a6.settle_once",
        ),
        wire(
            "a6.stale_billing",
            "the billing facts are in another currency",
            Rule::new("currency").on("GET", "/api/billing").does(Action::set_json(Part::Answer, "/currency", "EUR")),
            "a6.billing_facts",
        ),
    ]
}

/// Between A6 and another app.
fn between() -> Vec<Fault> {
    vec![
        Fault::between(
            "a6.revenue_lost",
            "A8 hears of no revenue",
            (A6, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "revenue_settled")),
            "a6.revenue_in_a8",
        ),
        Fault::between(
            "a6.fee_off_by_one_percent",
            "A8 is told of one percent more fee",
            (A6, A8),
            Rule::new("fee").on("POST", "/api/telemetry").does(Action::scale_json(
                Part::Request,
                "/events/*/finance_metrics/fee_minor",
                1.01,
            )),
            "a6.revenue_in_a8",
        ),
        Fault::wire(
            "a6.a2_forgets",
            "A2 acknowledges settlements and stores none",
            A2,
            Rule::new("lost")
                .on("POST", "/api/v1/events")
                .does(Action::acknowledge(Answer::of(201).json(&json!({ "event_id": "evt_lost" })))),
            "a6.revenue_in_a2",
        ),
    ]
}
