//! The worker: takes what is due, does it side by side, and looks again when something was added or its time has come.

use std::time::Duration;

use common::args;
use common::service::DbError;
use tokio::task::JoinSet;

use super::{Job, LEASE_MS, carry_out, read};
use crate::reference::state::A5;

/// The most jobs done side by side.
const AT_ONCE: usize = 16;
/// How often the worker looks for jobs whose time has come.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Starts the worker. What another life of the app left behind is due at once.
pub(in crate::reference) fn start(app: &A5) {
    let worker = app.clone();
    app.ctx().tasks.spawn(|stop| async move {
        if let Err(error) = free_all(&worker).await {
            tracing::warn!(%error, "jobs left behind are tried when their pause ends");
        }
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            match take_due(&worker, AT_ONCE - running.len()).await {
                Ok(jobs) => jobs.into_iter().for_each(|job| {
                    running.spawn(do_one(worker.clone(), job));
                }),
                Err(error) => tracing::warn!(%error, "jobs cannot be read"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                Some(_) = running.join_next() => {}
                () = worker.jobs_due().notified(), if running.len() < AT_ONCE => {}
                () = tokio::time::sleep(LOOK_EVERY), if running.len() < AT_ONCE => {}
            }
        }
    });
}

async fn free_all(app: &A5) -> Result<(), DbError> {
    let sql = "UPDATE jobs SET due_ms = $1 WHERE state = 'pending'";
    app.ctx().db.execute(sql, args![app.now_ms()]).await.map(drop)
}

/// Takes jobs that are due: until their lease ends, nobody else takes them.
async fn take_due(app: &A5, most: usize) -> Result<Vec<Job>, DbError> {
    let (now_ms, most) = (app.now_ms(), i64::try_from(most).unwrap_or(0));
    let due = "SELECT * FROM jobs WHERE state = 'pending' AND due_ms <= $1 ORDER BY due_ms LIMIT $2";
    if app.ctx().db.query_one(due, args![now_ms, most]).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut tx = app.ctx().db.begin().await?;
    let mut jobs = Vec::new();
    for row in tx.query(due, args![now_ms, most]).await? {
        let Some(job) = read(&row)? else { continue };
        let sql = "UPDATE jobs SET due_ms = $2 WHERE job_id = $1";
        tx.execute(sql, args![&job.job_id, now_ms + LEASE_MS]).await?;
        jobs.push(job);
    }
    tx.commit().await?;
    Ok(jobs)
}

async fn do_one(app: A5, job: Job) {
    if let Err(error) = carry_out(&app, &job).await {
        tracing::warn!(%error, "what came of a job was not kept: it is done again");
    }
}
