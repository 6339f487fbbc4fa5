//! Errors as OAuth clients read them (RFC 6749, 5.2): `error` and `error_description`, as members of a problem document.

use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::service::{DbError, Problem};

/// A refusal of the token or userinfo endpoint.
#[derive(Debug)]
pub(super) struct OauthError {
    problem: Problem,
    challenge: Option<&'static str>,
}

impl OauthError {
    fn new(status: StatusCode, code: &str, why: &str) -> Self {
        let problem = Problem::new(status, &code.replace('_', "-"), why);
        let problem = problem.with("error", code.into()).with("error_description", why.into());
        Self { problem, challenge: None }
    }

    /// 400 with one of the codes of RFC 6749.
    pub(super) fn bad(code: &str, why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, why)
    }

    /// 400: the code or token is not good (any more).
    pub(super) fn grant(why: &str) -> Self {
        Self::bad("invalid_grant", why)
    }

    /// 401: the client did not prove who it is.
    pub(super) fn client(why: &str) -> Self {
        Self { challenge: Some("Basic realm=\"token\""), ..Self::new(StatusCode::UNAUTHORIZED, "invalid_client", why) }
    }

    /// 401: the bearer token is missing or not good.
    pub(super) fn token(why: &str) -> Self {
        let challenge = Some("Bearer error=\"invalid_token\"");
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", why) }
    }
}

impl From<Problem> for OauthError {
    fn from(problem: Problem) -> Self {
        let problem = problem.with("error", "temporarily_unavailable".into());
        Self { problem, challenge: None }
    }
}

impl From<DbError> for OauthError {
    fn from(error: DbError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
