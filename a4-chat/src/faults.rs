//! How A4 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect("a4.no_done", "streams end without `[DONE]`", Defect::A4NoDone, "a4.stream"),
        Fault::defect("a4.usage_doubled", "bills twice the tokens sent", Defect::A4UsageDoubled, "a4.stream"),
        Fault::defect("a4.writes_essays", "writes the essay for the student", Defect::A4WritesEssays, "a4.integrity"),
        Fault::defect("a4.login_page", "answers with a login page", Defect::LoginPageInsteadOfJson, "a4.completion"),
        Fault::defect("a4.tenth_fails", "fails on every tenth request", Defect::TenthRequestFails, "a4.steady"),
        Fault::defect(
            "a4.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a4.security_headers",
        ),
        Fault::defect("a4.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a4.keys_wanted"),
        Fault::defect(
            "a4.misses_paraphrase",
            "writes the text for whoever does not ask in the plainest words",
            Defect::A4MissesParaphrase,
            "a4.integrity",
        ),
        Fault::defect(
            "a4.refuses_help",
            "refuses help as soon as an essay is mentioned",
            Defect::A4RefusesHelp,
            "a4.integrity",
        ),
        Fault::defect(
            "a4.declines_then_writes",
            "says that it does not write the essay, and writes it",
            Defect::A4DeclinesThenWrites,
            "a4.integrity",
        ),
        Fault::defect(
            "a4.writes_when_streamed",
            "writes the essay for who asks for a stream",
            Defect::A4WritesWhenStreamed,
            "a4.integrity",
        ),
    ];
    all.extend(wire::all());
    all
}
