//! Forms that work once, in the browser they were shown in, and remember why they were shown.

use axum::http::HeaderMap;
use common::args;
use common::service::{DbError, Defect, Tx};
use serde::{Deserialize, Serialize};

use super::secret;
use super::sessions::{self, BROWSER_COOKIE};
use super::state::A1;

/// How long a form may be filled in.
const FORM_MS: i64 = 30 * 60 * 1_000;
/// How long the browser's cookie lasts, in seconds.
const BROWSER_S: i64 = 24 * 60 * 60;

/// A checked request of a client to sign somebody in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AuthRequest {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) scope: String,
}

/// A form on its way to a person, or back.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) nonce: String,
    /// The request to go on with; `None` if the person came by herself.
    pub(super) request: Option<AuthRequest>,
}

/// Why a form is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormRefusal {
    /// Never shown, sent before, or too old.
    Unknown,
    /// Shown in another browser.
    OtherBrowser,
}

/// Makes a form for this browser; the line sets the browser's cookie if it has none.
pub(super) async fn make(
    app: &A1,
    headers: &HeaderMap,
    request: Option<AuthRequest>,
) -> Result<(Form, Option<String>), DbError> {
    let known = sessions::cookie(headers, BROWSER_COOKIE).filter(|value| value.len() >= 32);
    let browser = known.clone().unwrap_or_else(secret::random_token);
    let form = Form { nonce: secret::random_token(), request };
    let text = serde_json::to_string(&form.request).unwrap_or_default();
    let sql = "INSERT INTO forms (nonce, browser_digest, request, expires_ms) VALUES ($1, $2, $3, $4)";
    let values = args![&form.nonce, secret::digest(&browser), text, app.now_ms() + FORM_MS];
    app.ctx().db.execute(sql, values).await?;
    let line = known.is_none().then(|| sessions::set_cookie(app, BROWSER_COOKIE, &browser, BROWSER_S));
    Ok((form, line))
}

/// Finds a form that came back.
pub(super) async fn find(app: &A1, headers: &HeaderMap, nonce: &str) -> Result<Result<Form, FormRefusal>, DbError> {
    let sql = "SELECT browser_digest, request FROM forms WHERE nonce = $1 AND expires_ms > $2";
    let Some(row) = app.ctx().db.query_one(sql, args![nonce, app.now_ms()]).await? else {
        return Ok(Err(FormRefusal::Unknown));
    };
    let browser = sessions::cookie(headers, BROWSER_COOKIE).unwrap_or_default();
    let own = row.text("browser_digest")? == secret::digest(&browser);
    if !own && !app.ctx().has(Defect::A1FormsUntied) {
        return Ok(Err(FormRefusal::OtherBrowser));
    }
    let request = serde_json::from_str(&row.text("request")?).unwrap_or(None);
    Ok(Ok(Form { nonce: nonce.to_owned(), request }))
}

/// Uses a form up; false if somebody else has.
pub(super) async fn use_up(tx: &mut Tx, form: &Form) -> Result<bool, DbError> {
    Ok(tx.execute("DELETE FROM forms WHERE nonce = $1", args![&form.nonce]).await? == 1)
}
