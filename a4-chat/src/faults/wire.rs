//! How A4 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Cut, Part, Reset, Rule};
use common::ids::AppId::A4;
use common::suite::Fault;

/// The catalogue: whatever reaches A4, and what it answers.
pub(crate) fn all() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A4, rule, caught_by);
    vec![
        wire(
            "a4.stream_cut",
            "answers end before their end, as if they were whole",
            Rule::new("cut")
                .on("POST", "/v1/chat/completions")
                .skip(1)
                .does(Action::Truncate(Cut { after_bytes: 600, clean: true })),
            "a4.stream",
        ),
        wire(
            "a4.stream_reset",
            "streams are reset in their midst",
            Rule::new("reset")
                .on("POST", "/v1/chat/completions")
                .skip(1)
                .does(Action::Reset(Reset { after_bytes: Some(600) })),
            "a4.stream",
        ),
        wire(
            "a4.tokens_doubled",
            "twice the tokens are billed",
            Rule::new("doubled").at("*/chat/completions").does(Action::scale_json(
                Part::Answer,
                "/usage/completion_tokens",
                2.0,
            )),
            "a4.completion",
        ),
        wire(
            "a4.error_member_removed",
            "errors lose the form that OpenAI clients read",
            Rule::new("error").at("*/chat/completions").does(Action::remove_json(Part::Answer, "/error")),
            "a4.errors",
        ),
        wire(
            "a4.every_fourth_fails",
            "every fourth question is refused",
            Rule::new("busy").at("/v1/chat/completions").every(4).does(Action::Status(Answer::of(503).retry_after(1))),
            "a4.steady",
        ),
        wire(
            "a4.documents_unread",
            "documents are answered as if nothing was in them",
            Rule::new("empty").at("/documents/analyze").does(Action::set_json(Part::Request, "/text", "nothing")),
            "a4.documents",
        ),
    ]
}
