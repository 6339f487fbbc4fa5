//! Incidents: opened by an app's report. With `a8_incident_ttl` their banners expire, clear on recovery, and an
//! administrator can clear them; without it a banner stays, which is the known issue that the flag mends.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use common::args;
use common::clock::rfc3339;
use common::contract::header;
use common::service::{DbError, Json, Path, Problem, RequestContext, Unit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::scope::Scope;
use super::{Center, Shared};

/// The flag.
const FLAG: &str = "a8_incident_ttl";
/// How long a banner stays without recovery: 15 minutes.
const TTL_MS: i64 = 15 * 60 * 1_000;
/// Incidents reach back this far, whatever the tile's default window: a day.
const LOOK_BACK_MS: i64 = 24 * 60 * 60 * 1_000;

/// One incident.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Incident {
    pub(crate) incident_id: String,
    pub(crate) app_id: String,
    pub(crate) route: String,
    pub(crate) status: i64,
    pub(crate) trace_id: String,
    pub(crate) opened_at: String,
    /// `active`, `recovered`, `cleared` (by an administrator) or `expired`.
    pub(crate) state: &'static str,
    pub(crate) ended_at: Option<String>,
}

pub(super) async fn tile(center: &Center, scope: &Scope) -> Result<Map<String, Value>, DbError> {
    let incidents = list(center, scope).await?;
    let active = incidents.iter().filter(|incident| incident.state == "active").count();
    let mut tile = Map::new();
    tile.insert("active".to_owned(), active.into());
    tile.insert("ttl_s".to_owned(), center.ctx.flags.on(FLAG).then_some(TTL_MS / 1_000).into());
    tile.insert("incidents".to_owned(), json!(incidents));
    Ok(tile)
}

/// The incidents of a scope, the newest first.
pub(super) async fn list(center: &Center, scope: &Scope) -> Result<Vec<Incident>, DbError> {
    let since_ms = scope.since_ms.min(scope.now_ms - LOOK_BACK_MS);
    let scope = Scope { since_ms, ..*scope };
    let sql = format!(
        "SELECT idempotency_key, app_id, route, status, trace_id, at_ms,
         (SELECT MIN(c.at_ms) FROM events c WHERE c.namespace = e.namespace AND c.event = 'incident_cleared'
          AND c.app_id = e.app_id AND c.at_ms >= e.at_ms
          AND (c.idempotency_key = e.idempotency_key OR c.route = e.route)) AS recovered_ms,
         (SELECT MIN(a.at_ms) FROM incident_clearances a WHERE a.incident_id = e.idempotency_key) AS cleared_ms
         FROM events e WHERE {} AND event = 'incident_opened' ORDER BY at_ms DESC, seq DESC LIMIT 100",
        scope.condition()
    );
    let heals = center.ctx.flags.on(FLAG);
    let rows = center.ctx.db.query(&sql, scope.values()).await?;
    rows.iter()
        .map(|row| {
            let opened_ms = row.int("at_ms")?;
            let end = if heals {
                end(opened_ms, row.opt_int("recovered_ms")?, row.opt_int("cleared_ms")?, scope.now_ms)
            } else {
                None
            };
            Ok(Incident {
                incident_id: row.text("idempotency_key")?,
                app_id: row.text("app_id")?,
                route: row.text("route")?,
                status: row.int("status")?,
                trace_id: row.text("trace_id")?,
                opened_at: rfc3339(opened_ms),
                state: end.map_or("active", |(state, _)| state),
                ended_at: end.map(|(_, at_ms)| rfc3339(at_ms)),
            })
        })
        .collect()
}

/// How and when a banner ended: by whatever came first.
fn end(opened_ms: i64, recovered: Option<i64>, cleared: Option<i64>, now_ms: i64) -> Option<(&'static str, i64)> {
    let expired = Some(opened_ms + TTL_MS).filter(|at_ms| *at_ms <= now_ms);
    [("recovered", recovered), ("cleared", cleared), ("expired", expired)]
        .into_iter()
        .filter_map(|(state, at_ms)| Some((state, at_ms?)))
        .min_by_key(|(_, at_ms)| *at_ms)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Clear {
    reason: String,
}

pub(super) async fn clear(
    State(center): State<Shared>,
    context: RequestContext,
    headers: HeaderMap,
    Path(id): Path<String>,
    unit: Unit,
    Json(body): Json<Clear>,
) -> Result<Response, Problem> {
    if !center.ctx.has_admin_key(&headers) {
        return Err(Problem::unauthorized(format!("send the administrator's key in {}", header::ADMIN_KEY)));
    }
    if !center.ctx.flags.on(FLAG) {
        return Err(Problem::conflict("flag-off", format!("incidents can be cleared when the flag {FLAG} is on")));
    }
    if body.reason.trim().is_empty() {
        return Err(Problem::invalid("/reason", "says why the banner may go"));
    }
    let mut tx = unit.tx().await?;
    let sql = "SELECT seq FROM events WHERE event = 'incident_opened' AND idempotency_key = $1 LIMIT 1";
    if tx.query(sql, args![&id]).await?.is_empty() {
        return Err(Problem::not_found(format!("no incident {id:?} was opened: see /api/tiles/incidents")));
    }
    let now_ms = center.ctx.clock.unix_ms();
    let sql = "INSERT INTO incident_clearances (incident_id, at_ms, reason, trace_id) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![&id, now_ms, &body.reason, context.trace.trace.to_string()]).await?;
    Ok(Json(json!({ "incident_id": id, "cleared_at": rfc3339(now_ms) })).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_ends_by_whatever_came_first() {
        assert_eq!(end(0, None, None, TTL_MS - 1), None);
        assert_eq!(end(0, None, None, TTL_MS), Some(("expired", TTL_MS)));
        assert_eq!(end(0, Some(20), Some(10), TTL_MS), Some(("cleared", 10)));
    }
}
