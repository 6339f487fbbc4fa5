//! The two funnels: how many traces reached each stage, and when one trace did.

use std::collections::BTreeMap;

use common::clock::rfc3339;
use common::service::{Db, DbError};
use serde::Serialize;
use serde_json::json;

use super::{Members, members};
use crate::reference::scope::Scope;

/// A stage: its name, the event that shows it, and the app that reports it, if only one counts.
type StageSpec = (&'static str, &'static str, Option<&'static str>);

const B2C: [StageSpec; 5] = [
    ("impression", "cta_impression", Some("A7")),
    ("identity", "identity_ok", Some("A1")),
    ("activation", "activation_first_use", Some("A5")),
    ("checkout", "checkout_completed", Some("A5")),
    ("revenue", "revenue_settled", Some("A5")),
];

const B2B: [StageSpec; 5] = [
    ("page", "page_published", Some("A7")),
    ("lead", "lead_captured", Some("A7")),
    ("registration", "provider_registered", Some("A6")),
    ("listing", "provider_listing_published", Some("A6")),
    ("revenue", "revenue_settled", Some("A6")),
];

/// Traces shown per stage, the newest first.
const SHOWN: usize = 20;

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
    pub(crate) app_id: Option<&'static str>,
    /// Distinct traces that reached it.
    pub(crate) count: usize,
    pub(crate) first_at: Option<String>,
    pub(crate) last_at: Option<String>,
    /// Some of them, the newest first, to drill down by `trace_id`.
    pub(crate) traces: Vec<String>,
}

/// What is known of an event name of an app: each trace with the first and last time it was seen.
type Seen = BTreeMap<(String, String), Vec<(String, i64, i64)>>;

pub(super) async fn tile(db: &Db, scope: &Scope) -> Result<Members, DbError> {
    let [b2c, b2b] = funnels(db, scope).await?;
    Ok(members(json!({ "b2c": b2c.stages, "b2b": b2b.stages })))
}

/// Both funnels.
pub(crate) async fn funnels(db: &Db, scope: &Scope) -> Result<[Funnel; 2], DbError> {
    let sql = format!(
        "SELECT event, app_id, trace_id, MIN(at_ms) AS first_ms, MAX(at_ms) AS last_ms FROM events
         WHERE {} AND event IN ('cta_impression', 'identity_ok', 'activation_first_use', 'checkout_completed',
         'revenue_settled', 'page_published', 'lead_captured', 'provider_registered', 'provider_listing_published')
         GROUP BY event, app_id, trace_id ORDER BY last_ms DESC",
        scope.condition()
    );
    let mut seen = Seen::new();
    for row in db.query(&sql, scope.values()).await? {
        let reached = (row.text("trace_id")?, row.int("first_ms")?, row.int("last_ms")?);
        seen.entry((row.text("event")?, row.text("app_id")?)).or_default().push(reached);
    }
    let funnel = |funnel, stages: &[StageSpec]| Funnel {
        funnel,
        stages: stages.iter().map(|spec| stage(spec, &seen)).collect(),
    };
    Ok([funnel("b2c", &B2C), funnel("b2b", &B2B)])
}

fn stage((name, event, app): &StageSpec, seen: &Seen) -> Stage {
    let fits = |key: &(String, String)| key.0 == *event && app.is_none_or(|app| key.1 == app);
    let reached: Vec<_> = seen.iter().filter(|(key, _)| fits(key)).flat_map(|(_, traces)| traces).collect();
    Stage {
        stage: name,
        event,
        app_id: *app,
        count: reached.len(),
        first_at: reached.iter().map(|(_, first, _)| *first).min().map(rfc3339),
        last_at: reached.iter().map(|(_, _, last)| *last).max().map(rfc3339),
        traces: reached.iter().take(SHOWN).map(|(trace, ..)| trace.clone()).collect(),
    }
}
