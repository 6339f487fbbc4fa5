//! How A3 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Part, Rule, SetHeader};
use common::ids::AppId::{A2, A3, A7, A8};
use common::suite::Fault;
use serde_json::json;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A3, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A3, rule, caught_by);
    vec![
        wire(
            "a3.run_acknowledged_and_lost",
            "a run is promised and never started",
            Rule::new("lost")
                .on("POST", "/orchestration/run")
                .does(Action::acknowledge(Answer::of(202).json(&json!({ "run_id": "run_lost" })))),
            "a3.run_completes",
        ),
        wire(
            "a3.run_never_ends",
            "runs say forever that they go on",
            Rule::new("running").on("GET", "/orchestration/runs/*").does(Action::set_json(
                Part::Answer,
                "/state",
                "running",
            )),
            "a3.run_completes",
        ),
        wire(
            "a3.breakers_hidden",
            "the list of breakers is empty",
            Rule::new("hidden").on("GET", "/breakers").does(Action::set_json(Part::Answer, "/breakers", json!([]))),
            "a3.breakers_listed",
        ),
    ]
}

/// Between A3 and another app.
fn between() -> Vec<Fault> {
    vec![
        Fault::between(
            "a3.a2_trace_rewritten",
            "A2 hears of a run in another trace",
            (A3, A2),
            Rule::new("trace")
                .does(header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
                .does(header("X-Trace-Id", "4bf92f3577b34da6a3ce929d0e0e4736")),
            "a3.trace_reaches_a2",
        ),
        Fault::between(
            "a3.progress_lost",
            "A8 hears of no progress",
            (A3, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "run_progress")),
            "a3.progress_reaches_a8",
        ),
        Fault::wire(
            "a3.page_not_built",
            "A7 builds no page for a run",
            A7,
            Rule::new("refused").on("POST", "/api/pages").does(Action::status(422)),
            "a3.run_completes",
        ),
    ]
}

/// Sets a header of what A3 asks.
fn header(name: &str, value: &str) -> Action {
    Action::SetHeader(SetHeader { part: Part::Request, name: name.to_owned(), value: value.to_owned() })
}
