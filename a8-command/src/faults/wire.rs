//! How A8 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Cut, Part, Replay, Rule};
use common::ids::AppId::A8;
use common::suite::Fault;
use serde_json::json;

/// The catalogue: whatever reaches A8, and what it answers.
pub(crate) fn all() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A8, rule, caught_by);
    vec![
        wire(
            "a8.tiles_replayed",
            "tiles are those of the first time",
            Rule::new("stale").on("GET", "/api/tiles/*").does(Action::ReplayStale(Replay::default())),
            "a8.tiles_say_when",
        ),
        wire(
            "a8.gross_off_by_one",
            "the finance tile shows a cent too many",
            Rule::new("cent").on("GET", "/api/tiles/finance").does(Action::scale_json(
                Part::Answer,
                "/gross_minor",
                1.000_005,
            )),
            "a8.finance_cents",
        ),
        wire(
            "a8.reports_acknowledged_and_lost",
            "reports are acknowledged and lost",
            Rule::new("lost").on("POST", "/api/telemetry").does(Action::acknowledge(
                Answer::of(200).json(&json!({ "accepted": 1, "duplicates": 0, "rejected": [] })),
            )),
            "a8.accepts_and_shows",
        ),
        wire(
            "a8.one_of_a_batch_lost",
            "one event of each batch is lost on the way",
            Rule::new("lost").on("POST", "/api/telemetry").does(Action::remove_json(Part::Request, "/events/7")),
            "a8.keeps_every_event",
        ),
        wire(
            "a8.stream_empty",
            "the stream of events ends at once",
            Rule::new("empty").on("GET", "/api/stream").does(Action::Truncate(Cut { after_bytes: 0, clean: true })),
            "a8.stream_delivers",
        ),
    ]
}
