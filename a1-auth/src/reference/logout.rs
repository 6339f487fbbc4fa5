//! Signing out: at once if the client shows whom, else after a question.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use common::service::{Form as FormBody, Problem, Query};
use serde::Deserialize;
use url::Url;

use super::state::A1;
use super::{forms, pages, sessions};

#[derive(Debug, Deserialize)]
pub(super) struct LogoutQuery {
    id_token_hint: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    form_nonce: String,
}

/// OpenID Connect RP-Initiated Logout 1.0. An expired ID token is still a good hint.
pub(super) async fn ask(
    State(app): State<A1>,
    headers: HeaderMap,
    Query(query): Query<LogoutQuery>,
) -> Result<Response, Problem> {
    let keys = app.keys().await?;
    let hint = query.id_token_hint.as_deref().and_then(|token| keys.open("JWT", token, app.now_ms()));
    let session = sessions::current(&app, &headers).await?;
    let named = hint.as_ref().and_then(|claims| claims["sub"].as_str());
    let is_theirs = session.as_ref().is_none_or(|session| named == Some(session.sub.as_str()));
    let client = hint.as_ref().and_then(|claims| app.clients().find(claims["aud"].as_str()?));
    let Some(client) = client.filter(|_| is_theirs) else {
        let (form, cookie) = forms::make(&app, &headers, None).await?;
        return Ok(pages::with_cookies(pages::logout(&form), cookie.as_slice()));
    };
    let cookie = sessions::end(&app, &headers).await?;
    let back = query.post_logout_redirect_uri.filter(|uri| client.allows_after_logout(uri));
    let Some(mut back) = back.and_then(|uri| Url::parse(&uri).ok()) else { return Ok(signed_out(cookie)) };
    if let Some(state) = &query.state {
        back.query_pairs_mut().append_pair("state", state);
    }
    Ok(pages::see_other(back.as_str(), &[cookie]))
}

pub(super) async fn confirm(
    State(app): State<A1>,
    headers: HeaderMap,
    FormBody(body): FormBody<Confirmation>,
) -> Result<Response, Problem> {
    if forms::find(&app, &headers, &body.form_nonce).await?.is_err() {
        let text = "This form has expired or was shown in another browser. Please sign out again.";
        return Ok(pages::refusal(&headers, StatusCode::BAD_REQUEST, "form_expired", text));
    }
    Ok(signed_out(sessions::end(&app, &headers).await?))
}

fn signed_out(cookie: String) -> Response {
    let page = pages::message(StatusCode::OK, "You are signed out", "You can close this page.");
    pages::with_cookies(page, &[cookie])
}
