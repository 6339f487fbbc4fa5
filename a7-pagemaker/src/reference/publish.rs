//! Building a page and publishing it, once.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Emit, Json, Problem, RequestContext, Unit};
use common::telemetry::EventName;
use serde::Deserialize;
use serde_json::json;

use super::App;
use super::store::{COLUMNS, Page};
use super::variant;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    slug: String,
    title: String,
    summary: String,
    /// The arm of A3 that the page is for.
    #[serde(default)]
    variant: Option<String>,
}

impl Build {
    fn check(&self) -> Result<(), Problem> {
        let plain = self.slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !plain || self.slug.is_empty() || self.slug.len() > 120 {
            let detail = "`slug` is 1 to 120 lower-case letters, digits and `-`, as stem-scholarships-ohio";
            return Err(Problem::invalid("/slug", detail));
        }
        if self.title.trim().is_empty() || self.title.len() > 200 {
            return Err(Problem::invalid("/title", "`title` is 1 to 200 characters"));
        }
        if self.summary.trim().is_empty() || self.summary.len() > 2_000 {
            return Err(Problem::invalid("/summary", "`summary` is 1 to 2000 characters"));
        }
        self.variant.as_deref().map_or(Ok(()), variant::want)
    }
}

/// `POST /api/pages`: 201 for a new page, 200 for one that is there already, 409 if it says something else.
pub(crate) async fn publish(
    State(app): State<App>,
    context: RequestContext,
    headers: HeaderMap,
    unit: Unit,
    Json(body): Json<Build>,
) -> Result<Response, Problem> {
    body.check()?;
    let answer = json!({
        "slug": body.slug, "url": format!("{}/p/{}", app.base(&headers), body.slug), "status": "published"
    });
    let mut tx = unit.tx().await?;
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM pages WHERE slug = $1"), args![&body.slug]).await?;
    if let Some(row) = rows.first() {
        let page = Page::read(row)?;
        if page.title == body.title && page.summary == body.summary && page.variant == body.variant {
            return Ok(Json(answer).into_response());
        }
        let detail = format!("page {:?} is published with other content: take another slug", body.slug);
        return Err(Problem::conflict("slug-taken", detail));
    }
    let telemetry = &app.ctx.telemetry;
    telemetry.emit(&mut tx, &context, Emit::new(EventName::PageBuildRequested).status(201)).await?;
    let sql = "INSERT INTO pages (slug, title, summary, published_ms, variant) VALUES ($1, $2, $3, $4, $5)";
    let now_ms = app.ctx.clock.unix_ms();
    tx.execute(sql, args![&body.slug, &body.title, &body.summary, now_ms, body.variant]).await?;
    telemetry.emit(&mut tx, &context, Emit::new(EventName::PagePublished).status(201)).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}
