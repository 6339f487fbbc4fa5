//! Refusals in Stripe's form: `{"error": {type, code, message, param}}`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::service::{DbError, OwnErrorForm};
use serde_json::{Value, json};

use super::state::fresh_id;

/// Why a request is not carried out.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    kind: &'static str,
    code: Option<&'static str>,
    pub(super) message: String,
    param: Option<String>,
    decline_code: Option<&'static str>,
    payment_intent: Option<Box<Value>>,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, kind, code: None, message, param: None, decline_code: None, payment_intent: None }
    }

    /// 400: a parameter makes no sense.
    pub(super) fn invalid(code: &'static str, message: impl Into<String>, param: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        Self { code: Some(code), param: Some(param.into()), ..refusal }
    }

    /// 400: a parameter makes no sense, in a way for which Stripe has no code.
    pub(super) fn senseless(message: impl Into<String>, param: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message);
        Self { param: Some(param.into()), ..refusal }
    }

    /// 400: the request as a whole cannot be read or is not possible now.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// There is no such object: 404 where the path names it (`param` is `id`), 400 where a parameter does.
    pub(super) fn no_such(kind: &str, id: &str, param: &str) -> Self {
        let status = if param == "id" { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        let refusal = Self::invalid("resource_missing", format!("No such {kind}: '{id}'"), param);
        Self { status, ..refusal }
    }

    /// 404: there is no such route.
    pub(super) fn no_route(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}). The stand-in knows only what A5 needs.");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    /// 401: the key is missing or not the test key.
    pub(super) fn unknown_key(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// 400: the idempotency key belongs to another request.
    pub(super) fn key_reused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    /// 402: the card is declined.
    pub(super) fn card(code: &'static str, decline_code: Option<&'static str>, message: &str) -> Self {
        let refusal = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message);
        Self { code: Some(code), decline_code, ..refusal }
    }

    /// Adds the payment that failed.
    pub(super) fn of_payment(self, intent: &Value) -> Self {
        Self { payment_intent: Some(Box::new(intent.clone())), ..self }
    }

    /// The error as JSON, without the payment it belongs to.
    pub(super) fn error(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        let members = [("code", self.code), ("param", self.param.as_deref()), ("decline_code", self.decline_code)];
        for (name, value) in members {
            if let Some(value) = value {
                error[name] = value.into();
            }
        }
        if let Some(code) = self.code {
            error["doc_url"] = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")).into();
        }
        error
    }

    /// The body of the answer.
    pub(super) fn body(&self) -> Value {
        let mut error = self.error();
        if let Some(intent) = &self.payment_intent {
            error["payment_intent"] = (**intent).clone();
        }
        json!({ "error": error })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body())).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"Stripe\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Ok(id) = HeaderValue::from_str(&fresh_id("req")) {
            response.headers_mut().insert("request-id", id);
        }
        response.extensions_mut().insert(OwnErrorForm);
        response
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "the stand-in cannot reach its storage");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "the stand-in cannot reach its storage: try again")
    }
}
