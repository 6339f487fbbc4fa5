//! What people and apps do that figures of growth count, and how often it was done.

use std::collections::BTreeMap;

use common::service::{Db, DbError};

use crate::reference::scope::Scope;

/// The events that are counted.
const EVENTS: [&str; 14] = [
    "cta_emitted",
    "cta_impression",
    "identity_ok",
    "activation_first_use",
    "checkout_started",
    "checkout_completed",
    "revenue_settled",
    "page_published",
    "lead_captured",
    "provider_registered",
    "provider_listing_published",
    "credit_decrement",
    "document_ingested",
    "orchestration_cycle_complete",
];

/// The step that a click on a call to action is; by its event it is an impression with a click-through rate of 1.
pub(crate) const CLICK: &str = "cta_click";
/// The step that a sign-up is, besides the proof of identity or the registration that reports it.
pub(crate) const SIGN_UP: &str = "sign_up";

/// The step of a row of `events`, for SQL.
pub(super) const STEP: &str = "CASE WHEN clicked = 1 THEN 'cta_click' ELSE event END";
/// The condition under which the index of steps holds a row; it must be in a query for the index to serve it.
pub(super) const INDEXED: &str = "event <> 'request_completed' AND event <> 'route_snapshot'";
/// True for a row that tells of a sign-up, for SQL.
const SIGNS_UP: &str = "event IN ('identity_ok', 'provider_registered')
    AND (route LIKE '%signup%' OR route LIKE '%sign-up%' OR route LIKE '%register%')";

/// True for the name of an event that is counted.
pub(crate) fn is_step(event: &str) -> bool {
    EVENTS.contains(&event)
}

/// The steps that an event shows: one, and for a sign-up two.
pub(crate) fn steps_of(event: &str, clicked: bool, route: &str) -> impl Iterator<Item = String> {
    let named = if clicked { CLICK } else { event };
    let signs_up = matches!(event, "identity_ok" | "provider_registered")
        && ["signup", "sign-up", "register"].iter().any(|part| route.to_ascii_lowercase().contains(part));
    [Some(named), signs_up.then_some(SIGN_UP)].into_iter().flatten().map(str::to_owned)
}

/// How often each step was taken, and how many traces went on from one to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Events by step.
    pub(crate) counts: BTreeMap<String, i64>,
    /// Traces with a sign-up.
    pub(crate) sign_ups: i64,
    /// Traces in which a call to action was seen.
    pub(crate) visits: i64,
    /// Of these, with a student's sign-up.
    pub(crate) visits_signed_up: i64,
    /// Traces that were sent to the payment page.
    pub(crate) checkouts: i64,
    /// Of these, that paid.
    pub(crate) checkouts_completed: i64,
}

impl Taken {
    /// How often a step was taken.
    pub(crate) fn count(&self, step: &str) -> i64 {
        self.counts.get(step).copied().unwrap_or(0)
    }
}

/// How often each step was taken in any span, from the store.
pub(crate) async fn stored_counts(db: &Db, scope: &Scope) -> Result<BTreeMap<String, i64>, DbError> {
    let events = EVENTS.map(|event| format!("'{event}'")).join(", ");
    let sql = format!(
        "SELECT {STEP} AS step, COUNT(*) AS n FROM events WHERE {} AND {INDEXED} AND event IN ({events}) AND {}
         GROUP BY event, clicked",
        scope.condition(),
        scope.real()
    );
    let rows = db.query(&sql, scope.values()).await?;
    rows.iter().map(|row| Ok((row.text("step")?, row.int("n")?))).collect()
}

/// What was done in any span, from the store.
pub(crate) async fn stored_taken(db: &Db, scope: &Scope) -> Result<Taken, DbError> {
    let mut taken = Taken { counts: stored_counts(db, scope).await?, ..Taken::default() };
    let sum = |column: &str| format!("CAST(COALESCE(SUM({column}), 0) AS BIGINT)");
    let any = |what: &str| format!("MAX(CASE WHEN {what} THEN 1 ELSE 0 END)");
    let sql = format!(
        "SELECT {} AS sign_ups, {} AS visits, {} AS visits_signed_up, {} AS checkouts, {} AS checkouts_completed FROM (
           SELECT {} AS seen, {} AS joined, {} AS joined_a1, {} AS started, {} AS paid FROM events
           WHERE {} AND {INDEXED} AND {} AND event IN
             ('cta_impression', 'identity_ok', 'provider_registered', 'checkout_started', 'checkout_completed')
           GROUP BY trace_id) traces",
        sum("joined"),
        sum("seen"),
        sum("seen * joined_a1"),
        sum("started"),
        sum("started * paid"),
        any("event = 'cta_impression' AND clicked = 0 AND app_id = 'A7'"),
        any(&format!("{SIGNS_UP} AND app_id IN ('A1', 'A6')")),
        any(&format!("{SIGNS_UP} AND app_id = 'A1'")),
        any("event = 'checkout_started' AND app_id = 'A5'"),
        any("event = 'checkout_completed' AND app_id = 'A5'"),
        scope.condition(),
        scope.real(),
    );
    if let Some(row) = db.query_one(&sql, scope.values()).await? {
        taken.sign_ups = row.int("sign_ups")?;
        taken.visits = row.int("visits")?;
        taken.visits_signed_up = row.int("visits_signed_up")?;
        taken.checkouts = row.int("checkouts")?;
        taken.checkouts_completed = row.int("checkouts_completed")?;
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_is_no_impression_and_a_sign_up_is_a_proof_of_identity_too() {
        let steps = |event, clicked, route| steps_of(event, clicked, route).collect::<Vec<_>>();
        assert_eq!(steps("cta_impression", false, "/api/cta"), ["cta_impression"]);
        assert_eq!(steps("cta_impression", true, "/api/cta"), ["cta_click"]);
        assert_eq!(steps("identity_ok", false, "/oidc/token"), ["identity_ok"]);
        assert_eq!(steps("identity_ok", false, "/SignUp"), ["identity_ok", "sign_up"]);
        assert_eq!(steps("lead_captured", false, "/register"), ["lead_captured"]);
    }
}
