//! Driving a run: from step to step until it ends, has to wait, or the app stops.

use std::time::Duration;

use common::args;
use common::service::{Ctx, DbError, Emit};
use common::telemetry::EventName;
use tokio_util::sync::CancellationToken;

use crate::reference::Shared;
use crate::reference::attempts::{self, Ending, Work};
use crate::reference::backoff;
use crate::reference::bandit;
use crate::reference::plan::{self, MAX_ATTEMPTS, PLAN, RunState, Step};
use crate::reference::run::{self, Run};
use crate::reference::steps;
use crate::reference::upstreams::{Failure, Passing};

/// One attempt at one step.
struct At<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    position: usize,
    step: Step,
    attempt: u32,
}

/// Takes a run from step to step.
pub(crate) async fn run(shared: &Shared, run_id: &str, stop: &CancellationToken) -> Result<(), DbError> {
    while !stop.is_cancelled() {
        let Some(run) = run::load(&shared.ctx, run_id).await? else { return Ok(()) };
        let Some((position, step)) = next_step(&shared.ctx, run_id).await? else { return Ok(()) };
        let mut at = At { ctx: &shared.ctx, run: &run, position, step, attempt: 0 };
        if shared.ctx.clock.unix_ms() - run.created_ms > plan::deadline_ms(&shared.ctx) {
            return at.fail("took longer than it may: ask for a new run").await;
        }
        at.attempt = at.begin().await?;
        match steps::perform(shared, &run, step, at.attempt > 1).await {
            Ok(effect) => at.done(shared, &effect).await?,
            Err(Failure::Passing(failure)) => return at.wait_or_fail(shared, failure).await,
            Err(Failure::Held { reason, wait }) => return at.put_off(wait, &reason).await,
            Err(Failure::Final { reason }) => return at.fail(&reason).await,
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

impl At<'_> {
    fn work(&self) -> Work<'_> {
        Work { run_id: &self.run.run_id, step: self.step.as_str() }
    }

    fn place(&self) -> i64 {
        i64::try_from(self.position).unwrap_or(i64::MAX)
    }

    /// Counts the attempt before anything leaves, and tells which it is.
    async fn begin(&self) -> Result<u32, DbError> {
        let now = self.ctx.clock.unix_ms();
        let mut tx = self.ctx.db.begin().await?;
        tx.execute("UPDATE runs SET state = 'running' WHERE run_id = $1", args![&self.run.run_id]).await?;
        let sql = "UPDATE steps SET state = 'running', attempts = attempts + 1, started_ms = COALESCE(started_ms, $3)
                   WHERE run_id = $1 AND position = $2";
        tx.execute(sql, args![&self.run.run_id, self.place(), now]).await?;
        let attempt = attempts::begin(&mut tx, self.work(), now).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    async fn done(&self, shared: &Shared, effect: &steps::Effect) -> Result<(), DbError> {
        let (ctx, run_id, now) = (self.ctx, &self.run.run_id, self.ctx.clock.unix_ms());
        let mut tx = ctx.db.begin().await?;
        let progress = Emit::new(EventName::RunProgress).key(format!("{run_id}:step:{}", self.position));
        ctx.telemetry.emit(&mut tx, &self.run.context, progress).await?;
        let detail = steps::write_down(shared, &mut tx, self.run, effect).await?;
        let sql = "UPDATE steps SET state = 'done', finished_ms = $3, detail = $4 WHERE run_id = $1 AND position = $2";
        tx.execute(sql, args![run_id, self.place(), now, detail]).await?;
        attempts::end(&mut tx, self.work(), self.attempt, &Ending::done(), now).await?;
        let state = RunState::after(self.position).as_str();
        tx.execute("UPDATE runs SET state = $2 WHERE run_id = $1", args![run_id, state]).await?;
        tx.commit().await
    }

    /// Tries again after a pause, unless the patience with this step is spent.
    async fn wait_or_fail(&self, shared: &Shared, failure: Passing) -> Result<(), DbError> {
        let failed_before = attempts::failed(&self.ctx.db, self.work()).await?;
        if !failure.is_trial && failed_before + 1 >= MAX_ATTEMPTS {
            return self.fail(&format!("gave up after {MAX_ATTEMPTS} attempts: {}", failure.reason)).await;
        }
        let pause = backoff::pause_of(self.ctx, self.attempt, shared.dice.share(), failure.retry_after);
        let now = self.ctx.clock.unix_ms();
        let ending = Ending {
            outcome: "failed",
            reason: Some(failure.reason.clone()),
            status: failure.status,
            retry_after: failure.retry_after,
            pause: Some(pause),
            is_trial: failure.is_trial,
        };
        let mut tx = self.ctx.db.begin().await?;
        attempts::end(&mut tx, self.work(), self.attempt, &ending, now).await?;
        let sql = "UPDATE steps SET state = 'waiting', detail = $3 WHERE run_id = $1 AND position = $2";
        tx.execute(sql, args![&self.run.run_id, self.place(), failure.reason]).await?;
        let sql = "UPDATE runs SET due_ms = $2 WHERE run_id = $1";
        tx.execute(sql, args![&self.run.run_id, self.due(now, pause)]).await?;
        tx.commit().await
    }

    /// When the run is looked at again: after the pause, or as soon as its time is over, however long somebody asked to wait.
    fn due(&self, now: i64, pause: Duration) -> i64 {
        due_after(now, pause).min(self.run.created_ms + plan::deadline_ms(self.ctx) + 1)
    }

    /// Puts the run off: nothing was sent, so this was no attempt.
    async fn put_off(&self, pause: Duration, reason: &str) -> Result<(), DbError> {
        let mut tx = self.ctx.db.begin().await?;
        attempts::take_back(&mut tx, self.work(), self.attempt).await?;
        let sql = "UPDATE steps SET state = 'waiting', attempts = attempts - 1, detail = $3
                   WHERE run_id = $1 AND position = $2";
        tx.execute(sql, args![&self.run.run_id, self.place(), reason]).await?;
        let sql = "UPDATE runs SET due_ms = $2 WHERE run_id = $1";
        tx.execute(sql, args![&self.run.run_id, self.due(self.ctx.clock.unix_ms(), pause)]).await?;
        tx.commit().await
    }

    async fn fail(&self, reason: &str) -> Result<(), DbError> {
        let (ctx, run_id, now) = (self.ctx, &self.run.run_id, self.ctx.clock.unix_ms());
        tracing::warn!(run_id, reason, "a run failed");
        let mut tx = ctx.db.begin().await?;
        let sql = "UPDATE runs SET state = 'failed', error = $2, finished_ms = $3 WHERE run_id = $1";
        tx.execute(sql, args![run_id, reason, now]).await?;
        let sql =
            "UPDATE steps SET state = 'failed', finished_ms = $3, detail = $4 WHERE run_id = $1 AND position = $2";
        tx.execute(sql, args![run_id, self.place(), now, reason]).await?;
        if self.attempt > 0 {
            attempts::end(&mut tx, self.work(), self.attempt, &Ending::refused(reason), now).await?;
        }
        if self.step == Step::BuildPage {
            bandit::build_failed(ctx, &mut tx, self.run).await?;
        }
        let progress = Emit::new(EventName::RunProgress).status(502).key(format!("{run_id}:failed"));
        ctx.telemetry.emit(&mut tx, &self.run.context, progress).await?;
        tx.commit().await
    }
}

/// When a pause that begins now is over. A part of a millisecond counts as a whole one, so that it is never too short.
pub(super) fn due_after(now_ms: i64, pause: Duration) -> i64 {
    now_ms + i64::try_from(pause.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX / 2)
}
