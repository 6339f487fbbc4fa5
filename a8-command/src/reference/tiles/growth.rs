//! Growth and activation: counts of events, and the growth figures that apps report with them.

use std::collections::BTreeMap;

use common::service::{Db, DbError};
use serde_json::{Value, json};

use super::{Members, members};
use crate::reference::scope::Scope;

/// How many events of each name there were; those without an event count 0.
pub(crate) async fn counts(db: &Db, scope: &Scope, names: &[&str]) -> Result<BTreeMap<String, i64>, DbError> {
    let list = names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT event, COUNT(*) AS n FROM events WHERE {} AND event IN ({list}) GROUP BY event",
        scope.condition()
    );
    let mut counts: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), 0)).collect();
    for row in db.query(&sql, scope.values()).await? {
        counts.insert(row.text("event")?, row.int("n")?);
    }
    Ok(counts)
}

/// The reported values of one growth figure in order of arrival.
async fn reported(db: &Db, scope: &Scope, metric: &str) -> Result<Vec<f64>, DbError> {
    let sql = format!(
        "SELECT value FROM growth WHERE {} AND metric = '{metric}' ORDER BY seq DESC LIMIT 1000",
        scope.condition()
    );
    let rows = db.query(&sql, scope.values()).await?;
    rows.iter().rev().map(|row| row.real("value")).collect()
}

/// Count, mean and newest value; `null` if none was reported.
#[expect(clippy::cast_precision_loss, reason = "at most a thousand values")]
fn summary(values: &[f64]) -> Value {
    let Some(latest) = values.last() else { return Value::Null };
    json!({ "reports": values.len(), "mean": values.iter().sum::<f64>() / values.len() as f64, "latest": latest })
}

pub(super) async fn growth(db: &Db, scope: &Scope) -> Result<Members, DbError> {
    let names = [
        "page_published",
        "cta_emitted",
        "cta_impression",
        "lead_captured",
        "identity_ok",
        "provider_registered",
        "provider_listing_published",
        "checkout_completed",
    ];
    let mut metrics = Members::new();
    for metric in ["ctr", "signup_rate", "checkout_conv_rate", "ttfv_min"] {
        metrics.insert(metric.to_owned(), summary(&reported(db, scope, metric).await?));
    }
    let counts = counts(db, scope, &names).await?;
    let sign_ups = sign_ups(db, scope).await?;
    Ok(members(json!({ "counts": counts, "sign_ups": sign_ups, "business_metrics": metrics })))
}

/// People whose sign-up was reported: proofs of identity and registrations on a sign-up route, one per trace.
pub(crate) async fn sign_ups(db: &Db, scope: &Scope) -> Result<i64, DbError> {
    let sql = format!(
        "SELECT COUNT(DISTINCT trace_id) AS n FROM events WHERE {} AND event IN ('identity_ok', 'provider_registered')
         AND (route LIKE '%signup%' OR route LIKE '%sign-up%' OR route LIKE '%register%')",
        scope.condition()
    );
    let row = db.query_one(&sql, scope.values()).await?;
    row.map_or(Ok(0), |row| row.int("n"))
}

pub(super) async fn activation(db: &Db, scope: &Scope) -> Result<Members, DbError> {
    let counts = counts(db, scope, &["activation_first_use", "credit_decrement", "document_ingested"]).await?;
    let mut ttfv = reported(db, scope, "ttfv_min").await?;
    ttfv.sort_unstable_by(f64::total_cmp);
    let rank = |percent: usize| ttfv.get((ttfv.len() * percent).div_ceil(100).max(1) - 1).copied();
    Ok(members(json!({
        "counts": counts,
        "ttfv_min": { "reports": ttfv.len(), "p50": rank(50), "p95": rank(95) },
    })))
}
