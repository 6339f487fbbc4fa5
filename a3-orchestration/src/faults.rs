//! How A3 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect(
            "a3.duplicate_effect",
            "repeats a build under a fresh key, so that one run publishes two pages",
            Defect::A3DuplicateEffect,
            "a3.one_key_one_page",
        ),
        Fault::defect("a3.drops_trace", "calls A2 in a trace of its own", Defect::A3DropsTrace, "a3.trace_reaches_a2"),
        Fault::defect(
            "a3.forgets_the_source",
            "forgets which run and arm published the page that sent a student",
            Defect::A3ForgetsTheSource,
            "a3.attribution_keeps_the_arm",
        ),
        Fault::defect(
            "a3.idempotency_off",
            "starts a new run for every repeat of a request",
            Defect::IdempotencyOff,
            "a3.one_key_one_run",
        ),
        Fault::defect(
            "a3.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a3.security_headers",
        ),
        Fault::defect("a3.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a3.keys_wanted"),
    ];
    all.extend(wire::all());
    all
}
