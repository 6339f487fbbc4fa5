//! Whose access token this is.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::response::{IntoResponse, Response};
use common::service::Json;
use serde_json::json;

use super::oauth_error::OauthError;
use super::state::A1;
use super::{accounts, token};

pub(super) async fn userinfo(State(app): State<A1>, headers: HeaderMap) -> Result<Response, OauthError> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
    let bearer = given.strip_prefix("Bearer ").ok_or_else(|| OauthError::token("send an access token as Bearer"))?;
    let claims = app.keys().await?.open(token::ACCESS_TOKEN, bearer);
    let now_s = app.now_ms() / 1_000;
    let valid = claims.filter(|claims| claims["exp"].as_i64().is_some_and(|exp| exp > now_s));
    let valid = valid.filter(|claims| claims["iss"] == app.issuer());
    let claims = valid.ok_or_else(|| OauthError::token("the access token is not ours or has expired"))?;
    let sub = claims["sub"].as_str().unwrap_or_default();
    let Some(account) = accounts::find(&app, sub).await? else {
        return Err(OauthError::token("the access token belongs to no person"));
    };
    let scope = claims["scope"].as_str().unwrap_or_default();
    let mut answer = json!({ "sub": account.sub });
    if scope.split(' ').any(|one| one == "profile") {
        answer["name"] = account.name.into();
    }
    if scope.split(' ').any(|one| one == "email") {
        answer["email"] = account.email.into();
        answer["email_verified"] = false.into();
    }
    Ok(Json(answer).into_response())
}
