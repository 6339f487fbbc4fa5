//! Codes and refresh tokens: used once, tied to their client, revoked together when one of them is replayed.

use common::args;
use common::service::{DbError, Row, Tx, Value};

use super::forms::AuthRequest;
use super::secret;
use super::sessions::Session;
use super::state::A1;

/// How long a code may be redeemed.
const CODE_MS: i64 = 60 * 1_000;
/// How long a refresh token may be used.
const REFRESH_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// The scopes there are.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Stores what [`new_code`] made.
pub(super) const INSERT_CODE: &str = "INSERT INTO codes
    (digest, family, client_id, redirect_uri, challenge, sub, scope, nonce, auth_time_s, expires_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Who may have tokens, for what, since when.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) sub: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) auth_time_s: i64,
    family: String,
}

/// A stored code.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) used: bool,
    pub(super) expired: bool,
    digest: String,
}

/// A stored refresh token.
#[derive(Debug)]
pub(super) struct Refresh {
    pub(super) grant: Grant,
    pub(super) spent: bool,
    pub(super) expired: bool,
    digest: String,
}

impl Grant {
    /// True if this scope was granted.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|own| own == scope)
    }

    fn read(row: &Row, nonce: Option<String>) -> Result<Self, DbError> {
        Ok(Self {
            client_id: row.text("client_id")?,
            sub: row.text("sub")?,
            scope: row.text("scope")?,
            auth_time_s: row.int("auth_time_s")?,
            family: row.text("family")?,
            nonce,
        })
    }
}

/// The scopes of a request that there are, in its order.
pub(super) fn granted_scope(asked: &str) -> String {
    asked.split(' ').filter(|scope| SCOPES.contains(scope)).collect::<Vec<_>>().join(" ")
}

/// A fresh code and the values for [`INSERT_CODE`].
pub(super) fn new_code(request: &AuthRequest, session: &Session, now_ms: i64) -> (String, Vec<Value>) {
    let code = secret::random_token();
    let values = args![
        secret::digest(&code),
        uuid::Uuid::now_v7().to_string(),
        &request.client_id,
        &request.redirect_uri,
        &request.challenge,
        &session.sub,
        &request.scope,
        request.nonce.clone(),
        session.auth_time_s,
        now_ms + CODE_MS,
    ];
    (code, values)
}

/// Finds a code.
pub(super) async fn find_code(app: &A1, code: &str) -> Result<Option<Code>, DbError> {
    let digest = secret::digest(code);
    let Some(row) = app.ctx().db.query_one("SELECT * FROM codes WHERE digest = $1", args![&digest]).await? else {
        return Ok(None);
    };
    Ok(Some(Code {
        grant: Grant::read(&row, row.opt_text("nonce")?)?,
        redirect_uri: row.text("redirect_uri")?,
        challenge: row.text("challenge")?,
        used: row.opt_int("used_ms")?.is_some(),
        expired: row.int("expires_ms")? <= app.now_ms(),
        digest,
    }))
}

/// Marks a code as used; false if another request was first.
pub(super) async fn use_code(tx: &mut Tx, code: &Code, now_ms: i64) -> Result<bool, DbError> {
    let sql = "UPDATE codes SET used_ms = $1 WHERE digest = $2 AND used_ms IS NULL";
    Ok(tx.execute(sql, args![now_ms, &code.digest]).await? == 1)
}

/// Finds a refresh token.
pub(super) async fn find_refresh(app: &A1, token: &str) -> Result<Option<Refresh>, DbError> {
    let digest = secret::digest(token);
    let sql = "SELECT * FROM refresh_tokens WHERE digest = $1";
    let Some(row) = app.ctx().db.query_one(sql, args![&digest]).await? else { return Ok(None) };
    Ok(Some(Refresh {
        grant: Grant::read(&row, None)?,
        spent: row.opt_int("used_ms")?.is_some() || row.opt_int("revoked_ms")?.is_some(),
        expired: row.int("expires_ms")? <= app.now_ms(),
        digest,
    }))
}

/// Marks a refresh token as used; false if another request was first.
pub(super) async fn use_refresh(tx: &mut Tx, token: &Refresh, now_ms: i64) -> Result<bool, DbError> {
    let sql = "UPDATE refresh_tokens SET used_ms = $1 WHERE digest = $2 AND used_ms IS NULL AND revoked_ms IS NULL";
    Ok(tx.execute(sql, args![now_ms, &token.digest]).await? == 1)
}

/// Makes the next refresh token of a grant.
pub(super) async fn new_refresh(tx: &mut Tx, grant: &Grant, now_ms: i64) -> Result<String, DbError> {
    let token = secret::random_token();
    let sql = "INSERT INTO refresh_tokens (digest, family, client_id, sub, scope, auth_time_s, expires_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = args![
        secret::digest(&token),
        &grant.family,
        &grant.client_id,
        &grant.sub,
        &grant.scope,
        grant.auth_time_s,
        now_ms + REFRESH_MS,
    ];
    tx.execute(sql, values).await?;
    Ok(token)
}

/// Revokes every refresh token that came from the same sign-in.
pub(super) async fn revoke_family(app: &A1, grant: &Grant) -> Result<(), DbError> {
    let sql = "UPDATE refresh_tokens SET revoked_ms = $1 WHERE family = $2 AND revoked_ms IS NULL";
    app.ctx().db.execute(sql, args![app.now_ms(), &grant.family]).await.map(drop)
}
