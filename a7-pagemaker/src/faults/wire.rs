//! How A7 can be broken on the wire, without a change of the app.

use common::fault::{Action, Answer, Cut, Part, Rule, SetHeader};
use common::ids::AppId::{A7, A8};
use common::suite::Fault;
use serde_json::json;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = here();
    all.extend(between());
    all
}

/// Whatever reaches A7, and what it answers.
fn here() -> Vec<Fault> {
    let wire = |id, breaks, rule, caught_by| Fault::wire(id, breaks, A7, rule, caught_by);
    vec![
        wire(
            "a7.canonical_removed",
            "pages lose their canonical link",
            Rule::new("canonical").on("GET", "/p/*").does(Action::rewrite_text(
                Part::Answer,
                "<link rel=\"canonical\"[^>]*>",
                "",
            )),
            "a7.seo",
        ),
        wire(
            "a7.noindex_on_the_way",
            "a header hides pages from search",
            Rule::new("noindex").on("GET", "/p/*").does(Action::SetHeader(SetHeader {
                part: Part::Answer,
                name: "X-Robots-Tag".to_owned(),
                value: "noindex".to_owned(),
            })),
            "a7.seo",
        ),
        wire(
            "a7.sitemap_cut",
            "the sitemap ends in its midst",
            Rule::new("cut").at("/sitemap.xml").does(Action::Truncate(Cut { after_bytes: 200, clean: true })),
            "a7.sitemap",
        ),
        wire(
            "a7.lead_acknowledged_and_lost",
            "leads are acknowledged and lost",
            Rule::new("lost")
                .on("POST", "/api/leads")
                .does(Action::acknowledge(Answer::of(202).json(&json!({ "lead_id": "lead_lost" })))),
            "a7.lead",
        ),
    ]
}

/// Between A7 and another app.
fn between() -> Vec<Fault> {
    vec![
        Fault::between(
            "a7.beacons_lost",
            "A8 hears of no call to action",
            (A7, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "cta_impression")),
            "a7.beacons",
        ),
        Fault::between(
            "a7.publishing_lost",
            "A8 hears of no page",
            (A7, A8),
            Rule::new("lost")
                .on("POST", "/api/telemetry")
                .does(Action::remove_json(Part::Request, "/events/*").wherever("/event", "page_published")),
            "a7.events_in_a8",
        ),
    ]
}
