//! How the agent's work stands, and how long no human had to intervene.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::service::{Ctx, DbError, Json, Problem};
use common::{args, clock};
use serde_json::{Value, json};

use super::journal::{self, Intervention};
use super::plan::{self, RunState};

/// A run is called stalled this long after it should have ended: the worker looks ten times a second.
const STALLED_AFTER_MS: i64 = 60_000;

pub(crate) async fn show(State(ctx): State<Ctx>) -> Result<Response, Problem> {
    let mut counts: BTreeMap<String, i64> =
        RunState::ALL.into_iter().map(|state| (state.as_str().to_owned(), 0)).collect();
    for row in ctx.db.query("SELECT state, COUNT(*) AS n FROM runs GROUP BY state", vec![]).await? {
        counts.insert(row.text("state")?, row.int("n")?);
    }
    let last = journal::last_intervention(&ctx.db).await?;
    let autonomy = match last {
        Some(last) => Some(autonomy(&ctx, &last).await?),
        None => None,
    };
    let total: i64 = counts.values().sum();
    Ok(Json(json!({ "total": total, "runs": counts, "autonomy": autonomy })).into_response())
}

/// What the agent has done alone since a person last acted.
async fn autonomy(ctx: &Ctx, last: &Intervention) -> Result<Value, DbError> {
    let now = ctx.clock.unix_ms();
    let ended = "SELECT COUNT(*) AS n FROM runs WHERE state = $1 AND finished_ms >= $2";
    let open = "SELECT COUNT(*) AS n FROM runs WHERE state IN ('queued', 'running') AND created_ms";
    let count = async |sql: &str, values| {
        let row = ctx.db.query_one(sql, values).await?;
        row.map_or(Ok(0), |row| row.int("n"))
    };
    let late = now - plan::deadline_ms(ctx) - STALLED_AFTER_MS;
    Ok(json!({
        "minutes_since_human": minutes(now - last.at_ms),
        "last_human_action": last.action,
        "last_human_at": clock::rfc3339(last.at_ms),
        "runs": {
            "completed": count(ended, args![RunState::Completed.as_str(), last.at_ms]).await?,
            "failed": count(ended, args![RunState::Failed.as_str(), last.at_ms]).await?,
            "stalled": count(&format!("{open} < $1"), args![late]).await?,
            "under_way": count(&format!("{open} >= $1"), args![late]).await?,
        },
    }))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds between two records are far below 2^53")]
fn minutes(ms: i64) -> f64 {
    ms.max(0) as f64 / 60_000.0
}
