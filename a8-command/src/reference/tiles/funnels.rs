//! The two funnels: how many traces reached each stage, and when one trace did.

use common::clock::rfc3339;
use common::service::{Db, DbError};
use serde::Serialize;
use serde_json::json;

use super::{Members, members};
use crate::reference::Center;
use crate::reference::recent::{SHOWN, Steps};
use crate::reference::scope::Scope;

/// A stage: its name, the event that shows it, and the app whose report counts.
type StageSpec = (&'static str, &'static str, &'static str);

const B2C: [StageSpec; 5] = [
    ("impression", "cta_impression", "A7"),
    ("identity", "identity_ok", "A1"),
    ("activation", "activation_first_use", "A5"),
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
    pub(crate) event: &'static str,
    pub(crate) app_id: &'static str,
    /// Distinct traces that reached it.
    pub(crate) count: usize,
    pub(crate) first_at: Option<String>,
    pub(crate) last_at: Option<String>,
    /// Some of them, the newest first, to drill down by `trace_id`.
    pub(crate) traces: Vec<String>,
}

/// True for the name of an event that shows a stage.
pub(crate) fn is_step(event: &str) -> bool {
    B2C.iter().chain(&B2B).any(|(_, name, _)| *name == event)
}

pub(super) async fn tile(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let [b2c, b2b] = funnels(center, scope).await?;
    Ok(members(json!({ "b2c": b2c.stages, "b2b": b2b.stages })))
}

/// Both funnels.
pub(crate) async fn funnels(center: &Center, scope: &Scope) -> Result<[Funnel; 2], DbError> {
    let steps = center.recent.steps(&center.ctx.db, scope).await?;
    let funnel = |funnel, stages: &[StageSpec]| Funnel {
        funnel,
        stages: stages.iter().map(|spec| stage(spec, &steps)).collect(),
    };
    Ok([funnel("b2c", &B2C), funnel("b2b", &B2B)])
}

fn stage((name, event, app): &StageSpec, steps: &Steps) -> Stage {
    let reached = steps.get(&((*event).to_owned(), (*app).to_owned())).cloned().unwrap_or_default();
    Stage {
        stage: name,
        event,
        app_id: app,
        count: reached.count,
        first_at: reached.first_ms.map(rfc3339),
        last_at: reached.last_ms.map(rfc3339),
        traces: reached.traces,
    }
}

/// The steps of any span, from the store: it counts, and gives only the traces that are shown.
pub(crate) async fn stored_steps(db: &Db, scope: &Scope) -> Result<Steps, DbError> {
    let sql = format!(
        "SELECT event, app_id, trace_id, traces, first_ms, last_ms FROM (
           SELECT event, app_id, trace_id, MAX(at_ms) AS newest_ms,
             COUNT(*) OVER (PARTITION BY event, app_id) AS traces,
             MIN(MIN(at_ms)) OVER (PARTITION BY event, app_id) AS first_ms,
             MAX(MAX(at_ms)) OVER (PARTITION BY event, app_id) AS last_ms,
             ROW_NUMBER() OVER (PARTITION BY event, app_id ORDER BY MAX(at_ms) DESC, MAX(seq) DESC) AS place
           FROM events WHERE {} AND event IN ('cta_impression', 'identity_ok', 'activation_first_use',
             'checkout_completed', 'revenue_settled', 'page_published', 'lead_captured', 'provider_registered',
             'provider_listing_published')
           GROUP BY event, app_id, trace_id) reached
         WHERE place <= {SHOWN} ORDER BY event, app_id, place",
        scope.condition()
    );
    let mut steps = Steps::new();
    for row in db.query(&sql, scope.values()).await? {
        let reached = steps.entry((row.text("event")?, row.text("app_id")?)).or_default();
        reached.count = usize::try_from(row.int("traces")?).unwrap_or(0);
        reached.first_ms = row.opt_int("first_ms")?;
        reached.last_ms = row.opt_int("last_ms")?;
        reached.traces.push(row.text("trace_id")?);
    }
    Ok(steps)
}
