//! Every attempt that left the app, with its times: how it went and how long the next one waited.

use std::collections::BTreeMap;
use std::time::Duration;

use common::service::{Db, DbError, Row, Tx};
use common::{args, clock};
use serde_json::{Value, json};

/// What an attempt belongs to: a step of a run, or one of its side jobs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) run_id: &'a str,
    /// The step, or the party of the side job.
    pub(crate) step: &'a str,
}

/// How an attempt ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) outcome: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) pause: Option<Duration>,
    pub(crate) is_trial: bool,
}

impl Ending {
    pub(crate) fn done() -> Self {
        Self { outcome: "done", ..Self::default() }
    }

    pub(crate) fn refused(reason: &str) -> Self {
        Self { outcome: "refused", reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// Begins an attempt, before anything leaves, and tells which it is. One that a crash cut off is marked as such.
pub(crate) async fn begin(tx: &mut Tx, work: Work<'_>, now_ms: i64) -> Result<u32, DbError> {
    let sql = "UPDATE attempts SET outcome = 'interrupted', ended_ms = $3
               WHERE run_id = $1 AND step = $2 AND ended_ms IS NULL";
    tx.execute(sql, args![work.run_id, work.step, now_ms]).await?;
    let sql = "SELECT COUNT(*) AS n FROM attempts WHERE run_id = $1 AND step = $2";
    let rows = tx.query(sql, args![work.run_id, work.step]).await?;
    let number = rows.first().map_or(Ok(0), |row| row.int("n"))? + 1;
    let sql = "INSERT INTO attempts (run_id, step, attempt, at_ms, outcome, is_trial)
               VALUES ($1, $2, $3, $4, 'under_way', 0)";
    tx.execute(sql, args![work.run_id, work.step, number, now_ms]).await?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Takes an attempt back that sent nothing.
pub(crate) async fn take_back(tx: &mut Tx, work: Work<'_>, number: u32) -> Result<(), DbError> {
    let sql = "DELETE FROM attempts WHERE run_id = $1 AND step = $2 AND attempt = $3";
    tx.execute(sql, args![work.run_id, work.step, i64::from(number)]).await.map(drop)
}

/// Writes down how an attempt ended.
pub(crate) async fn end(tx: &mut Tx, work: Work<'_>, number: u32, ending: &Ending, now_ms: i64) -> Result<(), DbError> {
    let ms = |duration: Option<Duration>| duration.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    let sql = "UPDATE attempts SET ended_ms = $4, outcome = $5, reason = $6, status = $7, retry_after_ms = $8,
               pause_ms = $9, is_trial = $10 WHERE run_id = $1 AND step = $2 AND attempt = $3";
    let values = args![
        work.run_id,
        work.step,
        i64::from(number),
        now_ms,
        ending.outcome,
        ending.reason.clone(),
        ending.status.map(i64::from),
        ms(ending.retry_after),
        ms(ending.pause),
        ending.is_trial,
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Attempts that failed before a closed breaker: those that the patience with a step counts.
pub(crate) async fn failed(db: &Db, work: Work<'_>) -> Result<u32, DbError> {
    let sql = "SELECT COUNT(*) AS n FROM attempts
               WHERE run_id = $1 AND step = $2 AND outcome = 'failed' AND is_trial = 0";
    let row = db.query_one(sql, args![work.run_id, work.step]).await?;
    Ok(u32::try_from(row.map_or(Ok(0), |row| row.int("n"))?).unwrap_or(u32::MAX))
}

/// All attempts of a run, by step or side job, in order.
pub(crate) async fn of_run(db: &Db, run_id: &str) -> Result<BTreeMap<String, Vec<Value>>, DbError> {
    let mut steps: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for row in db.query("SELECT * FROM attempts WHERE run_id = $1 ORDER BY step, attempt", args![run_id]).await? {
        steps.entry(row.text("step")?).or_default().push(show(&row)?);
    }
    Ok(steps)
}

fn show(row: &Row) -> Result<Value, DbError> {
    let (at_ms, ended_ms) = (row.int("at_ms")?, row.opt_int("ended_ms")?);
    Ok(json!({
        "attempt": row.int("attempt")?,
        "at": clock::rfc3339(at_ms),
        "at_ms": at_ms,
        "ended_ms": ended_ms,
        "outcome": row.text("outcome")?,
        "reason": row.opt_text("reason")?,
        "status": row.opt_int("status")?,
        "retry_after_ms": row.opt_int("retry_after_ms")?,
        "pause_ms": row.opt_int("pause_ms")?,
        "is_trial": row.int("is_trial")? != 0,
    }))
}
