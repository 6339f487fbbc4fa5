//! How A2 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Cut, HeaderName, Part, Rule};
use common::ids::AppId::{A2, A8};
use common::suite::Fault;
use serde_json::json;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A2, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A2, rule, caught_by);
    vec![
        wire(
            "a2.acknowledged_and_lost",
            "every 50th event is acknowledged and goes nowhere",
            Rule::new("lost")
                .on("POST", "/api/v1/events")
                .every(50)
                .does(Action::acknowledge(Answer::of(201).json(&json!({ "event_id": "evt_lost" })))),
            "a2.acknowledged_is_kept",
        ),
        wire(
            "a2.committed_then_failed",
            "an event is stored and its sender told that it failed",
            Rule::new("failed")
                .on("POST", "/api/v1/events")
                .first(1)
                .does(Action::CommitThenFail(Answer::of(503).retry_after(1))),
            "a2.one_key_one_event",
        ),
        wire(
            "a2.batch_cut",
            "the answer to a batch ends in its midst",
            Rule::new("cut")
                .on("POST", "/api/v1/events/batch")
                .does(Action::Truncate(Cut { after_bytes: 20, clean: false })),
            "a2.batch_tells_each_item",
        ),
        wire(
            "a2.payload_rewritten",
            "events arrive with another payload",
            Rule::new("payload").on("POST", "/api/v1/events").does(Action::set_json(
                Part::Request,
                "/payload",
                json!({ "rewritten": true }),
            )),
            "a2.event_found_again",
        ),
        wire(
            "a2.etag_removed",
            "pages of scholarships lose their ETag",
            Rule::new("etag")
                .at("/api/v1/scholarships")
                .does(Action::RemoveHeader(HeaderName { part: Part::Answer, name: "ETag".to_owned() })),
            "a2.scholarships_etag",
        ),
    ]
}

/// Between A2 and another app.
fn between() -> Vec<Fault> {
    vec![
        Fault::between(
            "a2.lead_lost",
            "A8 hears of no lead that A2 stored",
            (A2, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "lead_captured")),
            "a2.forwarded_to_a8",
        ),
        Fault::between(
            "a2.lead_under_fresh_key",
            "what A2 reports loses the key that makes a repeat a duplicate",
            (A2, A8),
            Rule::new("key").on("POST", "/api/telemetry").does(
                Action::set_json(Part::Request, "/events/*/idempotency_key", "another-key")
                    .wherever("/event", "lead_captured"),
            ),
            "a2.forwarded_to_a8",
        ),
    ]
}
