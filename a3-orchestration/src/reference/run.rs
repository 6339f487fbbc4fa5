//! Asking for a run, and looking at one.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::clock;
use common::ids::{TraceId, TraceParent};
use common::service::{Ctx, DbError, Defect, Json, Path, Problem, RequestContext, Row, Unit};
use common::telemetry::Namespace;
use serde::Deserialize;
use serde_json::{Value, json};

use super::attempts;
use super::attribution::{self, Attribution};
use super::bandit;
use super::page;
use super::party::Party;
use super::plan::{PLAN, RunState};
use super::worker::side;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRun {
    title: String,
    summary: String,
    /// The page that led here.
    #[serde(default)]
    from_slug: Option<String>,
    /// The experiment that chooses the arm; for tests alone. The live bandit if left out.
    #[serde(default)]
    experiment: Option<String>,
}

impl NewRun {
    fn check(&self) -> Result<(), Problem> {
        for (pointer, text, most) in [("/title", &self.title, 120), ("/summary", &self.summary, 1_000)] {
            if text.trim().is_empty() || text.len() > most {
                return Err(Problem::invalid(pointer, format!("`{}` is 1 to {most} bytes", &pointer[1..])));
            }
        }
        self.from_slug.as_deref().map_or(Ok(()), attribution::want_slug)
    }
}

/// A run as the worker needs it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) run_id: String,
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) arm: Option<String>,
    /// The bandit that chooses the arm.
    pub(crate) bandit: String,
    pub(crate) page_url: Option<String>,
    pub(crate) attributed_to: Option<Attribution>,
    pub(crate) created_ms: i64,
    /// The trace and the labels of whoever asked for it; its own time starts when it is loaded.
    pub(crate) context: RequestContext,
}

pub(crate) async fn start(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(asked): Json<NewRun>,
) -> Result<Response, Problem> {
    asked.check()?;
    let run_id = uuid::Uuid::now_v7().to_string();
    let now = ctx.clock.unix_ms();
    let mut tx = unit.tx().await?;
    if let Some(id) = &asked.experiment {
        bandit::want_experiment(&mut tx, &context, id).await?;
    }
    let source = match asked.from_slug.as_deref().filter(|_| !ctx.has(Defect::A3ForgetsTheSource)) {
        Some(slug) => Some(Attribution::find(&mut tx, slug).await?),
        None => None,
    };
    let (from_run_id, from_arm) = source.map_or((None, None), |source| (source.run_id, source.arm));
    let values = args![
        &run_id,
        &context.tenant,
        context.namespace.as_str(),
        context.test_run,
        context.source.clone(),
        context.trace.trace.to_string(),
        page::slug(&asked.title, &run_id),
        asked.title.trim(),
        asked.summary.trim(),
        RunState::Queued.as_str(),
        now,
        asked.from_slug,
        from_run_id,
        from_arm,
        asked.experiment.as_deref().unwrap_or(bandit::LIVE),
    ];
    let sql = "INSERT INTO runs (run_id, tenant_id, namespace, test_run, source, trace_id, slug, title, summary, state,
               created_ms, due_ms, from_slug, from_run_id, from_arm, bandit_id)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15)";
    tx.execute(sql, values).await?;
    for (position, step) in (0_i64..).zip(PLAN) {
        let sql = "INSERT INTO steps (run_id, position, name, state, attempts) VALUES ($1, $2, $3, 'pending', 0)";
        tx.execute(sql, args![&run_id, position, step.as_str()]).await?;
    }
    for party in [Party::S2sAuth, Party::A4] {
        side::leave(&ctx, &mut tx, &run_id, party).await?;
    }
    let status_url = format!("/orchestration/runs/{run_id}");
    let body = json!({ "run_id": run_id, "status_url": status_url, "trace_id": context.trace.trace });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Reads a run for the worker; `None` if there is no such run.
pub(crate) async fn load(ctx: &Ctx, run_id: &str) -> Result<Option<Run>, DbError> {
    let row = ctx.db.query_one("SELECT * FROM runs WHERE run_id = $1", args![run_id]).await?;
    row.map(|row| {
        Ok(Run {
            run_id: row.text("run_id")?,
            slug: row.text("slug")?,
            title: row.text("title")?,
            summary: row.text("summary")?,
            arm: row.opt_text("arm")?,
            bandit: row.text("bandit_id")?,
            page_url: row.opt_text("page_url")?,
            attributed_to: Attribution::read(&row)?,
            created_ms: row.int("created_ms")?,
            context: context(&row)?,
        })
    })
    .transpose()
}

fn context(row: &Row) -> Result<RequestContext, DbError> {
    let trace = row.text("trace_id")?.parse().unwrap_or_else(|_| TraceId::fresh());
    let namespace = Namespace::parse(&row.text("namespace")?);
    Ok(RequestContext {
        trace: TraceParent::of(trace),
        traced: true,
        tenant: row.text("tenant_id")?,
        idempotency_key: None,
        namespace: namespace.unwrap_or(Namespace::PerfTest),
        test_run: row.int("test_run")? != 0,
        source: row.opt_text("source")?,
        route: "/orchestration/run".into(),
        method: "POST".into(),
        started: clock::monotonic(),
    })
}

pub(crate) async fn show(State(ctx): State<Ctx>, Path(run_id): Path<String>) -> Result<Response, Problem> {
    let row = ctx.db.query_one("SELECT * FROM runs WHERE run_id = $1", args![&run_id]).await?;
    let row = row.ok_or_else(|| Problem::not_found("there is no run with this id"))?;
    let steps = ctx.db.query("SELECT * FROM steps WHERE run_id = $1 ORDER BY position", args![&run_id]).await?;
    let attempts = attempts::of_run(&ctx.db, &run_id).await?;
    let steps = steps.iter().map(|row| show_step(row, &attempts)).collect::<Result<Vec<_>, _>>()?;
    let side_jobs = side::of_run(&ctx.db, &run_id, &attempts).await?;
    let body = json!({
        "run_id": run_id,
        "state": row.text("state")?,
        "trace_id": row.text("trace_id")?,
        "title": row.text("title")?,
        "arm": row.opt_text("arm")?,
        "experiment": Some(row.text("bandit_id")?).filter(|id| id != bandit::LIVE),
        "page_slug": row.opt_text("page_slug")?,
        "page_url": row.opt_text("page_url")?,
        "attributed_to": Attribution::read(&row)?,
        "error": row.opt_text("error")?,
        "created_at": clock::rfc3339(row.int("created_ms")?),
        "finished_at": row.opt_int("finished_ms")?.map(clock::rfc3339),
        "steps": steps,
        "side_jobs": side_jobs,
    });
    Ok(Json(body).into_response())
}

fn show_step(row: &Row, attempts: &BTreeMap<String, Vec<Value>>) -> Result<Value, DbError> {
    let name = row.text("name")?;
    Ok(json!({
        "state": row.text("state")?,
        "attempts": row.int("attempts")?,
        "started_at": row.opt_int("started_ms")?.map(clock::rfc3339),
        "finished_at": row.opt_int("finished_ms")?.map(clock::rfc3339),
        "detail": row.opt_text("detail")?,
        "attempt_log": attempts.get(&name).cloned().unwrap_or_default(),
        "name": name,
    }))
}
