//! The two funnels: how many traces reached each stage, and when one trace did.

use common::clock::rfc3339;
use common::service::{Db, DbError, Defect};
use serde::Serialize;
use serde_json::json;

use super::steps::{CLICK, INDEXED, STEP};
use super::{Members, members};
use crate::reference::Center;
use crate::reference::recent::{SHOWN, Steps};
use crate::reference::scope::Scope;

/// A stage: its name, the step that shows it, and the app whose report counts.
type StageSpec = (&'static str, &'static str, &'static str);

const B2C: [StageSpec; 7] = [
    ("impression", "cta_impression", "A7"),
    ("click", CLICK, "A7"),
    ("identity", "identity_ok", "A1"),
    ("activation", "activation_first_use", "A5"),
    ("checkout_started", "checkout_started", "A5"),
    ("checkout", "checkout_completed", "A5"),
    ("revenue", "revenue_settled", "A5"),
];

const B2B: [StageSpec; 5] = [
    ("page", "page_published", "A7"),
    ("lead", "lead_captured", "A7"),
    ("registration", "provider_registered", "A6"),
    ("listing", "provider_listing_published", "A6"),
    ("revenue", "revenue_settled", "A6"),
];

/// One funnel.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Funnel {
    pub(crate) funnel: &'static str,
    pub(crate) stages: Vec<Stage>,
}

/// One stage of a funnel.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Stage {
    pub(crate) stage: &'static str,
    /// The event that shows it; a click is an impression with a click-through rate of 1.
    pub(crate) event: &'static str,
    pub(crate) app_id: &'static str,
    /// Distinct traces that reached it.
    pub(crate) count: usize,
    pub(crate) first_at: Option<String>,
    pub(crate) last_at: Option<String>,
    /// For one trace: milliseconds from the stage that it reached before to this one.
    pub(crate) since_previous_ms: Option<i64>,
    /// Some of them, the newest first, to drill down by `trace_id`.
    pub(crate) traces: Vec<String>,
}

pub(super) async fn tile(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let [b2c, b2b] = funnels(center, scope).await?;
    Ok(members(json!({ "b2c": b2c.stages, "b2b": b2b.stages })))
}

/// Both funnels.
pub(crate) async fn funnels(center: &Center, scope: &Scope) -> Result<[Funnel; 2], DbError> {
    let steps = center.recent.steps(&center.ctx.db, scope).await?;
    let from_start = center.ctx.has(Defect::A8StagesFromStart);
    let funnel = |funnel, specs: &[StageSpec]| Funnel { funnel, stages: stages(specs, &steps, scope, from_start) };
    Ok([funnel("b2c", &B2C), funnel("b2b", &B2B)])
}

fn stages(specs: &[StageSpec], steps: &Steps, scope: &Scope, from_start: bool) -> Vec<Stage> {
    let mut before_ms = None;
    let stage = |(name, step, app): &StageSpec| {
        let reached = steps.get(&((*step).to_owned(), (*app).to_owned())).cloned().unwrap_or_default();
        let since_previous_ms = reached
            .first_ms
            .zip(before_ms)
            .map(|(at_ms, before_ms)| at_ms - before_ms)
            .filter(|_| scope.trace.is_some());
        before_ms = if from_start { before_ms.or(reached.first_ms) } else { reached.first_ms.or(before_ms) };
        Stage {
            stage: name,
            event: if *step == CLICK { "cta_impression" } else { step },
            app_id: app,
            count: reached.count,
            first_at: reached.first_ms.map(rfc3339),
            last_at: reached.last_ms.map(rfc3339),
            since_previous_ms,
            traces: reached.traces,
        }
    };
    specs.iter().map(stage).collect()
}

/// The steps of any span, from the store: it counts, and gives only the traces that are shown.
pub(crate) async fn stored_steps(db: &Db, scope: &Scope) -> Result<Steps, DbError> {
    let sql = format!(
        "SELECT step, app_id, trace_id, traces, first_ms, last_ms FROM (
           SELECT step, app_id, trace_id, MAX(at_ms) AS newest_ms,
             COUNT(*) OVER (PARTITION BY step, app_id) AS traces,
             MIN(MIN(at_ms)) OVER (PARTITION BY step, app_id) AS first_ms,
             MAX(MAX(at_ms)) OVER (PARTITION BY step, app_id) AS last_ms,
             ROW_NUMBER() OVER (PARTITION BY step, app_id ORDER BY MAX(at_ms) DESC, MAX(seq) DESC) AS place
           FROM (SELECT {STEP} AS step, app_id, trace_id, at_ms, seq FROM events WHERE {} AND {INDEXED} AND {} AND event IN (
             'cta_impression', 'identity_ok', 'activation_first_use', 'checkout_started', 'checkout_completed',
             'revenue_settled', 'page_published', 'lead_captured', 'provider_registered',
             'provider_listing_published')) taken
           GROUP BY step, app_id, trace_id) reached
         WHERE place <= {SHOWN} ORDER BY step, app_id, place",
        scope.condition(),
        scope.real()
    );
    let mut steps = Steps::new();
    for row in db.query(&sql, scope.values()).await? {
        let reached = steps.entry((row.text("step")?, row.text("app_id")?)).or_default();
        reached.count = usize::try_from(row.int("traces")?).unwrap_or(0);
        reached.first_ms = row.opt_int("first_ms")?;
        reached.last_ms = row.opt_int("last_ms")?;
        reached.traces.push(row.text("trace_id")?);
    }
    Ok(steps)
}
