//! The worker: finds runs that are due, also those that an earlier process left behind, and drives each from step to
//! step. All it knows of a run is in the database, so that it can go on wherever a crash stopped it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::args;
use common::clock;
use common::service::{Ctx, DbError, Emit};
use common::telemetry::EventName;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::backoff;
use super::journal;
use super::plan::{DEADLINE_MS, MAX_ATTEMPTS, PLAN, RunState, Step};
use super::run::{self, Run};
use super::steps;
use super::upstreams::Failure;

/// How often the worker looks for runs that are due.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most runs driven at a time.
const AT_ONCE: usize = 20;
/// A worker that has not looked for so many seconds is stuck.
const STUCK_AFTER_S: u64 = 5;

/// Runs under way in this process.
type Active = Arc<Mutex<BTreeSet<String>>>;

/// Starts the worker, and tells readiness whether it moves.
pub(crate) fn start(shared: &Shared) {
    let last_look = Arc::new(AtomicU64::new(shared.ctx.telemetry.uptime_sec()));
    let (telemetry, seen) = (shared.ctx.telemetry.clone(), Arc::clone(&last_look));
    shared.ctx.ready.add("queue", move || {
        let moves = telemetry.uptime_sec().saturating_sub(seen.load(Ordering::Relaxed)) < STUCK_AFTER_S;
        async move { moves }
    });
    let shared = shared.clone();
    shared.ctx.tasks.clone().spawn(|stop| look(shared, last_look, stop));
}

async fn look(shared: Shared, last_look: Arc<AtomicU64>, stop: CancellationToken) {
    let ctx = &shared.ctx;
    if let Err(error) = journal::commission(&ctx.db, ctx.clock.unix_ms()).await {
        tracing::error!(%error, "the journal cannot be written");
    }
    let active = Active::default();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        last_look.store(ctx.telemetry.uptime_sec(), Ordering::Relaxed);
        match due(ctx, &active).await {
            Ok(ids) => ids.into_iter().for_each(|id| begin(&shared, &active, id)),
            Err(error) => tracing::warn!(%error, "cannot look for due runs"),
        }
    }
}

/// Runs that are due and not under way, oldest first, as many as there is room for.
async fn due(ctx: &Ctx, active: &Active) -> Result<Vec<String>, DbError> {
    let sql = "SELECT run_id FROM runs WHERE state IN ('queued', 'running') AND due_ms <= $1 ORDER BY due_ms LIMIT 100";
    let rows = ctx.db.query(sql, args![ctx.clock.unix_ms()]).await?;
    let ids = rows.iter().map(|row| row.text("run_id")).collect::<Result<Vec<_>, _>>()?;
    let active = active.lock().unwrap_or_else(PoisonError::into_inner);
    let room = AT_ONCE.saturating_sub(active.len());
    Ok(ids.into_iter().filter(|id| !active.contains(id)).take(room).collect())
}

fn begin(shared: &Shared, active: &Active, run_id: String) {
    active.lock().unwrap_or_else(PoisonError::into_inner).insert(run_id.clone());
    let (shared, active) = (shared.clone(), Arc::clone(active));
    shared.ctx.tasks.clone().spawn(|stop| async move {
        if let Err(error) = drive(&shared, &run_id, &stop).await {
            tracing::warn!(%error, run_id, "a run waits for the database");
        }
        active.lock().unwrap_or_else(PoisonError::into_inner).remove(&run_id);
    });
}

/// Takes a run from step to step until it ends, has to wait, or the app stops.
async fn drive(shared: &Shared, run_id: &str, stop: &CancellationToken) -> Result<(), DbError> {
    while !stop.is_cancelled() {
        let Some(run) = run::load(&shared.ctx, run_id).await? else { return Ok(()) };
        let Some((position, step)) = next_step(&shared.ctx, run_id).await? else { return Ok(()) };
        if shared.ctx.clock.unix_ms() - run.created_ms > DEADLINE_MS {
            return fail(&shared.ctx, &run, position, "took longer than ten minutes: ask for a new run").await;
        }
        let attempt = mark_begun(&shared.ctx, run_id, position).await?;
        match steps::perform(shared, &run, step).await {
            Ok(effect) => mark_done(shared, &run, position, &effect).await?,
            Err(Failure::Passing { reason, retry_after }) if attempt < MAX_ATTEMPTS => {
                let pause = backoff::pause(attempt, rand::random(), retry_after);
                return wait(&shared.ctx, &run, position, pause, &reason, false).await;
            }
            Err(Failure::Blocked { party, wait: pause }) => {
                let reason = format!("the breaker before {} is open", party.as_str());
                return wait(&shared.ctx, &run, position, pause, &reason, true).await;
            }
            Err(Failure::Passing { reason, .. }) => {
                let reason = format!("gave up after {MAX_ATTEMPTS} attempts: {reason}");
                return fail(&shared.ctx, &run, position, &reason).await;
            }
            Err(Failure::Final { reason }) => return fail(&shared.ctx, &run, position, &reason).await,
        }
    }
    Ok(())
}

