//! Side jobs: what a run would like of parties that it can do without. Each is done once for its run, tried again with
//! back-off across restarts, and dropped with a reason at the end; none ever holds a run up.

use common::service::{Ctx, Db, DbError, RequestContext, Tx};
use common::{args, clock};
use serde_json::{Value, json};

use super::Due;
use super::drive::due_after;
use crate::reference::Shared;
use crate::reference::attempts::{self, Ending, Work};
use crate::reference::backoff;
use crate::reference::favours;
use crate::reference::journal::{self, Actor};
use crate::reference::party::Party;
use crate::reference::plan::{self, MAX_ATTEMPTS};
use crate::reference::run;
use crate::reference::upstreams::{Failure, Passing};

/// Jobs of one party are begun so far apart, so that many runs at once do not become many calls at once; the option
/// `side_jobs_apart_ms` may say less.
const APART_MS: i64 = 200;
/// Jobs that may wait for one party.
const MOST_WAITING: i64 = 20;

/// Leaves a job behind in the transaction of the run.
pub(crate) async fn leave(ctx: &Ctx, tx: &mut Tx, run_id: &str, party: Party) -> Result<(), DbError> {
    let now_ms = ctx.clock.unix_ms();
    let asked = ctx.config.options.get("side_jobs_apart_ms").and_then(|text| text.parse().ok());
    let apart_ms = asked.map_or(APART_MS, |asked: i64| asked.clamp(0, APART_MS));
    let sql = "SELECT COUNT(*) AS n, MAX(due_ms) AS last_ms FROM jobs
               WHERE party = $1 AND state = 'pending' AND attempts = 0";
    let rows = tx.query(sql, args![party.as_str()]).await?;
    let (waiting, last_ms) = match rows.first() {
        Some(row) => (row.int("n")?, row.opt_int("last_ms")?),
        None => (0, None),
    };
    let due_ms = last_ms.map_or(now_ms, |last| now_ms.max(last + apart_ms));
    let has_room = waiting < MOST_WAITING;
    let detail = (!has_room).then(|| format!("{MOST_WAITING} are waiting for {} already", party.as_str()));
    let sql = "INSERT INTO jobs (run_id, party, state, attempts, due_ms, created_ms, finished_ms, detail)
               VALUES ($1, $2, $3, 0, $4, $5, $6, $7) ON CONFLICT (run_id, party) DO NOTHING";
    let state = if has_room { "pending" } else { "dropped" };
    let finished = (!has_room).then_some(now_ms);
    tx.execute(sql, args![run_id, party.as_str(), state, due_ms, now_ms, finished, detail]).await.map(drop)
}

/// Jobs that are due, oldest first.
pub(super) async fn due(db: &Db, now_ms: i64) -> Result<Vec<Due>, DbError> {
    let sql = "SELECT run_id, party FROM jobs WHERE state = 'pending' AND due_ms <= $1
               ORDER BY due_ms, created_ms, party LIMIT 100";
    let mut due = Vec::new();
    for row in db.query(sql, args![now_ms]).await? {
        if let Some(party) = Party::parse(&row.text("party")?) {
            due.push(Due::Side(row.text("run_id")?, party));
        }
    }
    Ok(due)
}

/// Tries a job once.
pub(super) async fn drive(shared: &Shared, run_id: &str, party: Party) -> Result<(), DbError> {
    let ctx = &shared.ctx;
    let sql = "SELECT created_ms FROM jobs WHERE run_id = $1 AND party = $2 AND state = 'pending'";
    let Some(row) = ctx.db.query_one(sql, args![run_id, party.as_str()]).await? else { return Ok(()) };
    let side = Side { shared, run_id, party };
    let Some(run) = run::load(ctx, run_id).await? else { return side.end("dropped", "the run is gone", 0).await };
    if ctx.clock.unix_ms() - row.int("created_ms")? > plan::deadline_ms(ctx) {
        return side.end("dropped", "nobody could do it in time", 0).await;
    }
    let attempt = side.begin().await?;
    let context = RequestContext { route: format!("/side/{}", party.as_str()), ..run.context.clone() };
    match favours::ask(shared, &run, &context, party, attempt > 1).await {
        Ok(detail) => side.end("done", &detail, attempt).await,
        Err(Failure::Passing(failure)) => side.wait_or_drop(attempt, failure).await,
        Err(Failure::Held { reason, wait }) => side.put_off(attempt, &reason, wait).await,
        Err(Failure::Final { reason }) => side.end("dropped", &reason, attempt).await,
    }
}

