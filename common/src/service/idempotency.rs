//! One effect for one key, across retries, races and crashes.
//!
//! The answer to a hardened request is stored in the same transaction as its effect. So a crash leaves either both or
//! neither, and a retry either gets the stored answer or starts afresh.

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::{Db, DbError, Problem, RequestContext, Tx};
use crate::args;
use crate::telemetry::DEDUP_WINDOW_MS;

/// SHA-256 of some bytes, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The transaction of one mutating request: begun at first use, committed by the protocol layer if the answer is a
/// success, rolled back if not. Do not begin another transaction on the same database while it is open.
#[derive(Debug, Clone)]
pub struct Unit {
    db: Db,
    tx: Arc<tokio::sync::Mutex<Option<Tx>>>,
}

/// The open transaction of a [`Unit`].
#[derive(Debug)]
pub struct UnitTx(OwnedMutexGuard<Option<Tx>>);

impl Deref for UnitTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        self.0.as_ref().expect("a unit's guard is only made with its transaction open")
    }
}

impl DerefMut for UnitTx {
    fn deref_mut(&mut self) -> &mut Tx {
        self.0.as_mut().expect("a unit's guard is only made with its transaction open")
    }
}

impl Unit {
    pub(crate) fn new(db: Db) -> Self {
        Self { db, tx: Arc::default() }
    }

    /// The request's transaction; the first call begins it.
    ///
    /// # Errors
    /// When the database gives none.
    pub async fn tx(&self) -> Result<UnitTx, DbError> {
        let mut guard = Arc::clone(&self.tx).lock_owned().await;
        if guard.is_none() {
            *guard = Some(self.db.begin().await?);
        }
        Ok(UnitTx(guard))
    }

    /// Commits what was begun; nothing was begun, nothing happens.
    pub(crate) async fn commit(&self) -> Result<(), DbError> {
        let begun = self.tx.lock().await.take();
        match begun {
            Some(tx) => tx.commit().await,
            None => Ok(()),
        }
    }

    /// Drops what was begun.
    pub(crate) async fn roll_back(&self) {
        drop(self.tx.lock().await.take());
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Unit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unavailable("this route has no transaction"))
    }
}

/// The name of one effect: tenant, route and key, with the digest of the body that asked for it.
#[derive(Debug, Clone)]
pub(crate) struct EffectKey {
    pub(crate) scope: String,
    pub(crate) key: String,
    pub(crate) body_digest: String,
}

impl EffectKey {
    pub(crate) fn new(context: &RequestContext, path: &str, key: &str, body: &[u8]) -> Self {
        let scope = format!("{} {} {}", context.tenant, context.method, path);
        Self { scope, key: key.to_owned(), body_digest: digest(body) }
    }
}

/// A stored answer.
#[derive(Debug, Clone)]
pub(crate) struct StoredAnswer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

/// What the store knows of a key.
#[derive(Debug)]
pub(crate) enum Known {
    /// Nothing, or something older than the window.
    Nothing,
    /// The same request was answered.
    Answered(StoredAnswer),
    /// The key was used for another body.
    OtherBody,
}

/// Looks a key up.
pub(crate) async fn look_up(db: &Db, effect: &EffectKey, now_ms: i64) -> Result<Known, DbError> {
    let sql = "SELECT body_digest, status, content_type, body FROM idempotency
               WHERE scope = $1 AND idempotency_key = $2 AND created_ms > $3";
    let row = db.query_one(sql, args![&effect.scope, &effect.key, now_ms - DEDUP_WINDOW_MS]).await?;
    let Some(row) = row else { return Ok(Known::Nothing) };
    if row.text("body_digest")? != effect.body_digest {
        return Ok(Known::OtherBody);
    }
    let status = u16::try_from(row.int("status")?).unwrap_or(200);
    Ok(Known::Answered(StoredAnswer { status, content_type: row.text("content_type")?, body: row.text("body")? }))
}

/// Stores an answer in the effect's own transaction.
pub(crate) async fn store(unit: &Unit, effect: &EffectKey, answer: &StoredAnswer, now_ms: i64) -> Result<(), DbError> {
    let sql = "INSERT INTO idempotency (scope, idempotency_key, body_digest, status, content_type, body, created_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7)
               ON CONFLICT (scope, idempotency_key) DO UPDATE SET body_digest = excluded.body_digest,
               status = excluded.status, content_type = excluded.content_type, body = excluded.body,
               created_ms = excluded.created_ms";
    let values = args![
        &effect.scope,
        &effect.key,
        &effect.body_digest,
        i64::from(answer.status),
        &answer.content_type,
        &answer.body,
        now_ms,
    ];
    unit.tx().await?.execute(sql, values).await.map(drop)
}

/// Forgets keys older than the window.
pub(crate) async fn forget_old(db: &Db, now_ms: i64) -> Result<u64, DbError> {
    db.execute("DELETE FROM idempotency WHERE created_ms <= $1", args![now_ms - DEDUP_WINDOW_MS]).await
}

/// Keys whose effect is under way in this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeSet<(String, String)>>>);

/// Holds a key until dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    of: InFlight,
    entry: (String, String),
}

impl InFlight {
    /// Claims a key; `None` if somebody holds it.
    pub(crate) fn claim(&self, effect: &EffectKey) -> Option<Claim> {
        let entry = (effect.scope.clone(), effect.key.clone());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(entry.clone()).then(|| Claim { of: self.clone(), entry })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}
