//! What is asserted about A1: as a client library would, over HTTP, with its own verification of signatures.

mod cookies;
mod discovery;
mod errors;
mod flow;
mod journey;
mod jwt;
mod refusals;
mod rotation;
mod services;

use common::check::{Check, CheckContext, CheckError, Findings};
use common::ids::AppId;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a1.conformance", "every route of the contract answers as promised", |cx| Box::pin(conforms(cx))),
        Check::new("a1.discovery", "discovery names this issuer, its endpoints and PKCE", |cx| {
            Box::pin(discovery::document(cx))
        })
        .phase(1),
        Check::new("a1.signing_key", "the keys hold the one that signs, and no private part", |cx| {
            Box::pin(discovery::signing_key(cx))
        })
        .phase(1),
        Check::new("a1.code_flow", "ten of ten sign-ins end in a verified ID token", |cx| {
            Box::pin(flow::ten_of_ten(cx))
        }),
        Check::new("a1.refresh", "a refresh token works once, and its reuse revokes the sign-in", |cx| {
            Box::pin(flow::refresh(cx))
        }),
        Check::new("a1.pkce", "a code is worth nothing without its verifier", |cx| Box::pin(refusals::pkce(cx))),
        Check::new("a1.code_once", "a code is redeemed once", |cx| Box::pin(refusals::code_once(cx))),
        Check::new("a1.redirect_exact", "codes go to registered addresses only", |cx| {
            Box::pin(refusals::redirect_exact(cx))
        })
        .phase(1),
        Check::new("a1.forms", "forms work in their own browser only, and guessing is slowed", |cx| {
            Box::pin(refusals::forms(cx))
        }),
        Check::new("a1.cookie", "the session cookie has all its attributes", |cx| {
            Box::pin(cookies::session_cookie(cx))
        }),
        Check::new("a1.logout", "a logout ends the session, also for whoever kept its cookie", |cx| {
            Box::pin(cookies::logout(cx))
        }),
        Check::new("a1.rotation", "tokens stay good when another key signs", |cx| Box::pin(rotation::keeps_tokens(cx))),
        Check::new("a1.oauth_errors", "refusals are ones that OAuth clients can read", |cx| {
            Box::pin(errors::oauth_form(cx))
        }),
        Check::new("a1.service_token", "a service gets a verifiable token for its secret, and only then", |cx| {
            Box::pin(services::token(cx))
        }),
        Check::new("a1.identity_in_a8", "a sign-in shows in A8 in its own trace", |cx| Box::pin(flow::in_a8(cx)))
            .needs(&[AppId::A8]),
        Check::new(
            "a1.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a1.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

async fn conforms(cx: CheckContext) -> Result<Findings, CheckError> {
    common::check::conformance(&cx, &crate::contract()).await
}
