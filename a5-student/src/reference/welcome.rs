//! The run that a new student is welcomed with: A3 is asked for it once, and told nothing about the student.

use common::args;
use common::contract::header;
use common::ids::AppId;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::cookies;
use super::jobs::{Job, Outcome};
use super::outside::{OutsideError, answer};
use super::state::A5;

#[derive(Debug, Deserialize)]
struct Accepted {
    run_id: String,
}

/// Does the job of asking for the run.
pub(super) async fn ask(app: &A5, job: &Job) -> Outcome {
    match try_ask(app, job).await {
        Ok(run_id) => Outcome::Done(Some(run_id)),
        Err(outcome) => outcome,
    }
}

async fn try_ask(app: &A5, job: &Job) -> Result<String, Outcome> {
    let sql = "SELECT source_slug FROM sign_ups WHERE sub = $1";
    let row = app.ctx().db.query_one(sql, args![&job.subject]).await?;
    let from_slug = row.map(|row| row.opt_text("source_slug")).transpose()?.flatten();
    let mut body = json!({
        "title": "Scholarships to begin with",
        "summary": "Awards that are open to students who have just started to look.",
    });
    if let Some(slug) = from_slug {
        body["from_slug"] = json!(slug);
    }
    let path = "/orchestration/run";
    let request = app.ctx().upstream.request(&job.resume(), AppId::A3, Method::POST, path)?;
    let key = format!("a5:welcome:{}", cookies::digest(&job.subject));
    let response = request.header(header::IDEMPOTENCY_KEY, key).json(&body).send().await;
    let accepted: Accepted = answer(response.map_err(OutsideError::from)?, "A3 POST /orchestration/run").await?;
    Ok(accepted.run_id)
}
