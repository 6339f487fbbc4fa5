//! The tables of the stand-ins. An object is kept as the JSON that the API answers, beside what it is looked up by.

use common::args;
use common::service::{Db, DbError, Row, Tx, Value as Arg};
use serde_json::Value;

use super::params::Page;
use super::refusal::Refusal;

/// `facet` is what a kind is looked up by (a price's lookup key, an event's type, a line item's session), `due_ms` when
/// it changes by itself (an open session expires), `private` what the API never tells (an endpoint's secret).
pub(in super::super) const TABLES: &str = "CREATE TABLE standin_objects (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, facet TEXT, due_ms BIGINT, private TEXT, body TEXT NOT NULL);
     CREATE INDEX standin_objects_listed ON standin_objects (kind, id);
     CREATE INDEX standin_objects_found ON standin_objects (kind, facet, id);
     CREATE INDEX standin_objects_due ON standin_objects (kind, due_ms);
     CREATE TABLE standin_keys (
        idempotency_key TEXT PRIMARY KEY, request_id TEXT NOT NULL, path TEXT NOT NULL, params TEXT NOT NULL,
        status BIGINT NOT NULL, body TEXT NOT NULL, created_ms BIGINT NOT NULL);
     CREATE TABLE standin_deliveries (
        delivery_id TEXT PRIMARY KEY, event_id TEXT NOT NULL, endpoint_id TEXT NOT NULL, state TEXT NOT NULL,
        attempts BIGINT NOT NULL, awaited BIGINT NOT NULL, due_ms BIGINT NOT NULL, last_outcome TEXT);
     CREATE INDEX standin_deliveries_due ON standin_deliveries (state, due_ms);
     CREATE INDEX standin_deliveries_of ON standin_deliveries (event_id);
     CREATE TABLE standin_contacts (
        contact_id BIGINT PRIMARY KEY, email TEXT NOT NULL UNIQUE, properties TEXT NOT NULL, created_ms BIGINT NOT NULL)";

/// How many rows a list reads at a time.
const BATCH: i64 = 100;

/// An object as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) facet: Option<String>,
    pub(super) due_ms: Option<i64>,
    pub(super) private: Option<String>,
    pub(super) body: Value,
}

impl Kept {
    /// An object that is looked up by nothing but its id.
    pub(super) fn new(body: Value) -> Self {
        let id = body["id"].as_str().unwrap_or("").to_owned();
        Self { id, facet: None, due_ms: None, private: None, body }
    }

    pub(super) fn facet(mut self, facet: impl Into<String>) -> Self {
        self.facet = Some(facet.into());
        self
    }

    /// A text field of the body; empty if it is null or not there.
    pub(super) fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(Value::as_str).unwrap_or("")
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.text("id")?,
            facet: row.opt_text("facet")?,
            due_ms: row.opt_int("due_ms")?,
            private: row.opt_text("private")?,
            body: serde_json::from_str(&row.text("body")?).unwrap_or_default(),
        })
    }
}

/// Keeps a new object, or its new state.
pub(super) async fn put(tx: &mut Tx, kind: &str, kept: &Kept) -> Result<(), DbError> {
    let sql = "INSERT INTO standin_objects (id, kind, facet, due_ms, private, body) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (id) DO UPDATE SET facet = excluded.facet, due_ms = excluded.due_ms,
               private = excluded.private, body = excluded.body";
    let body = kept.body.to_string();
    let values = args![&kept.id, kind, kept.facet.as_ref(), kept.due_ms, kept.private.as_ref(), body];
    tx.execute(sql, values).await.map(drop)
}

const BY_ID: &str = "SELECT id, facet, due_ms, private, body FROM standin_objects WHERE kind = $1 AND id = $2";

/// The object of this id, as a transaction sees it.
pub(super) async fn get(tx: &mut Tx, kind: &str, id: &str) -> Result<Option<Kept>, DbError> {
    tx.query(BY_ID, args![kind, id]).await?.first().map(Kept::read).transpose()
}

/// The object of this id.
pub(super) async fn find(db: &Db, kind: &str, id: &str) -> Result<Option<Kept>, DbError> {
    db.query_one(BY_ID, args![kind, id]).await?.as_ref().map(Kept::read).transpose()
}

/// The newest object that is looked up by `facet`.
pub(super) async fn get_by(tx: &mut Tx, kind: &str, facet: &str) -> Result<Option<Kept>, DbError> {
    let sql = "SELECT id, facet, due_ms, private, body FROM standin_objects WHERE kind = $1 AND facet = $2
               ORDER BY id DESC LIMIT 1";
    tx.query(sql, args![kind, facet]).await?.first().map(Kept::read).transpose()
}

/// Objects whose time has come.
pub(super) async fn due(db: &Db, kind: &str, now_ms: i64) -> Result<Vec<Kept>, DbError> {
    let sql = "SELECT id, facet, due_ms, private, body FROM standin_objects WHERE kind = $1 AND due_ms <= $2 LIMIT $3";
    db.query(sql, args![kind, now_ms, BATCH]).await?.iter().map(Kept::read).collect()
}

/// One page of a list, newest first, and whether there is more in the direction of the walk.
pub(super) async fn list(
    db: &Db,
    kind: &str,
    facet: Option<&str>,
    page: &Page,
    keep: impl Fn(&Value) -> bool,
) -> Result<(Vec<Value>, bool), Refusal> {
    let mut cursor = match page.cursor() {
        Some((param, id)) => match find(db, kind, id).await? {
            Some(_) => Some(id.to_owned()),
            None => return Err(Refusal::no_such(kind, id, param)),
        },
        None => None,
    };
    let (mut found, mut is_more) = (Vec::new(), false);
    'walk: loop {
        let rows = batch(db, kind, facet, cursor.as_deref(), page.is_backward()).await?;
        for kept in &rows {
            if keep(&kept.body) {
                if found.len() == page.limit {
                    is_more = true;
                    break 'walk;
                }
                found.push(kept.body.clone());
            }
        }
        match rows.last() {
            Some(last) => cursor = Some(last.id.clone()),
            None => break,
        }
    }
    if page.is_backward() {
        found.reverse();
    }
    Ok((found, is_more))
}

async fn batch(
    db: &Db,
    kind: &str,
    facet: Option<&str>,
    cursor: Option<&str>,
    is_backward: bool,
) -> Result<Vec<Kept>, DbError> {
    let (compare, order) = if is_backward { (">", "ASC") } else { ("<", "DESC") };
    let mut values: Vec<Arg> = args![kind];
    let mut wheres = String::from("kind = $1");
    for (column, value) in [("facet =", facet), (&*format!("id {compare}"), cursor)] {
        if let Some(value) = value {
            values.push(value.into());
            wheres.push_str(&format!(" AND {column} ${}", values.len()));
        }
    }
    let columns = "id, facet, due_ms, private, body";
    let sql = format!("SELECT {columns} FROM standin_objects WHERE {wheres} ORDER BY id {order} LIMIT {BATCH}");
    db.query(&sql, values).await?.iter().map(Kept::read).collect()
}
