//! How A6 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect("a6.fee_2_9", "charges 2.9 % instead of 3 %", Defect::A6FeeTwoPointNine, "a6.quote_golden"),
        Fault::defect("a6.markup_3_9", "marks AI up by 3.9, not 4", Defect::A6MarkupThreePointNine, "a6.quote_golden"),
        Fault::defect("a6.illegal_moves", "lets a lead go live at once", Defect::A6IllegalMoves, "a6.stage_order"),
        Fault::defect(
            "a6.silent_settlement",
            "books revenue and tells nobody",
            Defect::A6SilentSettlement,
            "a6.revenue_in_a8",
        ),
        Fault::defect("a6.settles_twice", "a repeated key books again", Defect::IdempotencyOff, "a6.settle_once"),
        Fault::defect("a6.trace_lost", "answers name another trace", Defect::TraceNotEchoed, "a6.billing_facts"),
        Fault::defect(
            "a6.login_page",
            "answers every route with a login page",
            Defect::LoginPageInsteadOfJson,
            "a6.conformance",
        ),
        Fault::defect(
            "a6.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a6.security_headers",
        ),
        Fault::defect("a6.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a6.keys_wanted"),
    ];
    all.extend(wire::all());
    all
}
