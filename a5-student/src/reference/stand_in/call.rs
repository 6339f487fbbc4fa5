//! A writing request: authenticated, read, in a transaction, and once for its idempotency key.
//!
//! The answer is kept in the transaction of the effect. What fails before it has an effect is not kept, so that the key
//! can be used again for the corrected request.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{DbError, OwnErrorForm, Tx};
use serde_json::{Value, json};

use super::auth;
use super::params::Params;
use super::refusal::Refusal;
use super::state::{StandIn, fresh_id};

/// How long a key is remembered.
const REMEMBERED_MS: i64 = 24 * 60 * 60 * 1_000;
/// The longest key.
const LONGEST_KEY: usize = 255;

/// A request that is being carried out.
pub(super) struct Call {
    pub(super) tx: Tx,
    pub(super) params: Params,
    app: StandIn,
    request_id: String,
    key: Option<Key>,
}

struct Key {
    name: String,
    path: String,
    params: String,
}

impl FromRequest<StandIn> for Call {
    /// A refusal, or the answer that the key was given before.
    type Rejection = Response;

    async fn from_request(request: Request, app: &StandIn) -> Result<Self, Response> {
        begin(request, app).await.unwrap_or_else(|refusal| Err(refusal.into_response()))
    }
}

async fn begin(request: Request, app: &StandIn) -> Result<Result<Call, Response>, Refusal> {
    auth::check(app, request.headers())?;
    let path = request.uri().path().to_owned();
    let name = idempotency_key(request.headers())?;
    let params = Params::parse(&form_of(request).await?)?;
    let key = name.map(|name| Key { name, path, params: params.tree().to_string() });
    let mut tx = app.db().begin().await?;
    if let Some(key) = &key
        && let Some(known) = answered(&mut tx, key, app.now_ms()).await?
    {
        return Ok(Err(known));
    }
    Ok(Ok(Call { tx, params, app: app.clone(), request_id: fresh_id("req"), key }))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let name = value.to_str().unwrap_or("");
    if name.is_empty() || name.len() > LONGEST_KEY {
        return Err(Refusal::key_reused(format!("Idempotency-Key takes 1 to {LONGEST_KEY} printable characters.")));
    }
    Ok(Some(name.to_owned()))
}

async fn form_of(request: Request) -> Result<String, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_form = kind.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded");
    let body = Bytes::from_request(request, &()).await.map_err(|_| Refusal::malformed("The body broke off."))?;
    if !body.is_empty() && !is_form {
        let message = "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
        return Err(Refusal::malformed(message));
    }
    String::from_utf8(body.into()).map_err(|_| Refusal::malformed("The form is not UTF-8."))
}

/// What the key was answered, if it was; a refusal if it was used for something else.
async fn answered(tx: &mut Tx, key: &Key, now_ms: i64) -> Result<Option<Response>, Refusal> {
    let sql = "SELECT request_id, path, params, status, body FROM standin_keys
               WHERE idempotency_key = $1 AND created_ms > $2";
    let rows = tx.query(sql, args![&key.name, now_ms - REMEMBERED_MS]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (path, name) = (row.text("path")?, &key.name);
    if path != key.path {
        let message = format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for ('{}' vs \
             '{path}'). Try using a key other than '{name}' if you meant to execute a different request.",
            key.path
        );
        return Err(Refusal::key_reused(message));
    }
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    if parsed(&row.text("params")?) != parsed(&key.params) {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{name}' if you meant to execute a different request."
        );
        return Err(Refusal::key_reused(message));
    }
    let status = u16::try_from(row.int("status")?).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let original = row.text("request_id")?;
    let mut response = respond(status.unwrap_or(StatusCode::OK), &parsed(&row.text("body")?), &fresh_id("req"));
    set(&mut response, "idempotent-replayed", "true");
    set(&mut response, "original-request", &original);
    set(&mut response, "idempotency-key", name);
    Ok(Some(response))
}

impl Call {
    /// What an event says of the request that it follows from.
    pub(super) fn origin(&self) -> Value {
        json!({ "id": self.request_id, "idempotency_key": self.key.as_ref().map(|key| key.name.as_str()) })
    }

    /// Makes it happen, and answers with the object.
    pub(super) async fn answer(self, object: &Value) -> Result<Response, Refusal> {
        self.finish(StatusCode::OK, object).await
    }

    /// Makes happen what a refusal leaves behind, and answers with it: the key now belongs to this refusal.
    pub(super) async fn refuse(self, refusal: &Refusal) -> Result<Response, Refusal> {
        self.finish(refusal.status, &refusal.body()).await
    }

    async fn finish(mut self, status: StatusCode, body: &Value) -> Result<Response, Refusal> {
        let mut response = respond(status, body, &self.request_id);
        if let Some(key) = &self.key {
            set(&mut response, "idempotency-key", &key.name);
            keep(&mut self.tx, key, &self.request_id, status, body, self.app.now_ms()).await?;
        }
        self.tx.commit().await?;
        self.app.wake();
        Ok(response)
    }
}

async fn keep(
    tx: &mut Tx,
    key: &Key,
    request_id: &str,
    status: StatusCode,
    body: &Value,
    now_ms: i64,
) -> Result<(), DbError> {
    tx.execute("DELETE FROM standin_keys WHERE idempotency_key = $1", args![&key.name]).await?;
    let sql = "INSERT INTO standin_keys (idempotency_key, request_id, path, params, status, body, created_ms)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let status = i64::from(status.as_u16());
    let values = args![&key.name, request_id, &key.path, &key.params, status, body.to_string(), now_ms];
    tx.execute(sql, values).await.map(drop)
}

/// Forgets keys whose time is over.
pub(super) async fn forget_keys(app: &StandIn) -> Result<(), DbError> {
    let sql = "DELETE FROM standin_keys WHERE created_ms <= $1";
    app.db().execute(sql, args![app.now_ms() - REMEMBERED_MS]).await.map(drop)
}

/// An answer to a reading request.
pub(super) fn told(object: &Value) -> Response {
    respond(StatusCode::OK, object, &fresh_id("req"))
}

fn respond(status: StatusCode, body: &Value, request_id: &str) -> Response {
    let mut response = (status, Json(body)).into_response();
    set(&mut response, "request-id", request_id);
    set(&mut response, "stripe-version", super::events::API_VERSION);
    response.extensions_mut().insert(OwnErrorForm);
    response
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
