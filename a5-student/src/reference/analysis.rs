//! Documents read by A4: the outcome is kept with the document.

use common::args;
use common::ids::AppId;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::jobs::{Job, Outcome};
use super::outside::{OutsideError, answer};
use super::state::A5;

#[derive(Debug, Deserialize)]
struct Analysis {
    outcome: DocumentOutcome,
}

/// What A4 found in a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DocumentOutcome {
    pub(super) words: u64,
    pub(super) themes: Vec<String>,
    pub(super) next_steps: Vec<String>,
}

/// Does the job of having a document read.
pub(super) async fn analyze(app: &A5, job: &Job) -> Outcome {
    match try_analyze(app, job).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn try_analyze(app: &A5, job: &Job) -> Result<Outcome, Outcome> {
    let sql = "SELECT title, body FROM documents WHERE document_id = $1";
    let Some(row) = app.ctx().db.query_one(sql, args![&job.subject]).await? else {
        return Ok(Outcome::Refused("the document is gone".to_owned()));
    };
    let body = json!({ "title": row.text("title")?, "text": row.text("body")? });
    let path = "/documents/analyze";
    let request = app.ctx().upstream.request(&job.resume(), AppId::A4, Method::POST, path)?;
    let response = request.json(&body).send().await.map_err(OutsideError::from)?;
    match answer::<Analysis>(response, "A4 POST /documents/analyze").await {
        Ok(analysis) => {
            let outcome = serde_json::to_string(&analysis.outcome).unwrap_or_default();
            keep(app, job, "analyzed", Some(outcome)).await?;
            Ok(Outcome::Done(None))
        }
        Err(error) => {
            let outcome = Outcome::from(error);
            if matches!(outcome, Outcome::Refused(_)) {
                keep(app, job, "refused", None).await?;
            }
            Ok(outcome)
        }
    }
}

async fn keep(app: &A5, job: &Job, state: &str, outcome: Option<String>) -> Result<(), Outcome> {
    let sql = "UPDATE documents SET state = $2, outcome = $3 WHERE document_id = $1";
    app.ctx().db.execute(sql, args![&job.subject, state, outcome]).await?;
    Ok(())
}
