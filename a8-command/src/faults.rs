//! How A8 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = vec![
        Fault::defect(
            "a8.drops_every_50th",
            "acknowledges every 50th event and drops it",
            Defect::A8DropsEvery50th,
            "a8.keeps_every_event",
        ),
        Fault::defect(
            "a8.stale_tiles",
            "computes tiles once and never again",
            Defect::A8StaleTiles,
            "a8.tiles_say_when",
        ),
        Fault::defect("a8.dedup_off", "stores duplicates", Defect::A8DedupOff, "a8.counts_once"),
        Fault::defect(
            "a8.schema_unchecked",
            "stores whatever it is sent",
            Defect::A8SchemaUnchecked,
            "a8.refuses_bad_events",
        ),
        Fault::defect(
            "a8.finance_off_by_one",
            "shows gross amounts one cent short",
            Defect::A8FinanceOffByOne,
            "a8.finance_cents",
        ),
        Fault::defect(
            "a8.demo_revenue_live",
            "counts revenue of Stripe's test mode as live",
            Defect::A8DemoRevenueLive,
            "a8.test_revenue_stays_out",
        ),
        Fault::defect(
            "a8.ctr_over_all_beacons",
            "divides clicks by impressions and clicks together",
            Defect::A8CtrOverAllBeacons,
            "a8.business_metrics_from_events",
        ),
        Fault::defect(
            "a8.stages_from_start",
            "counts the time to a stage from the first stage in place of the one before",
            Defect::A8StagesFromStart,
            "a8.funnel_drill_down",
        ),
        Fault::defect(
            "a8.login_page",
            "answers every route with a login page",
            Defect::LoginPageInsteadOfJson,
            "a8.dashboard",
        ),
        Fault::defect(
            "a8.precondition_unchecked",
            "clears incidents without an idempotency key",
            Defect::PreconditionUnchecked,
            "a8.conformance",
        ),
        Fault::defect(
            "a8.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a8.security_headers",
        ),
        Fault::defect("a8.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a8.keys_wanted"),
    ];
    all.extend(wire::all());
    all
}
