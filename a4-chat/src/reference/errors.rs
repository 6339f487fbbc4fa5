//! Errors for both kinds of reader: problem documents with OpenAI's `error` member.

use axum::http::StatusCode;
use common::service::Problem;
use serde_json::json;

/// Adds the member that OpenAI's clients look for.
pub(crate) fn shaped(problem: Problem) -> Problem {
    let kind = match problem.status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    };
    let param = problem.members.get("pointer").cloned();
    let error = json!({ "message": problem.detail, "type": kind, "param": param, "code": problem.kind });
    problem.with("error", error)
}

/// 422 at a field, in both forms.
pub(crate) fn invalid(pointer: &str, detail: impl Into<String>) -> Problem {
    shaped(Problem::invalid(pointer, detail))
}