/// One job of one run.
struct Side<'a> {
    shared: &'a Shared,
    run_id: &'a str,
    party: Party,
}

impl Side<'_> {
    fn work(&self) -> Work<'_> {
        Work { run_id: self.run_id, step: self.party.as_str() }
    }

    async fn begin(&self) -> Result<u32, DbError> {
        let ctx = &self.shared.ctx;
        let mut tx = ctx.db.begin().await?;
        let attempt = attempts::begin(&mut tx, self.work(), ctx.clock.unix_ms()).await?;
        let sql = "UPDATE jobs SET attempts = attempts + 1 WHERE run_id = $1 AND party = $2";
        tx.execute(sql, args![self.run_id, self.party.as_str()]).await?;
        tx.commit().await?;
        Ok(attempt)
    }

    async fn wait_or_drop(&self, attempt: u32, failure: Passing) -> Result<(), DbError> {
        let ctx = &self.shared.ctx;
        let failed_before = attempts::failed(&ctx.db, self.work()).await?;
        if !failure.is_trial && failed_before + 1 >= MAX_ATTEMPTS {
            let reason = format!("gave up after {MAX_ATTEMPTS} attempts: {}", failure.reason);
            return self.end("dropped", &reason, attempt).await;
        }
        let pause = backoff::pause_of(ctx, attempt, self.shared.dice.share(), failure.retry_after);
        let now = ctx.clock.unix_ms();
        let ending = Ending {
            outcome: "failed",
            reason: Some(failure.reason.clone()),
            status: failure.status,
            retry_after: failure.retry_after,
            pause: Some(pause),
            is_trial: failure.is_trial,
        };
        let mut tx = ctx.db.begin().await?;
        attempts::end(&mut tx, self.work(), attempt, &ending, now).await?;
        let sql = "UPDATE jobs SET due_ms = $3, detail = $4 WHERE run_id = $1 AND party = $2";
        tx.execute(sql, args![self.run_id, self.party.as_str(), due_after(now, pause), failure.reason]).await?;
        tx.commit().await
    }

    async fn put_off(&self, attempt: u32, reason: &str, wait: std::time::Duration) -> Result<(), DbError> {
        let ctx = &self.shared.ctx;
        let mut tx = ctx.db.begin().await?;
        attempts::take_back(&mut tx, self.work(), attempt).await?;
        let sql = "UPDATE jobs SET due_ms = $3, attempts = attempts - 1, detail = $4
                   WHERE run_id = $1 AND party = $2";
        let due = due_after(ctx.clock.unix_ms(), wait);
        tx.execute(sql, args![self.run_id, self.party.as_str(), due, reason]).await?;
        tx.commit().await
    }

    /// Ends the job, as `done` or `dropped`; a dropped one is told in the journal.
    async fn end(&self, state: &str, detail: &str, attempt: u32) -> Result<(), DbError> {
        let ctx = &self.shared.ctx;
        let (now, party) = (ctx.clock.unix_ms(), self.party.as_str());
        let mut tx = ctx.db.begin().await?;
        if attempt > 0 {
            let ending = if state == "done" { Ending::done() } else { Ending::refused(detail) };
            attempts::end(&mut tx, self.work(), attempt, &ending, now).await?;
        }
        let sql = "UPDATE jobs SET state = $3, finished_ms = $4, detail = $5 WHERE run_id = $1 AND party = $2";
        tx.execute(sql, args![self.run_id, party, state, now, detail]).await?;
        if state == "dropped" {
            let about = format!("{}: {party}: {detail}", self.run_id);
            journal::write(&mut tx, Actor::Agent, "side_job_dropped", Some(&about), None, now).await?;
        }
        tx.commit().await
    }
}

/// The side jobs of a run, each with its attempts.
pub(crate) async fn of_run(
    db: &Db,
    run_id: &str,
    attempts: &std::collections::BTreeMap<String, Vec<Value>>,
) -> Result<Vec<Value>, DbError> {
    let rows = db.query("SELECT * FROM jobs WHERE run_id = $1 ORDER BY created_ms, party", args![run_id]).await?;
    let show = |row: &common::service::Row| {
        let party = row.text("party")?;
        Ok(json!({
            "state": row.text("state")?,
            "attempts": row.int("attempts")?,
            "created_at": clock::rfc3339(row.int("created_ms")?),
            "finished_at": row.opt_int("finished_ms")?.map(clock::rfc3339),
            "detail": row.opt_text("detail")?,
            "attempt_log": attempts.get(&party).cloned().unwrap_or_default(),
            "party": party,
        }))
    };
    rows.iter().map(show).collect()
}
