//! Leads: stored with the report of it; the welcome e-mail is sent at once (known issue B) or queued.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Defect, Emit, Json, Path, Problem, RequestContext, Tx, Unit};
use common::telemetry::EventName;
use serde::Deserialize;
use serde_json::json;

use super::signals::{self, Signal};
use super::{App, queue, store};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lead {
    email: String,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    interest: Option<String>,
}

impl Lead {
    fn check(&self) -> Result<(), Problem> {
        let parts = self.email.split_once('@');
        let fits =
            parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'));
        if !fits || self.email.len() > 254 || self.email.contains(char::is_whitespace) {
            return Err(Problem::invalid("/email", "`email` is an address, as name@example.com"));
        }
        if self.interest.as_ref().is_some_and(|interest| interest.len() > 200) {
            return Err(Problem::invalid("/interest", "`interest` is at most 200 characters"));
        }
        Ok(())
    }
}

/// `POST /api/leads`.
pub(crate) async fn capture(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<Lead>,
) -> Result<Response, Problem> {
    body.check()?;
    if let Some(slug) = &body.slug
        && store::page(&app.ctx.db, slug).await?.is_none()
    {
        return Err(unpublished(slug));
    }
    let id = format!("lead_{}", uuid::Uuid::now_v7());
    let queued = app.ctx.flags.on("a7_async_pipeline");
    if !queued {
        app.mailer.welcome(&context, &id, &body.email).await.map_err(|reason| {
            tracing::warn!(lead_id = id, reason, "the e-mail provider failed on the hot path");
            Problem::unavailable("the e-mail provider does not answer: retry with the same idempotency key")
        })?;
    }
    let (code, status) = if queued { (StatusCode::ACCEPTED, "queued") } else { (StatusCode::CREATED, "mailed") };
    let answer = (code, Json(json!({ "lead_id": id, "status": status }))).into_response();
    if app.ctx.has(Defect::A7LosesLeads) {
        return Ok(answer);
    }
    let now_ms = app.ctx.clock.unix_ms();
    let mut tx = unit.tx().await?;
    let sql = "INSERT INTO leads (lead_id, email, slug, interest, status, created_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(sql, args![&id, &body.email, body.slug.clone(), body.interest, status, now_ms]).await?;
    if let Some(slug) = &body.slug {
        signals::leave(&app.ctx, &mut tx, &context, slug, Signal::Lead).await?;
    }
    if queued {
        queue::enqueue(&mut tx, &id, &context, now_ms).await?;
    }
    let emit = Emit::new(EventName::LeadCaptured).status(code.as_u16());
    app.ctx.telemetry.emit(&mut tx, &context, emit).await?;
    Ok(answer)
}

/// `GET /api/leads/{id}`.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = "SELECT slug, interest, status FROM leads WHERE lead_id = $1";
    let row = app.ctx.db.query_one(sql, args![&id]).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("there is no lead {id:?}")))?;
    Ok(Json(json!({
        "lead_id": id,
        "slug": row.opt_text("slug")?,
        "interest": row.opt_text("interest")?,
        "status": row.text("status")?,
    }))
    .into_response())
}

/// Refuses a page that is not published.
pub(crate) async fn want_page(tx: &mut Tx, slug: &str) -> Result<(), Problem> {
    let known = tx.query("SELECT slug FROM pages WHERE slug = $1", args![slug]).await?;
    if known.is_empty() { Err(unpublished(slug)) } else { Ok(()) }
}

fn unpublished(slug: &str) -> Problem {
    Problem::invalid("/slug", format!("there is no page {slug:?}: `/sitemap.xml` lists those there are"))
}
