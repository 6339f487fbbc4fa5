//! Whose access token this is.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::{IntoResponse, Response};
use common::service::Json;
use serde_json::{Value, json};

use super::oauth_error::OauthError;
use super::state::A1;
use super::{accounts, secret, token};

pub(super) async fn userinfo(State(app): State<A1>, headers: HeaderMap) -> Response {
    match answer(&app, &headers).await {
        Ok(person) => ([(CACHE_CONTROL, "no-store")], Json(person)).into_response(),
        Err(error) => error.answer(&app),
    }
}

async fn answer(app: &A1, headers: &HeaderMap) -> Result<Value, OauthError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let bearer = secret::after_scheme(given, "Bearer").ok_or_else(OauthError::no_token)?;
    let claims = app.keys().await?.open(token::ACCESS_TOKEN, bearer, app.now_ms());
    let now_s = app.now_ms() / 1_000;
    let valid = claims.filter(|claims| claims["exp"].as_i64().is_some_and(|exp| exp > now_s));
    let valid = valid.filter(|claims| claims["iss"] == app.issuer());
    let claims = valid.ok_or_else(|| OauthError::token("the access token is not ours or has expired"))?;
    let has = |scope: &str| claims["scope"].as_str().is_some_and(|all| all.split(' ').any(|one| one == scope));
    if !has("openid") {
        return Err(OauthError::scope("the access token lacks the scope openid: no person signed in for it"));
    }
    let sub = claims["sub"].as_str().unwrap_or_default();
    let account = accounts::find(app, sub).await?;
    let account = account.ok_or_else(|| OauthError::token("the access token belongs to no person"))?;
    let mut answer = json!({ "sub": account.sub });
    if has("profile") {
        answer["name"] = account.name.into();
    }
    if has("email") {
        answer["email"] = account.email.into();
        answer["email_verified"] = false.into();
    }
    Ok(answer)
}
