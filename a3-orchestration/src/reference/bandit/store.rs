//! Bandits in the database.

use common::args;
use common::service::{Ctx, DbError, Defect, Row, Tx};

use super::{Arm, Bandit, FLOOR};

const BANDIT: &str = "SELECT * FROM bandits WHERE bandit_id = $1";
const ARMS: &str = "SELECT * FROM bandit_arms WHERE bandit_id = $1 ORDER BY position, arm";

/// Reads a bandit; `None` if there is none of this name.
pub(super) async fn read(ctx: &Ctx, id: &str) -> Result<Option<Bandit>, DbError> {
    let Some(row) = ctx.db.query_one(BANDIT, args![id]).await? else { return Ok(None) };
    of(ctx, &row, &ctx.db.query(ARMS, args![id]).await?).map(Some)
}

/// Reads a bandit as this transaction sees it.
pub(super) async fn read_in(ctx: &Ctx, tx: &mut Tx, id: &str) -> Result<Option<Bandit>, DbError> {
    let rows = tx.query(BANDIT, args![id]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    of(ctx, row, &tx.query(ARMS, args![id]).await?).map(Some)
}

fn of(ctx: &Ctx, row: &Row, arms: &[Row]) -> Result<Bandit, DbError> {
    let frozen = row.opt_text("frozen")?.and_then(|text| serde_json::from_str(&text).ok());
    let floor = row.real("floor_share")?;
    let read = |row: &Row| {
        Ok(Arm {
            arm: row.text("arm")?,
            alpha: row.real("alpha")?,
            beta: row.real("beta")?,
            pulls: row.int("pulls")?,
            rewards: row.int("rewards")?,
            failures: row.int("failures")?,
            page_views: row.int("page_views")?,
            leads: row.int("leads")?,
            checkouts: row.int("checkouts")?,
            complaints: row.int("complaints")?,
        })
    };
    Ok(Bandit {
        id: row.text("bandit_id")?,
        seed: row.opt_int("seed")?,
        floor: if ctx.has(Defect::A3FloorIgnored) { 0.0 } else { floor },
        frozen: if ctx.has(Defect::A3FreezeIgnored) { None } else { frozen },
        choices: row.int("choices")?,
        has_gate: !ctx.has(Defect::A3GateIgnored),
        winner_needs_sessions: !ctx.has(Defect::A3WinnerTooEarly),
        arms: arms.iter().map(read).collect::<Result<_, DbError>>()?,
    })
}

/// Adds a bandit that believes nothing yet.
pub(super) async fn add(tx: &mut Tx, id: &str, arms: &[String], seed: Option<i64>, now_ms: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO bandits (bandit_id, seed, floor_share, choices, created_ms) VALUES ($1, $2, $3, 0, $4)";
    tx.execute(sql, args![id, seed, FLOOR, now_ms]).await?;
    for (position, arm) in (0_i64..).zip(arms) {
        let sql = "INSERT INTO bandit_arms (bandit_id, position, arm, alpha, beta, pulls, rewards, failures)
                   VALUES ($1, $2, $3, 1, 1, 0, 0, 0)";
        tx.execute(sql, args![id, position, arm]).await?;
    }
    Ok(())
}

/// Counts a choice.
pub(super) async fn pulled(tx: &mut Tx, id: &str, arm: &str) -> Result<(), DbError> {
    tx.execute("UPDATE bandits SET choices = choices + 1 WHERE bandit_id = $1", args![id]).await?;
    let sql = "UPDATE bandit_arms SET pulls = pulls + 1 WHERE bandit_id = $1 AND arm = $2";
    tx.execute(sql, args![id, arm]).await.map(drop)
}

/// Forgets bandits with all that belongs to them.
pub(super) async fn remove(tx: &mut Tx, ids: Vec<String>) -> Result<(), DbError> {
    for id in ids {
        for table in ["sessions", "choices", "bandit_arms", "bandits"] {
            tx.execute(&format!("DELETE FROM {table} WHERE bandit_id = $1"), args![&id]).await?;
        }
    }
    Ok(())
}
