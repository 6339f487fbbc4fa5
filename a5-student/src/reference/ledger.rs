//! The credit ledger: double entry, append-only, whole credits. Every entry debits one account and credits another, so
//! that all accounts sum to 0; a student's never falls below it.

use std::fmt;

use common::args;
use common::service::{Db, DbError, Row, Tx};

/// Where granted and sold credits come from; the only account below 0.
pub(super) const ISSUED: &str = "issued";
/// Where used credits go.
pub(super) const SPENT: &str = "spent";

/// Why credits move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Given at the sign-up.
    Grant,
    /// Bought.
    Purchase,
    /// Used for an AI action.
    Spend,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Purchase => "purchase",
            Self::Spend => "spend",
        }
    }
}

/// An entry to be made. One cause makes one entry.
#[derive(Debug, Clone)]
pub(super) struct Posting<'a> {
    /// `order:{id}`, `signup:{sub}`, `action:{nonce}`.
    pub(super) cause: String,
    pub(super) kind: Kind,
    pub(super) sub: &'a str,
    /// At least 1.
    pub(super) credits: i64,
    pub(super) reason: &'a str,
    pub(super) trace_id: String,
}

/// What came of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted {
    /// The entry is made.
    Entered,
    /// The cause has its entry already; nothing was changed.
    Known,
    /// The student has too few credits; nothing was changed.
    TooFew,
}

/// An entry as it is shown.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) entry_id: String,
    pub(super) at_ms: i64,
    pub(super) kind: String,
    pub(super) debit_account: String,
    pub(super) credit_account: String,
    pub(super) credits: i64,
    pub(super) reason: String,
    pub(super) trace_id: String,
}

/// The account of a student.
pub(super) fn account(sub: &str) -> String {
    format!("student:{sub}")
}

/// Makes an entry within a transaction, once for its cause, and never below 0.
pub(super) async fn post(tx: &mut Tx, posting: &Posting<'_>, now_ms: i64) -> Result<Posted, DbError> {
    let student = account(posting.sub);
    let known = tx.query("SELECT entry_id FROM ledger_entries WHERE cause = $1", args![&posting.cause]).await?;
    if !known.is_empty() {
        return Ok(Posted::Known);
    }
    let (debit, credit) = match posting.kind {
        Kind::Grant | Kind::Purchase => (ISSUED, student.as_str()),
        Kind::Spend => (student.as_str(), SPENT),
    };
    if posting.kind == Kind::Spend {
        let rows = tx.query(BALANCE, args![&student]).await?;
        if read_balance(rows.first())? < posting.credits {
            return Ok(Posted::TooFew);
        }
    }
    let sql = "INSERT INTO ledger_entries (entry_id, cause, kind, debit_account, credit_account, credits, reason,
               trace_id, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let entry_id = format!("ent_{}", uuid::Uuid::now_v7().simple());
    let values = args![
        entry_id,
        &posting.cause,
        posting.kind.as_str(),
        debit,
        credit,
        posting.credits,
        posting.reason,
        &posting.trace_id,
        now_ms,
    ];
    tx.execute(sql, values).await?;
    Ok(Posted::Entered)
}

const BALANCE: &str = "SELECT CAST(
    (SELECT COALESCE(SUM(credits), 0) FROM ledger_entries WHERE credit_account = $1)
    - (SELECT COALESCE(SUM(credits), 0) FROM ledger_entries WHERE debit_account = $1) AS BIGINT) AS balance";

/// What is on an account.
pub(super) async fn balance(db: &Db, account: &str) -> Result<i64, DbError> {
    read_balance(db.query_one(BALANCE, args![account]).await?.as_ref())
}

/// What is on an account, as this transaction sees it.
pub(super) async fn balance_in(tx: &mut Tx, account: &str) -> Result<i64, DbError> {
    read_balance(tx.query(BALANCE, args![account]).await?.first())
}

fn read_balance(row: Option<&Row>) -> Result<i64, DbError> {
    row.map_or(Ok(0), |row| row.int("balance"))
}

/// The entries of a student, newest first, at most `most`.
pub(super) async fn entries(db: &Db, sub: &str, most: i64) -> Result<Vec<Entry>, DbError> {
    let sql = "SELECT * FROM ledger_entries WHERE debit_account = $1 OR credit_account = $1
               ORDER BY at_ms DESC, entry_id DESC LIMIT $2";
    db.query(sql, args![account(sub), most]).await?.iter().map(read).collect()
}

/// The entries that were made in a trace, oldest first.
pub(super) async fn of_trace(db: &Db, trace_id: &str) -> Result<Vec<Entry>, DbError> {
    let sql = "SELECT * FROM ledger_entries WHERE trace_id = $1 ORDER BY at_ms, entry_id";
    db.query(sql, args![trace_id]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Entry, DbError> {
    Ok(Entry {
        entry_id: row.text("entry_id")?,
        at_ms: row.int("at_ms")?,
        kind: row.text("kind")?,
        debit_account: row.text("debit_account")?,
        credit_account: row.text("credit_account")?,
        credits: row.int("credits")?,
        reason: row.text("reason")?,
        trace_id: row.text("trace_id")?,
    })
}

impl Entry {
    /// What the entry does to the student's balance.
    pub(super) fn change(&self) -> i64 {
        if self.credit_account == SPENT { -self.credits } else { self.credits }
    }

    /// The change with its sign, `+10` or `−1`.
    pub(super) fn signed(&self) -> String {
        let change = self.change();
        if change < 0 { format!("−{}", change.unsigned_abs()) } else { format!("+{change}") }
    }

    /// The day it was made, `2026-03-01`.
    pub(super) fn day(&self) -> String {
        common::clock::rfc3339(self.at_ms).chars().take(10).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
