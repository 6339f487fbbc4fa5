//! What clients read first: where everything is, and the keys.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use common::service::{Defect, Json, Problem};
use serde_json::json;

use super::keys::Key;
use super::state::A1;

/// OpenID Connect Discovery 1.0, section 3.
pub(super) async fn configuration(State(app): State<A1>) -> Response {
    let issuer = app.issuer();
    let at = |path: &str| format!("{issuer}{path}");
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("/oidc/auth"),
        "token_endpoint": at("/oidc/token"),
        "userinfo_endpoint": at("/oidc/userinfo"),
        "jwks_uri": at("/oidc/jwks"),
        "end_session_endpoint": at("/oidc/logout"),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "name", "email", "email_verified"],
        "prompt_values_supported": ["none", "login", "create"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    ([(CACHE_CONTROL, "public, max-age=300")], Json(document)).into_response()
}

/// The keys (RFC 7517).
pub(super) async fn jwks(State(app): State<A1>) -> Result<Response, Problem> {
    let has = |defect| app.ctx().has(defect);
    let is_hidden = |key: &Key| {
        (key.signs() && has(Defect::A1JwksWithoutKey)) || (key.is_retired() && has(Defect::A1RotationDropsKey))
    };
    let keys = app.keys().await?.jwks(app.now_ms(), is_hidden);
    Ok(([(CACHE_CONTROL, "public, max-age=60")], Json(keys)).into_response())
}
