//! Providers and their way through the funnel.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Defect, Emit, Json, Path, Problem, RequestContext, Row, Unit};
use common::telemetry::EventName;
use serde::Deserialize;
use serde_json::json;

use super::App;

/// The stages in their order.
const STAGES: [&str; 4] = ["lead", "demo", "contract", "live"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Registration {
    name: String,
    email: String,
    #[serde(default)]
    country: Option<String>,
}

impl Registration {
    fn check(&self) -> Result<(), Problem> {
        if self.name.trim().is_empty() || self.name.len() > 200 {
            return Err(Problem::invalid("/name", "`name` is 1 to 200 characters"));
        }
        let parts = self.email.split_once('@');
        let fits =
            parts.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'));
        if !fits || self.email.len() > 254 || self.email.contains(char::is_whitespace) {
            return Err(Problem::invalid("/email", "`email` is an address, as name@example.com"));
        }
        let two_letters = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if !self.country.as_ref().is_none_or(two_letters) {
            return Err(Problem::invalid("/country", "`country` is a two-letter code in capitals, as US"));
        }
        Ok(())
    }
}

/// `POST /register`.
pub(crate) async fn register(
    State(app): State<App>,
    context: RequestContext,
    unit: Unit,
    Json(body): Json<Registration>,
) -> Result<Response, Problem> {
    body.check()?;
    let email = body.email.to_lowercase();
    let known = "SELECT provider_id FROM providers WHERE tenant_id = $1 AND email = $2 LIMIT 1";
    let known = app.directory.get().await?.query_one(known, args![&context.tenant, &email]).await?;
    let id = format!("prv_{}", uuid::Uuid::now_v7());
    let mut tx = unit.tx().await?;
    tx.execute(
        "INSERT INTO providers (provider_id, tenant_id, name, email, country, stage, created_ms, trace_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            &id,
            &context.tenant,
            body.name.trim(),
            email,
            body.country.unwrap_or_else(|| "US".into()),
            STAGES[0],
            app.ctx.clock.unix_ms(),
            context.trace.trace.to_string(),
        ],
    )
    .await?;
    app.ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::ProviderRegistered).status(201)).await?;
    let answer = json!({ "provider_id": id, "stage": STAGES[0], "already_known": known.is_some() });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// `GET /api/providers/{id}`; the address stays inside.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = "SELECT provider_id, name, country, stage, created_ms FROM providers WHERE provider_id = $1";
    let row = app.directory.get().await?.query_one(sql, args![&id]).await?;
    let row = row.ok_or_else(|| unknown(&id))?;
    Ok(Json(json!({
        "provider_id": row.text("provider_id")?,
        "name": row.text("name")?,
        "country": row.text("country")?,
        "stage": row.text("stage")?,
        "created_at": common::clock::rfc3339(row.int("created_ms")?),
    }))
    .into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    stage: String,
}

/// `POST /api/providers/{id}/stage`: one step forward, no other move.
pub(crate) async fn move_stage(
    State(app): State<App>,
    unit: Unit,
    Path(id): Path<String>,
    Json(body): Json<Move>,
) -> Result<Response, Problem> {
    let Some(to) = STAGES.iter().position(|stage| *stage == body.stage) else {
        return Err(Problem::invalid("/stage", format!("`stage` is one of {}", STAGES.join(", "))));
    };
    let mut tx = unit.tx().await?;
    let rows = tx.query("SELECT stage FROM providers WHERE provider_id = $1", args![&id]).await?;
    let from = rows.first().map(|row: &Row| row.text("stage")).transpose()?.ok_or_else(|| unknown(&id))?;
    let at = STAGES.iter().position(|stage| *stage == from).unwrap_or(0);
    if to != at + 1 && !app.ctx.has(Defect::A6IllegalMoves) {
        let next = STAGES.get(at + 1).map_or_else(|| "none: it is live".to_owned(), ToString::to_string);
        let detail = format!("a provider at `{from}` cannot move to `{}`; the next stage is {next}", body.stage);
        return Err(Problem::conflict("illegal-move", detail).with("stage", from.into()));
    }
    tx.execute("UPDATE providers SET stage = $1 WHERE provider_id = $2", args![&body.stage, &id]).await?;
    let sql = "INSERT INTO stage_moves (move_id, provider_id, from_stage, to_stage, at_ms) VALUES ($1, $2, $3, $4, $5)";
    let move_id = uuid::Uuid::now_v7().to_string();
    tx.execute(sql, args![move_id, &id, &from, &body.stage, app.ctx.clock.unix_ms()]).await?;
    Ok(Json(json!({ "provider_id": id, "from": from, "stage": body.stage })).into_response())
}

fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no provider {id:?}: register first"))
}
