//! The CRM, in HubSpot's shape: a contact for each new student. A contact that is there already is as good.

use common::args;
use common::service::{Ctx, RequestContext};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::jobs::{Job, Outcome};
use super::outside::{OutsideError, Party, answer};
use super::state::A5;

/// The CRM, or its stand-in.
#[derive(Debug)]
pub(super) struct Crm {
    party: Party,
    token: String,
}

#[derive(Debug, Deserialize)]
struct Contact {
    id: String,
}

impl Crm {
    pub(super) fn of(ctx: &Ctx, own_base: &str) -> Self {
        let token = ctx.config.options.get("crm_token").cloned();
        let token = token.unwrap_or_else(|| "crm_test_embedded".to_owned());
        Self { party: Party::of(ctx, "crm_base_url", own_base), token }
    }

    async fn create(&self, context: &RequestContext, name: &str, email: &str) -> Result<String, OutsideError> {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let body = json!({ "properties": {
            "email": email, "firstname": first, "lastname": last, "lifecyclestage": "customer",
        } });
        let path = "/crm/v3/objects/contacts";
        let request = self.party.request(context, Method::POST, path)?.bearer_auth(&self.token);
        let contact: Contact = answer(request.json(&body).send().await?, &format!("POST {path}")).await?;
        Ok(contact.id)
    }
}

/// Does the job of recording a student.
pub(super) async fn record(app: &A5, job: &Job) -> Outcome {
    match try_record(app, job).await {
        Ok(outcome) | Err(outcome) => outcome,
    }
}

async fn try_record(app: &A5, job: &Job) -> Result<Outcome, Outcome> {
    let sql = "SELECT name, email FROM students WHERE sub = $1";
    let Some(row) = app.ctx().db.query_one(sql, args![&job.subject]).await? else {
        return Ok(Outcome::Refused("the student is gone".to_owned()));
    };
    let created = app.crm().create(&job.resume(), &row.text("name")?, &row.text("email")?).await;
    match created {
        Err(error) if error.status() == Some(409) => Ok(Outcome::Done(None)),
        created => Ok(Outcome::Done(Some(created?))),
    }
}
