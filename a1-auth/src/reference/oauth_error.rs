//! Errors in the form that OAuth clients read (RFC 6749, 5.2; RFC 6750, 3): `error` and `error_description` as JSON.

use axum::http::header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use common::service::{DbError, Defect, Json, OwnErrorForm, Problem};
use serde_json::json;

use super::state::A1;

/// A refusal of the token or userinfo endpoint.
#[derive(Debug)]
pub(super) struct OauthError {
    status: StatusCode,
    code: &'static str,
    why: String,
    /// How to prove oneself, for `WWW-Authenticate`.
    challenge: Option<String>,
    retry_after_s: Option<u32>,
}

impl OauthError {
    fn new(status: StatusCode, code: &'static str, why: &str) -> Self {
        Self { status, code, why: printable(why), challenge: None, retry_after_s: None }
    }

    /// 400 with one of the codes of RFC 6749.
    pub(super) fn bad(code: &'static str, why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, why)
    }

    /// 400: the code or token is not good (any more).
    pub(super) fn grant(why: &str) -> Self {
        Self::bad("invalid_grant", why)
    }

    /// 401: the client did not prove who it is.
    pub(super) fn client(why: &str) -> Self {
        let challenge = Some("Basic realm=\"token\"".to_owned());
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, "invalid_client", why) }
    }

    /// 401: there is no bearer token. The challenge names no error then (RFC 6750, 3.1).
    pub(super) fn no_token() -> Self {
        let why = "send an access token as Bearer";
        let challenge = Some("Bearer realm=\"userinfo\"".to_owned());
        Self { challenge, ..Self::new(StatusCode::UNAUTHORIZED, "invalid_token", why) }
    }

    /// 401: the bearer token is not good.
    pub(super) fn token(why: &str) -> Self {
        Self::bearer(StatusCode::UNAUTHORIZED, "invalid_token", why)
    }

    /// 403: the bearer token is good, but not for this.
    pub(super) fn scope(why: &str) -> Self {
        Self::bearer(StatusCode::FORBIDDEN, "insufficient_scope", why)
    }

    fn bearer(status: StatusCode, code: &'static str, why: &str) -> Self {
        let error = Self::new(status, code, why);
        let challenge = format!("Bearer realm=\"userinfo\", error=\"{code}\", error_description=\"{}\"", error.why);
        Self { challenge: Some(challenge), ..error }
    }

    /// The answer of this provider; a defect sends it as a problem document.
    pub(super) fn answer(self, app: &A1) -> Response {
        let mut response = self.into_response();
        if app.ctx().has(Defect::A1ErrorsAsProblems) {
            response.extensions_mut().remove::<OwnErrorForm>();
        }
        response
    }
}

/// The characters that `error_description` may have; a quotation mark becomes an apostrophe (RFC 6749, 5.2).
fn printable(text: &str) -> String {
    let fit = |c: char| match c {
        '"' => '\'',
        '\\' => '/',
        ' '..='~' => c,
        _ => '?',
    };
    text.chars().map(fit).collect()
}

/// What the kit refuses, in OAuth's words.
impl From<Problem> for OauthError {
    fn from(problem: Problem) -> Self {
        let code = match problem.status {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request",
        };
        Self { retry_after_s: problem.retry_after_s, ..Self::new(problem.status, code, &problem.detail) }
    }
}

impl From<DbError> for OauthError {
    fn from(error: DbError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": self.why });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(OwnErrorForm);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_only_characters_that_the_standard_allows() {
        assert_eq!(printable("no \"x\" in C:\\ for Zoë\n"), "no 'x' in C:/ for Zo??");
    }

    #[test]
    fn what_the_kit_refuses_is_the_requests_fault_or_passes() {
        let code = |problem: Problem| OauthError::from(problem).code;
        assert_eq!(code(Problem::malformed("half a form")), "invalid_request");
        assert_eq!(code(Problem::unavailable("the storage is gone")), "temporarily_unavailable");
        assert_eq!(code(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it failed")), "server_error");
    }
}
