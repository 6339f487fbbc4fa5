//! Money, in integer minor units: what was settled, and which way it came. Real and simulated money never mix.

use common::clock::rfc3339;
use common::service::{DbError, Defect};
use common::telemetry::Namespace;
use serde::Serialize;
use serde_json::json;

use super::{Members, members};
use crate::reference::Center;
use crate::reference::events::{apps_of, of_trace};
use crate::reference::scope::Scope;

/// The fee that the platform states, in percent.
const FEE_PCT: f64 = 3.0;
/// The factor from AI cost to AI price that the platform states.
const MARKUP: f64 = 4.0;
/// Settlements shown with their lineage.
const SHOWN: usize = 50;

/// Sums of settled revenue in one currency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Money {
    /// As the newest settlement states it; as the platform does, if there is none.
    pub(crate) provider_fee_pct: f64,
    pub(crate) ai_markup_factor: f64,
    pub(crate) gross_minor: i64,
    pub(crate) fee_minor: i64,
    pub(crate) ai_cost_minor: i64,
    pub(crate) ai_price_minor: i64,
    pub(crate) currency: String,
    pub(crate) settlements: i64,
    /// Settlements beyond the first of one `revenue_event_id`; more than 0 means money counted twice.
    pub(crate) repeated_revenue_event_ids: i64,
}

impl Money {
    fn none() -> Self {
        Self {
            provider_fee_pct: FEE_PCT,
            ai_markup_factor: MARKUP,
            gross_minor: 0,
            fee_minor: 0,
            ai_cost_minor: 0,
            ai_price_minor: 0,
            currency: "USD".to_owned(),
            settlements: 0,
            repeated_revenue_event_ids: 0,
        }
    }
}

/// Which money counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In the live namespace only what is real; in another all of it, as nothing there is.
    Own,
    /// What is not real, whatever namespace it was reported in.
    Demo,
}

/// Sums per currency, dollars first.
pub(crate) async fn settled(center: &Center, scope: &Scope) -> Result<Vec<Money>, DbError> {
    sums(center, scope, Kind::Own).await
}

async fn sums(center: &Center, scope: &Scope, kind: Kind) -> Result<Vec<Money>, DbError> {
    let sql = format!(
        "SELECT currency, COUNT(*) AS settlements, COUNT(DISTINCT revenue_event_id) AS ids,
         CAST(SUM(gross_minor) AS BIGINT) AS gross, CAST(SUM(fee_minor) AS BIGINT) AS fee,
         CAST(SUM(ai_cost_minor) AS BIGINT) AS cost, CAST(SUM(ai_price_minor) AS BIGINT) AS price, MAX(seq) AS newest
         FROM money WHERE {} AND event = 'revenue_settled' AND {} GROUP BY currency ORDER BY currency DESC",
        scope.condition(),
        condition(scope.namespace, kind)
    );
    let mut sums = Vec::new();
    for row in center.ctx.db.query(&sql, scope.values()).await? {
        let (fee_pct, markup) = rates(center, row.int("newest")?).await?;
        let settlements = row.int("settlements")?;
        let short = i64::from(center.ctx.has(Defect::A8FinanceOffByOne));
        sums.push(Money {
            provider_fee_pct: fee_pct,
            ai_markup_factor: markup,
            gross_minor: row.int("gross")? - short,
            fee_minor: row.int("fee")?,
            ai_cost_minor: row.int("cost")?,
            ai_price_minor: row.int("price")?,
            currency: row.text("currency")?,
            settlements,
            repeated_revenue_event_ids: settlements - row.int("ids")?,
        });
    }
    Ok(sums)
}

fn condition(namespace: Namespace, kind: Kind) -> &'static str {
    match (namespace, kind) {
        (Namespace::Live, Kind::Own) => "simulated = 0",
        (_, Kind::Own) => "1 = 1",
        (_, Kind::Demo) => "simulated = 1",
    }
}

async fn rates(center: &Center, seq: i64) -> Result<(f64, f64), DbError> {
    let row = center.ctx.db.query_one("SELECT fee_pct, markup FROM money WHERE seq = $1", common::args![seq]).await?;
    row.map_or(Ok((FEE_PCT, MARKUP)), |row| Ok((row.real("fee_pct")?, row.real("markup")?)))
}

/// Simulated revenue beside the live figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Demo {
    pub(crate) badge: &'static str,
    /// That of the audit's namespace.
    pub(crate) simulated_audit: Vec<Money>,
    /// Test-mode revenue that was reported as live.
    pub(crate) stripe_test: Vec<Money>,
}

/// Simulated revenue, if the flag is on and live figures are asked for.
pub(crate) async fn demo(center: &Center, scope: &Scope) -> Result<Option<Demo>, DbError> {
    if !center.ctx.flags.on("a8_demo_mode") || scope.namespace != Namespace::Live {
        return Ok(None);
    }
    let audit = Scope { namespace: Namespace::SimulatedAudit, ..*scope };
    let simulated_audit = sums(center, &audit, Kind::Own).await?;
    let stripe_test = sums(center, scope, Kind::Demo).await?;
    let badge = "demo: simulated or Stripe-test revenue, no real money";
    Ok(Some(Demo { badge, simulated_audit, stripe_test }))
}

pub(super) async fn tile(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let by_currency = settled(center, scope).await?;
    let main = by_currency.first().cloned().unwrap_or_else(Money::none);
    let mut tile = members(serde_json::to_value(&main).unwrap_or_default());
    tile.insert("by_currency".to_owned(), json!(by_currency));
    if let Some(demo) = demo(center, scope).await? {
        tile.insert("demo".to_owned(), json!(demo));
    }
    Ok(tile)
}

pub(super) async fn lineage(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let sql = format!(
        "SELECT seq, at_ms, trace_id, app_id, revenue_event_id, currency, gross_minor, fee_minor, ai_cost_minor,
         ai_price_minor FROM money WHERE {} AND event = 'revenue_settled' AND {} ORDER BY seq DESC LIMIT {}",
        scope.condition(),
        condition(scope.namespace, Kind::Own),
        SHOWN
    );
    let mut settlements = Vec::new();
    for row in center.ctx.db.query(&sql, scope.values()).await? {
        let trace = row.text("trace_id")?;
        let mut apps = apps_of(&of_trace(&center.ctx.db, &trace).await?);
        if !apps.iter().any(|app| app == "A8") {
            apps.push("A8".to_owned());
        }
        settlements.push(json!({
            "revenue_event_id": row.text("revenue_event_id")?,
            "trace_id": trace,
            "settled_at": rfc3339(row.int("at_ms")?),
            "settled_by": row.text("app_id")?,
            "apps": apps,
            "gross_minor": row.int("gross_minor")?,
            "fee_minor": row.int("fee_minor")?,
            "ai_cost_minor": row.int("ai_cost_minor")?,
            "ai_price_minor": row.int("ai_price_minor")?,
            "currency": row.text("currency")?,
        }));
    }
    Ok(members(json!({ "settlements": settlements })))
}
