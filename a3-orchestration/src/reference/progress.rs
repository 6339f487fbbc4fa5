//! How the agent's work stands, and how long no human had to intervene.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{Ctx, Json, Problem};
use serde_json::json;

use super::journal;
use super::plan::RunState;

pub(crate) async fn show(State(ctx): State<Ctx>) -> Result<Response, Problem> {
    let mut counts: BTreeMap<String, i64> =
        RunState::ALL.into_iter().map(|state| (state.as_str().to_owned(), 0)).collect();
    for row in ctx.db.query("SELECT state, COUNT(*) AS n FROM runs GROUP BY state", vec![]).await? {
        counts.insert(row.text("state")?, row.int("n")?);
    }
    let last = journal::last_intervention(&ctx.db).await?;
    let autonomy = last.map(|last| {
        json!({
            "minutes_since_human": minutes(ctx.clock.unix_ms() - last.at_ms),
            "last_human_action": last.action,
            "last_human_at": clock::rfc3339(last.at_ms),
        })
    });
    let total: i64 = counts.values().sum();
    Ok(Json(json!({ "total": total, "runs": counts, "autonomy": autonomy })).into_response())
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds between two records are far below 2^53")]
fn minutes(ms: i64) -> f64 {
    ms.max(0) as f64 / 60_000.0
}
