//! What is asserted about A8. Expected figures are written out; none is computed.

mod growth;
mod money;
mod page;
mod probe;
mod sink;
mod stream;
mod tiles;

use common::check::{Check, CheckContext, CheckError, Findings};

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a8.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx))),
        Check::new("a8.key_required", "nobody reports without the telemetry key", |cx| Box::pin(sink::wants_key(cx))),
        Check::new("a8.accepts_and_shows", "an accepted event shows in lineage and events as it was sent", |cx| {
            Box::pin(sink::accepts_and_shows(cx))
        }),
        Check::new("a8.keeps_every_event", "every acknowledged event of a batch is stored", |cx| {
            Box::pin(sink::keeps_every_event(cx))
        }),
        Check::new("a8.refuses_bad_events", "a bad event is refused with a pointer per field, and not stored", |cx| {
            Box::pin(sink::refuses_bad_events(cx))
        }),
        Check::new("a8.counts_once", "a repeated event is acknowledged as a duplicate and counted once", |cx| {
            Box::pin(sink::counts_once(cx))
        }),
        Check::new("a8.finance_cents", "the finance tile sums settlements to the cent", |cx| {
            Box::pin(money::finance_cents(cx))
        }),
        Check::new("a8.namespaces_apart", "synthetic money enters no live figure", |cx| {
            Box::pin(money::namespaces_apart(cx))
        }),
        Check::new(
            "a8.tiles_say_when",
            "every tile says when it was computed, for which namespace and over what",
            |cx| Box::pin(tiles::say_when(cx)),
        ),
        Check::new("a8.matrix_reweights", "the SLO matrix weighs a request by the inverse of its sample rate", |cx| {
            Box::pin(tiles::matrix_reweights(cx))
        }),
        Check::new(
            "a8.test_revenue_stays_out",
            "revenue of Stripe's test mode enters no live figure, whatever namespace it names",
            |cx| Box::pin(money::test_revenue_stays_out(cx)),
        )
        .phase(4),
        Check::new(
            "a8.business_metrics_from_events",
            "the growth tile computes its ratios from the events themselves",
            |cx| Box::pin(growth::business_metrics(cx)),
        )
        .phase(5),
        Check::new(
            "a8.funnel_drill_down",
            "the funnel of one trace shows the stages it reached, and the time from each to the next",
            |cx| Box::pin(growth::funnel_drill_down(cx)),
        )
        .phase(5),
        Check::new("a8.outcomes_counted", "what students got done shows in activation and outcomes", |cx| {
            Box::pin(growth::outcomes(cx))
        })
        .phase(5),
        Check::new("a8.stream_delivers", "the stream delivers what arrives after where the reader left off", |cx| {
            Box::pin(stream::delivers(cx))
        }),
        Check::new("a8.dashboard", "the dashboard is a page of its own, closed to foreign origins", |cx| {
            Box::pin(page::dashboard(cx))
        }),
        Check::new(
            "a8.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a8.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