async fn next_step(ctx: &Ctx, run_id: &str) -> Result<Option<(usize, Step)>, DbError> {
    let sql = "SELECT COUNT(*) AS done FROM steps WHERE run_id = $1 AND state = 'done'";
    let row = ctx.db.query_one(sql, args![run_id]).await?;
    let done = row.map_or(Ok(0), |row| row.int("done"))?;
    let position = usize::try_from(done).unwrap_or(PLAN.len());
    Ok(PLAN.get(position).map(|step| (position, *step)))
}

fn at(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Counts the attempt before anything leaves, and tells which it is.
async fn mark_begun(ctx: &Ctx, run_id: &str, position: usize) -> Result<u32, DbError> {
    let mut tx = ctx.db.begin().await?;
    tx.execute("UPDATE runs SET state = 'running' WHERE run_id = $1", args![run_id]).await?;
    let sql = "UPDATE steps SET state = 'running', attempts = attempts + 1, started_ms = COALESCE(started_ms, $3)
               WHERE run_id = $1 AND position = $2";
    tx.execute(sql, args![run_id, at(position), ctx.clock.unix_ms()]).await?;
    let sql = "SELECT attempts FROM steps WHERE run_id = $1 AND position = $2";
    let rows = tx.query(sql, args![run_id, at(position)]).await?;
    let attempts = rows.first().map_or(Ok(1), |row| row.int("attempts"))?;
    tx.commit().await?;
    Ok(u32::try_from(attempts).unwrap_or(u32::MAX))
}

async fn mark_done(shared: &Shared, run: &Run, position: usize, effect: &steps::Effect) -> Result<(), DbError> {
    let ctx = &shared.ctx;
    let mut tx = ctx.db.begin().await?;
    let progress = Emit::new(EventName::RunProgress).key(format!("{}:step:{position}", run.run_id));
    ctx.telemetry.emit(&mut tx, &run.context, progress).await?;
    let detail = steps::write_down(shared, &mut tx, run, effect).await?;
    let sql = "UPDATE steps SET state = 'done', finished_ms = $3, detail = $4 WHERE run_id = $1 AND position = $2";
    tx.execute(sql, args![&run.run_id, at(position), ctx.clock.unix_ms(), detail]).await?;
    let state = RunState::after(position).as_str();
    tx.execute("UPDATE runs SET state = $2 WHERE run_id = $1", args![&run.run_id, state]).await?;
    tx.commit().await
}

/// Puts a run off. An attempt that sent nothing does not count.
async fn wait(
    ctx: &Ctx,
    run: &Run,
    position: usize,
    pause: Duration,
    reason: &str,
    uncount: bool,
) -> Result<(), DbError> {
    let due = ctx.clock.unix_ms() + i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
    let mut tx = ctx.db.begin().await?;
    tx.execute("UPDATE runs SET due_ms = $2 WHERE run_id = $1", args![&run.run_id, due]).await?;
    let sql = "UPDATE steps SET state = 'waiting', attempts = attempts - $4, detail = $3
               WHERE run_id = $1 AND position = $2";
    tx.execute(sql, args![&run.run_id, at(position), reason, uncount]).await?;
    tx.commit().await
}

async fn fail(ctx: &Ctx, run: &Run, position: usize, reason: &str) -> Result<(), DbError> {
    let now = ctx.clock.unix_ms();
    let took = clock::monotonic().saturating_duration_since(run.context.started);
    tracing::warn!(run_id = run.run_id, reason, ?took, "a run failed");
    let mut tx = ctx.db.begin().await?;
    let sql = "UPDATE runs SET state = 'failed', error = $2, finished_ms = $3 WHERE run_id = $1";
    tx.execute(sql, args![&run.run_id, reason, now]).await?;
    let sql = "UPDATE steps SET state = 'failed', finished_ms = $3, detail = $4 WHERE run_id = $1 AND position = $2";
    tx.execute(sql, args![&run.run_id, at(position), now, reason]).await?;
    let progress = Emit::new(EventName::RunProgress).status(502).key(format!("{}:failed", run.run_id));
    ctx.telemetry.emit(&mut tx, &run.context, progress).await?;
    tx.commit().await
}
