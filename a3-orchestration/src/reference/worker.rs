//! The worker: finds runs and side jobs that are due, also those that an earlier process left behind, and drives each.
//! All it knows of them is in the database, so that it can go on wherever a crash stopped it.

mod drive;
pub(crate) mod side;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::args;
use common::service::{Ctx, DbError, Defect};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::breaker;
use super::journal;
use super::party::Party;

use drive::run;

/// How often the worker looks for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most runs driven at a time, and the most side jobs.
const AT_ONCE: usize = 20;
/// A worker that has not looked for so many seconds is stuck.
const STUCK_AFTER_S: u64 = 5;

/// Something to drive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Run(String),
    Side(String, Party),
}

/// What is under way in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Active(Arc<Mutex<BTreeSet<Due>>>);

/// Holds its place among what is under way until dropped, whatever becomes of the work.
#[derive(Debug)]
struct Place(Active, Due);

impl Active {
    fn take(&self, due: Due) -> Place {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(due.clone());
        Place(self.clone(), due)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

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

/// What a process does before its first look: the agent is put to work, and takes up what it left.
pub(crate) async fn prepare(shared: &Shared) -> Result<(), DbError> {
    let ctx = &shared.ctx;
    journal::commission(&ctx.db, ctx.clock.unix_ms()).await?;
    breaker::restore(shared).await?;
    if ctx.has(Defect::A3ForgetsRuns) {
        ctx.db.execute("DELETE FROM runs WHERE state IN ('queued', 'running')", vec![]).await?;
    }
    Ok(())
}

async fn look(shared: Shared, last_look: Arc<AtomicU64>, stop: CancellationToken) {
    if let Err(error) = prepare(&shared).await {
        tracing::error!(%error, "what an earlier process left cannot be taken up");
    }
    let active = Active::default();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        last_look.store(shared.ctx.telemetry.uptime_sec(), Ordering::Relaxed);
        match due(&shared.ctx, &active).await {
            Ok(all) => all.into_iter().for_each(|due| begin(&shared, &active, due)),
            Err(error) => tracing::warn!(%error, "cannot look for what is due"),
        }
    }
}

/// What is due and not under way, oldest first, as much as there is room for.
pub(crate) async fn due(ctx: &Ctx, active: &Active) -> Result<Vec<Due>, DbError> {
    let now_ms = ctx.clock.unix_ms();
    // Looked at before the rows: whatever ends between the two has a pause that these rows do not know of.
    let active = active.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let sql = "SELECT run_id FROM runs WHERE state IN ('queued', 'running') AND due_ms <= $1
               ORDER BY due_ms, created_ms LIMIT 100";
    let rows = ctx.db.query(sql, args![now_ms]).await?;
    let runs = rows.iter().map(|row| row.text("run_id").map(Due::Run)).collect::<Result<Vec<_>, _>>()?;
    let sides = side::due(&ctx.db, now_ms).await?;
    let busy = |of: fn(&Due) -> bool| AT_ONCE.saturating_sub(active.iter().filter(|due| of(due)).count());
    let room = (busy(|due| matches!(due, Due::Run(_))), busy(|due| matches!(due, Due::Side(..))));
    let runs = runs.into_iter().filter(|due| !active.contains(due)).take(room.0);
    let sides = sides.into_iter().filter(|due| !active.contains(due)).take(room.1);
    Ok(runs.chain(sides).collect())
}

fn begin(shared: &Shared, active: &Active, due: Due) {
    shared.ctx.tasks.clone().spawn(|stop| work(shared, active, due, stop));
}

/// The work on what is due. It is under way from this call on, until it ends or is dropped.
pub(crate) fn work(
    shared: &Shared,
    active: &Active,
    due: Due,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let place = active.take(due.clone());
    let shared = shared.clone();
    async move {
        if let Err(error) = drive(&shared, &due, &stop).await {
            tracing::warn!(%error, ?due, "waits for the database");
        }
        drop(place);
    }
}

/// Drives a run until it ends or has to wait, or a side job once.
async fn drive(shared: &Shared, due: &Due, stop: &CancellationToken) -> Result<(), DbError> {
    match due {
        Due::Run(run_id) => run(shared, run_id, stop).await,
        Due::Side(run_id, party) => side::drive(shared, run_id, *party).await,
    }
}
