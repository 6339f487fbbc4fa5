//! The key that opens the API: the test key of this deployment, as a bearer token or as the name of basic
//! authentication.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::params::Params;
use super::refusal::Refusal;
use super::state::StandIn;

const HOW: &str = "You need to provide your API key in the Authorization header, using Bearer auth (e.g. \
                   'Authorization: Bearer YOUR_SECRET_KEY') or as the user name of Basic auth.";

/// Lets nobody in but the holder of the test key.
pub(super) fn check(app: &StandIn, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(key) = key(headers) else {
        return Err(Refusal::unknown_key(format!("You did not provide an API key. {HOW}")));
    };
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(Refusal::unknown_key("A live key was sent to a stand-in, where no money moves: use the test key."));
    }
    if key != app.secret_key() {
        return Err(Refusal::unknown_key(format!("Invalid API Key provided: {}", masked(&key))));
    }
    Ok(())
}

fn key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let rest = rest.trim();
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        rest.to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(BASE64_STANDARD.decode(rest).ok()?).ok()?;
        pair.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

/// The kind of key, and nothing of its secret part.
fn masked(key: &str) -> String {
    let shown: String = key.chars().take(8).collect();
    if matches!(shown.as_str(), "sk_test_" | "pk_test_" | "rk_test_") { format!("{shown}****") } else { "****".into() }
}

/// A reading request of somebody with the key.
pub(super) struct Ask {
    pub(super) params: Params,
}

impl FromRequestParts<StandIn> for Ask {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &StandIn) -> Result<Self, Response> {
        check(app, &parts.headers).map_err(IntoResponse::into_response)?;
        let params = Params::parse(parts.uri.query().unwrap_or("")).map_err(IntoResponse::into_response)?;
        Ok(Self { params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Option<String> {
        key(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]))
    }

    #[test]
    fn the_key_is_read_from_both_schemes() {
        assert_eq!(of("Bearer sk_test_a").as_deref(), Some("sk_test_a"));
        assert_eq!(of("basic c2tfdGVzdF9hOg==").as_deref(), Some("sk_test_a"));
        for nothing in ["Bearer ", "Digest sk_test_a", "sk_test_a", "Basic ???"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_refusal_repeats_nothing_of_the_secret() {
        assert_eq!(masked("sk_test_verysecret"), "sk_test_****");
        assert_eq!(masked("whatever-it-is"), "****");
    }
}
