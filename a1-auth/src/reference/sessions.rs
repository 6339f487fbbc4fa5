//! Sessions at the provider, and its cookies.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use common::args;
use common::service::{DbError, Defect, Tx};

use super::secret;
use super::state::A1;

/// How long a session lasts; the cookie says the same.
pub(super) const SESSION_S: i64 = 8 * 60 * 60;
/// The session's cookie.
const SESSION_COOKIE: &str = "a1_session";
/// The cookie that ties a form to the browser it was shown in.
pub(super) const BROWSER_COOKIE: &str = "a1_browser";

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) sub: String,
    /// When the password was given, in seconds since the Unix epoch.
    pub(super) auth_time_s: i64,
}

/// Reads a cookie of a request.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
}

/// The session of a request, if it has one that has not ended.
pub(super) async fn current(app: &A1, headers: &HeaderMap) -> Result<Option<Session>, DbError> {
    let Some(token) = cookie(headers, SESSION_COOKIE) else { return Ok(None) };
    let sql = "SELECT sub, auth_time_s FROM sessions WHERE digest = $1 AND expires_ms > $2";
    let row = app.ctx().db.query_one(sql, args![secret::digest(&token), app.now_ms()]).await?;
    row.map(|row| Ok(Session { sub: row.text("sub")?, auth_time_s: row.int("auth_time_s")? })).transpose()
}

/// Begins a session and gives its `Set-Cookie` line.
pub(super) async fn begin(app: &A1, tx: &mut Tx, sub: &str) -> Result<(Session, String), DbError> {
    let token = secret::random_token();
    let now = app.now_ms();
    let session = Session { sub: sub.to_owned(), auth_time_s: now / 1_000 };
    let sql = "INSERT INTO sessions (digest, sub, auth_time_s, expires_ms) VALUES ($1, $2, $3, $4)";
    let values = args![secret::digest(&token), sub, session.auth_time_s, now + SESSION_S * 1_000];
    tx.execute(sql, values).await?;
    Ok((session, set_cookie(app, SESSION_COOKIE, &token, SESSION_S)))
}

/// Ends the session of a request, if any, and gives the line that removes its cookie.
pub(super) async fn end(app: &A1, headers: &HeaderMap) -> Result<String, DbError> {
    if let Some(token) = cookie(headers, SESSION_COOKIE)
        && !app.ctx().has(Defect::A1LogoutKeepsSession)
    {
        app.ctx().db.execute("DELETE FROM sessions WHERE digest = $1", args![secret::digest(&token)]).await?;
    }
    Ok(set_cookie(app, SESSION_COOKIE, "", 0))
}

/// A `Set-Cookie` line with the attributes that all cookies of the provider have. `SameSite=None`, because apps on
/// other sites send people here.
pub(super) fn set_cookie(app: &A1, name: &str, value: &str, max_age_s: i64) -> String {
    let domain = app.ctx().config.options.get("cookie_domain");
    let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    let lax = name == SESSION_COOKIE && app.ctx().has(Defect::A1CookieSameSiteLax);
    let same_site = if lax { "Lax" } else { "None" };
    format!("{name}={value}; Path=/; Max-Age={max_age_s}; Secure; HttpOnly; SameSite={same_site}{domain}")
}
