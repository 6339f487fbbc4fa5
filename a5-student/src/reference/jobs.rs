//! Work that a request leaves behind: written in the request's transaction, done by a worker in the request's trace,
//! tried again with growing pauses until it is done or refused for good, across restarts.

mod outcome;
mod worker;

use common::args;
use common::ids::TraceId;
use common::service::{Db, DbError, RequestContext, Row, Tx};

use super::orders;
use super::state::A5;

pub(super) use outcome::Outcome;
pub(super) use worker::start;

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    /// Tell the CRM of a new student.
    Crm,
    /// Ask A3 for the run that welcomes her.
    Run,
    /// Have A4 read a document.
    Document,
    /// Tell A3 that a visit of one of its pages led to a checkout.
    Checkout,
}

impl JobKind {
    const ALL: [Self; 4] = [Self::Crm, Self::Run, Self::Document, Self::Checkout];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Crm => "crm",
            Self::Run => "run",
            Self::Document => "document",
            Self::Checkout => "checkout",
        }
    }
}

/// A job that is due.
#[derive(Debug, Clone)]
pub(super) struct Job {
    job_id: String,
    pub(super) kind: JobKind,
    /// The student or the document it is about.
    pub(super) subject: String,
    attempts: i64,
    context: String,
}

impl Job {
    /// The context that it was left behind in.
    pub(super) fn resume(&self) -> RequestContext {
        orders::resume(&self.context, "JOB", &format!("job:{}", self.kind.as_str()))
    }
}

/// How long whoever took a job may work on it before others try.
const LEASE_MS: i64 = 30_000;

/// Leaves a job behind, once for its kind and subject. `is_taken` if the caller does it at once itself.
pub(super) async fn leave(
    tx: &mut Tx,
    context: &RequestContext,
    kind: JobKind,
    subject: &str,
    is_taken: bool,
    now_ms: i64,
) -> Result<Job, DbError> {
    let job = Job {
        job_id: format!("job_{}", uuid::Uuid::now_v7().simple()),
        kind,
        subject: subject.to_owned(),
        attempts: 0,
        context: orders::stored(context),
    };
    let due_ms = if is_taken { now_ms + LEASE_MS } else { now_ms };
    let sql = "INSERT INTO jobs (job_id, kind, subject, context, trace_id, state, attempts, due_ms, created_ms)
               VALUES ($1, $2, $3, $4, $5, 'pending', 0, $6, $7) ON CONFLICT (kind, subject) DO NOTHING";
    let trace_id = context.trace.trace.to_string();
    tx.execute(sql, args![&job.job_id, kind.as_str(), subject, &job.context, trace_id, due_ms, now_ms]).await?;
    Ok(job)
}

/// What became of the jobs of one kind in a trace: state (`pending`, `done`, `refused`) and result.
pub(super) async fn of_trace(db: &Db, kind: JobKind, trace: TraceId) -> Result<Vec<(String, Option<String>)>, DbError> {
    let sql = "SELECT state, result FROM jobs WHERE kind = $1 AND trace_id = $2 ORDER BY created_ms, job_id";
    let rows = db.query(sql, args![kind.as_str(), trace.to_string()]).await?;
    rows.iter().map(|row| Ok((row.text("state")?, row.opt_text("result")?))).collect()
}

/// Does a job now and writes down what came of it.
pub(super) async fn carry_out(app: &A5, job: &Job) -> Result<(), DbError> {
    let outcome = match job.kind {
        JobKind::Crm => super::crm::record(app, job).await,
        JobKind::Run => super::welcome::ask(app, job).await,
        JobKind::Document => super::analysis::analyze(app, job).await,
        JobKind::Checkout => super::visits::tell(app, job).await,
    };
    outcome::write_down(app, job, outcome).await
}

fn read(row: &Row) -> Result<Option<Job>, DbError> {
    let kind = row.text("kind")?;
    let Some(kind) = JobKind::ALL.into_iter().find(|known| known.as_str() == kind) else { return Ok(None) };
    Ok(Some(Job {
        job_id: row.text("job_id")?,
        kind,
        subject: row.text("subject")?,
        attempts: row.int("attempts")?,
        context: row.text("context")?,
    }))
}
