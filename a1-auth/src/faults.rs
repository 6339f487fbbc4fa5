//! How A1 can be broken, and which check must notice.

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    vec![
        Fault::defect("a1.pkce_unchecked", "takes any code verifier", Defect::A1PkceUnchecked, "a1.pkce"),
        Fault::defect("a1.code_reusable", "redeems a code twice", Defect::A1CodeReusable, "a1.code_once"),
        Fault::defect("a1.issuer_mismatch", "ID tokens name another issuer", Defect::A1IssuerMismatch, "a1.code_flow"),
        Fault::defect("a1.jwks_without_key", "hides the signing key", Defect::A1JwksWithoutKey, "a1.signing_key"),
        Fault::defect("a1.tenth_fails", "fails on every tenth request", Defect::TenthRequestFails, "a1.code_flow"),
        Fault::defect("a1.trace_lost", "answers name another trace", Defect::TraceNotEchoed, "a1.discovery"),
        Fault::defect(
            "a1.login_page",
            "answers every route with a login page",
            Defect::LoginPageInsteadOfJson,
            "a1.conformance",
        ),
    ]
}
