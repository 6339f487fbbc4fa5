//! A1 as its client sees it: discovery, keys, and codes against ID tokens over the back channel.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::clock;
use common::ids::AppId;
use common::service::{Ctx, RequestContext, Upstream, UpstreamError};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::id_token::{self, Claims, Expected, IdTokenError, Jwks};

/// Under which name A1 knows this app.
pub(super) const CLIENT_ID: &str = "a5-student";
/// How long discovery is believed.
const DISCOVERY_FOR: Duration = Duration::from_secs(60);

/// What discovery says.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    pub(super) end_session_endpoint: Option<String>,
}

/// Why a sign-in cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the sign-in service did not answer: {0}")]
    Silent(#[from] reqwest::Error),
    #[error("the sign-in service answered {status} at {at}")]
    Refused { status: u16, at: String },
    #[error("discovery names the issuer {found:?}, but {expected:?} is configured")]
    Issuer { found: String, expected: String },
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
}

/// A person's tokens, checked.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) claims: Claims,
    pub(super) id_token: String,
}

#[derive(Debug, Deserialize)]
struct Tokens {
    id_token: String,
}

/// A code and what it takes to redeem it.
#[derive(Debug)]
pub(super) struct Redemption<'a> {
    pub(super) code: &'a str,
    pub(super) verifier: &'a str,
    pub(super) nonce: &'a str,
    pub(super) redirect_uri: &'a str,
    pub(super) now_s: i64,
}

/// The provider.
pub(super) struct Provider {
    upstream: Upstream,
    issuer: String,
    discovery: Mutex<Option<(Instant, Discovery)>>,
    jwks: Mutex<Jwks>,
}

impl Provider {
    pub(super) fn of(ctx: &Ctx) -> Self {
        let known = || ctx.upstream.base(AppId::A1).map(Url::to_string).unwrap_or_default();
        let issuer = ctx.config.options.get("issuer").cloned().unwrap_or_else(known);
        let issuer = issuer.trim_end_matches('/').to_owned();
        Self { upstream: ctx.upstream.clone(), issuer, discovery: Mutex::default(), jwks: Mutex::default() }
    }

    /// The issuer that is configured.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What discovery says, at most a minute old; another issuer than the configured one is not believed.
    pub(super) async fn discovery(&self, context: &RequestContext) -> Result<Discovery, ProviderError> {
        let last = self.discovery.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, found)) = last.filter(|(at, _)| at.elapsed() < DISCOVERY_FOR) {
            return Ok(found);
        }
        let found: Discovery = self.get(context, "/.well-known/openid-configuration").await?;
        if found.issuer != self.issuer {
            return Err(ProviderError::Issuer { found: found.issuer, expected: self.issuer.clone() });
        }
        let entry = (clock::monotonic(), found.clone());
        *self.discovery.lock().unwrap_or_else(PoisonError::into_inner) = Some(entry);
        Ok(found)
    }

    /// Redeems a code and checks the ID token; keys are fetched anew if the token's is not among those known.
    pub(super) async fn redeem(
        &self,
        context: &RequestContext,
        redemption: &Redemption<'_>,
    ) -> Result<SignedIn, ProviderError> {
        let discovery = self.discovery(context).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", redemption.code),
            ("code_verifier", redemption.verifier),
            ("redirect_uri", redemption.redirect_uri),
        ];
        let path = path_of(&discovery.token_endpoint);
        let response = self.upstream.request(context, AppId::A1, Method::POST, &path)?.form(&form).send().await?;
        let tokens: Tokens = answer(response, &path).await?;
        let expected =
            Expected { issuer: &self.issuer, client_id: CLIENT_ID, nonce: redemption.nonce, now_s: redemption.now_s };
        let known = self.jwks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let claims = match id_token::verify(&tokens.id_token, &known, expected) {
            Err(IdTokenError::UnknownKey(_)) => {
                let fresh: Jwks = self.get(context, &path_of(&discovery.jwks_uri)).await?;
                *self.jwks.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
                id_token::verify(&tokens.id_token, &fresh, expected)
            }
            verified => verified,
        }?;
        Ok(SignedIn { claims, id_token: tokens.id_token })
    }

    async fn get<T: DeserializeOwned>(&self, context: &RequestContext, path: &str) -> Result<T, ProviderError> {
        let response = self.upstream.request(context, AppId::A1, Method::GET, path)?.send().await?;
        answer(response, path).await
    }
}

async fn answer<T: DeserializeOwned>(response: reqwest::Response, path: &str) -> Result<T, ProviderError> {
    let status = response.status();
    if !status.is_success() {
        return Err(ProviderError::Refused { status: status.as_u16(), at: path.to_owned() });
    }
    Ok(response.json().await?)
}

/// The path of an endpoint: over the back channel A1 is called at its configured base, wherever browsers find it.
fn path_of(endpoint: &str) -> String {
    Url::parse(endpoint).map(|url| url.path().to_owned()).unwrap_or_default()
}
