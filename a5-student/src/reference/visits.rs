//! What came of a visit to a page that A3 had built: A3 is told of the first checkout, and nothing about the student.

use common::args;
use common::contract::header;
use common::ids::AppId;
use common::service::{DbError, RequestContext, Tx};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::jobs::{self, Job, JobKind, Outcome};
use super::outside::{OutsideError, answer};
use super::state::A5;

/// How A3 took it.
#[derive(Debug, Deserialize)]
struct Counted {
    because: String,
}

/// Leaves the job of telling A3 behind, in the transaction of a payment, if a visit led to this student.
pub(super) async fn checked_out(app: &A5, tx: &mut Tx, context: &RequestContext, sub: &str) -> Result<(), DbError> {
    let sql = "SELECT sub FROM sign_ups WHERE sub = $1 AND visit IS NOT NULL AND source_slug IS NOT NULL";
    let came_by_a_page = !tx.query(sql, args![sub]).await?.is_empty();
    if came_by_a_page && app.ctx().upstream.base(AppId::A3).is_some() {
        jobs::leave(tx, context, JobKind::Checkout, sub, false, app.now_ms()).await?;
    }
    Ok(())
}

/// Does the job of telling.
pub(super) async fn tell(app: &A5, job: &Job) -> Outcome {
    match try_tell(app, job).await {
        Ok(because) => Outcome::Done(Some(because)),
        Err(outcome) => outcome,
    }
}

async fn try_tell(app: &A5, job: &Job) -> Result<String, Outcome> {
    let sql = "SELECT s.source_slug, s.visit, MIN(o.paid_ms) AS paid_ms FROM sign_ups s JOIN orders o ON o.sub = s.sub
               WHERE s.sub = $1 GROUP BY s.source_slug, s.visit";
    let row = app.ctx().db.query_one(sql, args![&job.subject]).await?;
    let row = row.ok_or_else(|| Outcome::Refused("the student who paid is gone".to_owned()))?;
    let visit = row.text("visit")?;
    let body = json!({
        "slug": row.text("source_slug")?, "session_id": visit, "checkout": true, "at_ms": row.opt_int("paid_ms")?,
    });
    let request = app.ctx().upstream.request(&job.resume(), AppId::A3, Method::POST, "/bandit/reward")?;
    let response = request.header(header::IDEMPOTENCY_KEY, format!("a5:checkout:{visit}")).json(&body).send().await;
    let counted: Counted = answer(response.map_err(OutsideError::from)?, "A3 POST /bandit/reward").await?;
    Ok(counted.because)
}
