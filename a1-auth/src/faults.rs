//! How A1 can be broken, and which check must notice.

mod wire;

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    let mut all = of_tokens();
    all.extend(of_people());
    all.extend(wire::all());
    all.extend([
        Fault::defect("a1.tenth_fails", "fails on every tenth request", Defect::TenthRequestFails, "a1.code_flow"),
        Fault::defect("a1.trace_lost", "answers name another trace", Defect::TraceNotEchoed, "a1.discovery"),
        Fault::defect(
            "a1.login_page",
            "answers every route with a login page",
            Defect::LoginPageInsteadOfJson,
            "a1.conformance",
        ),
    ]);
    all
}

/// What clients get.
fn of_tokens() -> Vec<Fault> {
    vec![
        Fault::defect("a1.pkce_unchecked", "takes any code verifier", Defect::A1PkceUnchecked, "a1.pkce"),
        Fault::defect("a1.code_reusable", "redeems a code twice", Defect::A1CodeReusable, "a1.code_once"),
        Fault::defect("a1.refresh_reusable", "takes a refresh token twice", Defect::A1RefreshReusable, "a1.refresh"),
        Fault::defect("a1.issuer_mismatch", "ID tokens name another issuer", Defect::A1IssuerMismatch, "a1.code_flow"),
        Fault::defect("a1.nonce_dropped", "ID tokens lack the nonce", Defect::A1NonceDropped, "a1.code_flow"),
        Fault::defect("a1.jwks_without_key", "hides the signing key", Defect::A1JwksWithoutKey, "a1.signing_key"),
        Fault::defect(
            "a1.rotation_drops_key",
            "forgets the old key at once",
            Defect::A1RotationDropsKey,
            "a1.rotation",
        ),
        Fault::defect(
            "a1.errors_as_problems",
            "refuses OAuth clients by problem documents",
            Defect::A1ErrorsAsProblems,
            "a1.oauth_errors",
        ),
    ]
}

/// What browsers and the people before them get.
fn of_people() -> Vec<Fault> {
    vec![
        Fault::defect(
            "a1.cookie_same_site_lax",
            "the session cookie is SameSite=Lax",
            Defect::A1CookieSameSiteLax,
            "a1.cookie",
        ),
        Fault::defect(
            "a1.logout_keeps_session",
            "a logout leaves the session alive",
            Defect::A1LogoutKeepsSession,
            "a1.logout",
        ),
        Fault::defect(
            "a1.redirect_prefix",
            "sends codes to addresses that only begin like a registered one",
            Defect::A1RedirectPrefix,
            "a1.redirect_exact",
        ),
        Fault::defect("a1.login_unlimited", "lets passwords be guessed", Defect::A1LoginUnlimited, "a1.forms"),
        Fault::defect("a1.forms_untied", "takes forms of other browsers", Defect::A1FormsUntied, "a1.forms"),
        Fault::defect(
            "a1.headers_missing",
            "answers lack the headers that protect browsers",
            Defect::SecurityHeadersMissing,
            "a1.security_headers",
        ),
        Fault::defect("a1.keys_unchecked", "takes any key, or none", Defect::KeysUnchecked, "a1.keys_wanted"),
    ]
}
