//! Storage behind one small face: the same SQL text (`$1` placeholders; TEXT, BIGINT and DOUBLE PRECISION columns)
//! on whatever database the app was given. Writers queue for one connection; readers have a pool of their own.

use std::path::Path;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row as _, Sqlite, SqlitePool as Pool, Transaction};

/// A value bound to a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// TEXT.
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Makes the list of values for a query: `args![id, amount_minor, "USD"]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::service::Value::from($value)),*] };
}

/// One row of an answer; columns are read by name.
#[derive(Debug)]
pub struct Row(SqliteRow);

impl Row {
    /// Reads a BIGINT.
    ///
    /// # Errors
    /// When there is no such column or it is no integer.
    pub fn int(&self, column: &str) -> Result<i64, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }

    /// Reads a DOUBLE PRECISION.
    ///
    /// # Errors
    /// When there is no such column or it is no number.
    pub fn real(&self, column: &str) -> Result<f64, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }

    /// Reads a TEXT.
    ///
    /// # Errors
    /// When there is no such column or it is no text.
    pub fn text(&self, column: &str) -> Result<String, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }

    /// Reads a TEXT that may be NULL.
    ///
    /// # Errors
    /// When there is no such column or it is no text.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }

    /// Reads a BIGINT that may be NULL.
    ///
    /// # Errors
    /// When there is no such column or it is no integer.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, DbError> {
        self.0.try_get(column).map_err(DbError::from)
    }
}

/// Something the database refused or could not do.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The driver's own words.
    #[error("the database failed: {0}")]
    Driver(#[from] sqlx::Error),
    /// The data directory cannot be used.
    #[error("cannot use the data directory {path}: {source}")]
    DataDir {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl DbError {
    /// True if a UNIQUE or PRIMARY KEY constraint refused the row.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Driver(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}

/// A database of one app.
#[derive(Debug, Clone)]
pub struct Db {
    write: SqlitePool,
    read: SqlitePool,
}

impl Db {
    /// Opens (and makes) the SQLite database `<dir>/<name>.sqlite` and runs the migrations that it has not seen.
    ///
    /// # Errors
    /// When the directory cannot be made, the file is no database, or a migration fails.
    pub async fn open(dir: &Path, name: &str, migrations: &[&str]) -> Result<Self, DbError> {
        std::fs::create_dir_all(dir).map_err(|source| DbError::DataDir { path: dir.display().to_string(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(dir.join(format!("{name}.sqlite")))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "memory")
            .pragma("mmap_size", "268435456");
        let pool = |size| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .min_connections(1)
                .test_before_acquire(false)
                .acquire_timeout(Duration::from_secs(10))
        };
        let write = pool(1).connect_with(options.clone()).await?;
        let db = Self { read: pool(4).connect_with(options).await?, write };
        db.migrate(migrations).await?;
        Ok(db)
    }

    async fn migrate(&self, migrations: &[&str]) -> Result<(), DbError> {
        let mut tx = self.begin().await?;
        tx.execute("CREATE TABLE IF NOT EXISTS migrations (digest TEXT PRIMARY KEY)", vec![]).await?;
        for script in KIT_TABLES.iter().chain(migrations) {
            let digest = crate::service::idempotency::digest(script.as_bytes());
            let seen = tx.query("SELECT digest FROM migrations WHERE digest = $1", args![&digest]).await?;
            if seen.is_empty() {
                for statement in script.split(';').map(str::trim).filter(|s| !s.is_empty()) {
                    tx.execute(statement, vec![]).await?;
                }
                tx.execute("INSERT INTO migrations (digest) VALUES ($1)", args![&digest]).await?;
            }
        }
        tx.commit().await
    }

    /// Runs a query on a reader.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let rows = bind(sql, values).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Runs a query on a reader and takes its first row.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn query_one(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, DbError> {
        Ok(bind(sql, values).fetch_optional(&self.read).await?.map(Row))
    }

    /// Begins a transaction on the writer; it waits its turn, first come first served.
    ///
    /// # Errors
    /// When no writer is free within ten seconds.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(Tx(Pool::begin_with(&self.write, "BEGIN IMMEDIATE").await?))
    }

    /// Runs one statement in a transaction of its own and tells how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, DbError> {
        let done = bind(sql, values).execute(&self.write).await?;
        Ok(done.rows_affected())
    }

    /// Closes all connections; used before a data directory is removed.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A transaction; dropped without [`Tx::commit`], nothing of it has happened.
#[derive(Debug)]
pub struct Tx(Transaction<'static, Sqlite>);

impl Tx {
    /// Runs one statement and tells how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DbError> {
        Ok(bind(sql, values).execute(&mut *self.0).await?.rows_affected())
    }

    /// Runs a query and sees what this transaction wrote.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn query(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let rows = bind(sql, values).fetch_all(&mut *self.0).await?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// Makes it happen.
    ///
    /// # Errors
    /// When the database cannot commit; then nothing has happened.
    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.0.commit().await?)
    }
}

/// From so many values on, placeholders without a number pay off.
const MANY: usize = 32;

fn bind(sql: &str, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let sql = if values.len() < MANY { None } else { unnumbered(sql) }.unwrap_or_else(|| sql.to_owned());
    let query = sqlx::query(AssertSqlSafe(sql));
    values.into_iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Int(value) => query.bind(value),
        Value::Real(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
    })
}

/// The statement with `?` for `$1`, `$2` and so on; `None` unless each occurs once and in order. SQLite searches the
/// list of all names for each value that is bound to a name, which takes the square of their number.
fn unnumbered(sql: &str) -> Option<String> {
    let mut plain = String::with_capacity(sql.len());
    let mut is_quoted = false;
    let mut number = 0_usize;
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'']) {
        let (before, mark) = rest.split_at(at);
        plain.push_str(before);
        rest = &mark[1..];
        if mark.starts_with('\'') {
            is_quoted = !is_quoted;
            plain.push('\'');
        } else if is_quoted {
            plain.push('$');
        } else {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (given, after) = rest.split_at(digits);
            number += 1;
            if given.parse() != Ok(number) {
                return None;
            }
            plain.push('?');
            rest = after;
        }
    }
    plain.push_str(rest);
    Some(plain)
}

/// Tables of the kit itself, in every app's database.
const KIT_TABLES: &[&str] = &[
    "CREATE TABLE idempotency (
        scope TEXT NOT NULL, idempotency_key TEXT NOT NULL, body_digest TEXT NOT NULL, status BIGINT NOT NULL,
        content_type TEXT NOT NULL, body TEXT NOT NULL, created_ms BIGINT NOT NULL, PRIMARY KEY (scope, idempotency_key));
     CREATE INDEX idempotency_created ON idempotency (created_ms)",
    "CREATE TABLE outbox (event_id TEXT PRIMARY KEY, body TEXT NOT NULL);
     CREATE TABLE outbox_rejected (event_id TEXT PRIMARY KEY, body TEXT NOT NULL, reason TEXT NOT NULL)",
    "CREATE TABLE flags (name TEXT PRIMARY KEY, enabled BIGINT NOT NULL);
     CREATE TABLE flag_audit (at_ms BIGINT NOT NULL, name TEXT NOT NULL, enabled BIGINT NOT NULL, trace_id TEXT NOT NULL)",
];

#[cfg(test)]
mod tests {
    use super::*;

    const ITEMS: &[&str] = &["CREATE TABLE items (id TEXT PRIMARY KEY, n BIGINT, x DOUBLE PRECISION)"];

    #[tokio::test]
    async fn what_is_committed_is_there_after_reopening_and_what_is_dropped_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), "t", ITEMS).await.unwrap();
        let mut kept = db.begin().await.unwrap();
        kept.execute("INSERT INTO items (id, n, x) VALUES ($1, $2, $3)", args!["a", 1_i64, 0.5]).await.unwrap();
        kept.commit().await.unwrap();
        let mut dropped = db.begin().await.unwrap();
        dropped.execute("INSERT INTO items (id) VALUES ($1)", args!["b"]).await.unwrap();
        drop(dropped);
        db.close().await;

        let db = Db::open(dir.path(), "t", ITEMS).await.unwrap();
        let rows = db.query("SELECT id, n, x FROM items", vec![]).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].text("id").unwrap().as_str(), rows[0].int("n").unwrap()), ("a", 1));
    }

    #[test]
    fn placeholders_lose_their_numbers_only_if_each_occurs_once_and_in_order() {
        assert_eq!(
            unnumbered("a = $1 AND b = '$9' AND c IN ($2, $3)").as_deref(),
            Some("a = ? AND b = '$9' AND c IN (?, ?)")
        );
        assert_eq!(unnumbered("a = $2 AND b = $1"), None);
        assert_eq!(unnumbered("a = $1 OR b = $1"), None);
    }

    #[tokio::test]
    async fn many_values_end_up_where_their_numbers_say() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), "t", ITEMS).await.unwrap();
        let rows: Vec<_> = (0..50).map(|row| format!("(${}, ${})", row * 2 + 1, row * 2 + 2)).collect();
        let values = (0..50_i64).flat_map(|row| args![format!("{row:02}"), row]).collect();
        db.execute(&format!("INSERT INTO items (id, n) VALUES {}", rows.join(", ")), values).await.unwrap();
        let rows = db.query("SELECT id, n FROM items ORDER BY id", vec![]).await.unwrap();
        let read: Vec<_> = rows.iter().map(|row| (row.text("id").unwrap(), row.int("n").unwrap())).collect();
        assert_eq!(read, (0..50).map(|row| (format!("{row:02}"), row)).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_second_row_with_the_same_key_is_told_apart_from_other_errors() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(dir.path(), "t", ITEMS).await.unwrap();
        let insert = "INSERT INTO items (id) VALUES ($1)";
        db.execute(insert, args!["a"]).await.unwrap();
        assert!(db.execute(insert, args!["a"]).await.unwrap_err().is_unique_violation());
        assert!(!db.execute("INSERT INTO nowhere VALUES (1)", vec![]).await.unwrap_err().is_unique_violation());
    }
}
