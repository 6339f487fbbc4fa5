//! How A8 can be broken, and which check must notice.

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    vec![
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
    ]
}
