//! Growth, activation and outcomes: counts of what was done, and ratios computed from them.

use std::collections::BTreeMap;

use common::service::{Db, DbError, Defect};
use serde::Serialize;
use serde_json::json;

use super::steps::{CLICK, Taken};
use super::{Members, lists, members};
use crate::reference::Center;
use crate::reference::scope::Scope;

/// A figure with what it was computed from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// `None` if there is nothing to divide by.
    pub(crate) value: Option<f64>,
    pub(crate) numerator: f64,
    pub(crate) denominator: i64,
    from: &'static str,
}

impl Ratio {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn of(numerator: i64, denominator: i64) -> Self {
        Self::mean(numerator as f64, denominator)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn mean(numerator: f64, denominator: i64) -> Self {
        let value = (denominator > 0).then(|| numerator / denominator as f64);
        Self { value, numerator, denominator, from: "events" }
    }
}

/// The business metrics of schema v1, from the events themselves. None of these events is sampled, so none is weighted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Business {
    /// Clicks per impression.
    pub(crate) ctr: Ratio,
    /// Of the traces with an impression, those with a student's sign-up.
    pub(crate) signup_rate: Ratio,
    /// Of the traces that were sent to the payment page, those that paid.
    pub(crate) checkout_conv_rate: Ratio,
    /// Mean minutes from sign-up to the first use of AI.
    pub(crate) ttfv_min: Ratio,
}

/// The business metrics of a scope.
pub(crate) async fn business(center: &Center, scope: &Scope, taken: &Taken) -> Result<Business, DbError> {
    let (impressions, clicks) = (taken.count("cta_impression"), taken.count(CLICK));
    let seen = if center.ctx.has(Defect::A8CtrOverAllBeacons) { impressions + clicks } else { impressions };
    let minutes = ttfv(&center.ctx.db, scope).await?;
    Ok(Business {
        ctr: Ratio::of(clicks, seen),
        signup_rate: Ratio::of(taken.visits_signed_up, taken.visits),
        checkout_conv_rate: Ratio::of(taken.checkouts_completed, taken.checkouts),
        ttfv_min: Ratio::mean(minutes.iter().sum(), i64::try_from(minutes.len()).unwrap_or(i64::MAX)),
    })
}

/// Minutes from sign-up to first use, as first uses tell them, the shortest first.
async fn ttfv(db: &Db, scope: &Scope) -> Result<Vec<f64>, DbError> {
    let sql = format!(
        "SELECT value FROM growth WHERE metric = 'ttfv_min' AND seq IN
         (SELECT seq FROM events WHERE {} AND event = 'activation_first_use' AND {}) ORDER BY value",
        scope.condition(),
        scope.real()
    );
    db.query(&sql, scope.values()).await?.iter().map(|row| row.real("value")).collect()
}

fn chosen<'a>(counts: &BTreeMap<String, i64>, names: &[&'a str]) -> BTreeMap<&'a str, i64> {
    names.iter().map(|name| (*name, counts.get(*name).copied().unwrap_or(0))).collect()
}

pub(super) async fn growth(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let taken = center.recent.taken(&center.ctx.db, scope).await?;
    let names = [
        "page_published",
        "cta_emitted",
        "cta_impression",
        CLICK,
        "lead_captured",
        "identity_ok",
        "provider_registered",
        "provider_listing_published",
        "checkout_started",
        "checkout_completed",
    ];
    let counts = chosen(&taken.counts, &names);
    let business = business(center, scope, &taken).await?;
    Ok(members(json!({ "counts": counts, "sign_ups": taken.sign_ups, "business_metrics": business })))
}

pub(super) async fn activation(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let counts = center.recent.counts(&center.ctx.db, scope).await?;
    let counts = chosen(&counts, &["activation_first_use", "credit_decrement", "document_ingested"]);
    let minutes = ttfv(&center.ctx.db, scope).await?;
    let rank = |percent: usize| minutes.get((minutes.len() * percent).div_ceil(100).max(1) - 1).copied();
    Ok(members(json!({
        "counts": counts,
        "first_uses": counts["activation_first_use"],
        "credits_spent": counts["credit_decrement"],
        "ttfv_min": { "reports": minutes.len(), "p50": rank(50), "p95": rank(95) },
    })))
}

pub(super) async fn outcomes(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let names = ["document_ingested", "orchestration_cycle_complete", "activation_first_use"];
    let counts = center.recent.counts(&center.ctx.db, scope).await?;
    let newest = lists::newest(&center.ctx.db, scope, &names).await?;
    Ok(members(json!({ "counts": chosen(&counts, &names), "outcomes": newest })))
}
