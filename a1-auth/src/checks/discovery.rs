//! Discovery and keys.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::{Value, json};
use url::Url;

use super::journey::{self, Person, Walk};
use super::jwt;

/// The document is about this provider, and complete (OpenID Connect Discovery 1.0, section 3).
pub(crate) async fn document(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let reply = cx.client.get(AppId::A1, "/.well-known/openid-configuration").send().await?;
    findings.status("discovery", 200, &reply);
    let issuer = reply.pointer("/issuer").and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let base = cx.client.guard().environment().base(AppId::A1);
    let what = format!("the issuer is where discovery is, {}", base.map_or("nowhere", Url::as_str));
    findings.holds(&what, base.is_some_and(|base| is_at(base, &issuer)), &issuer);
    let endpoints =
        ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"];
    for name in endpoints {
        let seen = reply.pointer(&format!("/{name}")).unwrap_or(Value::Null);
        let ours = seen.as_str().is_some_and(|url| url.starts_with(&format!("{issuer}/")));
        findings.holds(&format!("{name} is the issuer's"), ours, &seen);
    }
    findings.json_at("the response types", &reply, "/response_types_supported", &json!(["code"]));
    findings.json_at("the PKCE methods", &reply, "/code_challenge_methods_supported", &json!(["S256"]));
    findings.json_at("the algorithms", &reply, "/id_token_signing_alg_values_supported", &json!(["ES256"]));
    for (list, wanted) in [
        ("/grant_types_supported", "authorization_code"),
        ("/grant_types_supported", "client_credentials"),
        ("/scopes_supported", "openid"),
        ("/subject_types_supported", "public"),
    ] {
        let seen = reply.pointer(list).unwrap_or(Value::Null);
        let there = seen.as_array().is_some_and(|list| list.iter().any(|one| one == wanted));
        findings.holds(&format!("{list} has {wanted}"), there, &seen);
    }
    let jwks_path = reply.pointer("/jwks_uri").and_then(|uri| Some(uri.as_str()?.strip_prefix(&issuer)?.to_owned()));
    let keys = cx.client.get(AppId::A1, &jwks_path.unwrap_or_default()).send().await?;
    findings.status("the key set at the address of discovery", 200, &keys);
    Ok(findings)
}

/// True if the issuer is this base URL, or another name of this machine at the same port (RFC 6761, 6.3): browser tests
/// keep apps apart by such names.
fn is_at(base: &Url, issuer: &str) -> bool {
    if issuer == base.as_str().trim_end_matches('/') {
        return true;
    }
    let Ok(url) = Url::parse(issuer) else { return false };
    let same_but_host = url.scheme() == base.scheme()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.path() == base.path()
        && !issuer.ends_with('/');
    let is_here = |url: &Url| {
        url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "localhost") || host.ends_with(".localhost"))
    };
    same_but_host && is_here(base) && is_here(&url)
}

/// The key that signs is published, with its public part alone.
pub(crate) async fn signing_key(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    let returned = walk.sign_up(&Person::new()).await?;
    let tokens = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
    findings.status("the token answer", 200, &tokens);
    let jwks = journey::document(&cx, "/oidc/jwks").await?;
    let verified = jwt::verify(&journey::text_at(&tokens, "/id_token")?, &jwks);
    findings.holds(
        "the published keys verify the ID token",
        verified.is_ok(),
        verified.as_ref().err().map_or("verified", String::as_str),
    );
    let keys = jwks["keys"].as_array().cloned().unwrap_or_default();
    findings.holds("there is a key", !keys.is_empty(), "an empty key set");
    for key in keys {
        findings.equal("the curve", &json!("P-256"), &key["crv"]);
        findings.equal("the use", &json!("sig"), &key["use"]);
        findings.holds("no private part is published", key.get("d").is_none(), "the member d");
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_its_base_or_the_same_port_of_this_machine() {
        let here: Url = "http://127.0.0.1:7101/".parse().unwrap();
        assert!(is_at(&here, "http://127.0.0.1:7101") && is_at(&here, "http://a1.localhost:7101"));
        for other in [
            "http://127.0.0.1:7101/",
            "http://a1.localhost:7102",
            "https://a1.localhost:7101",
            "http://id.test:7101",
            "",
        ] {
            assert!(!is_at(&here, other), "{other}");
        }
        let staging: Url = "https://auth.test/".parse().unwrap();
        assert!(is_at(&staging, "https://auth.test") && !is_at(&staging, "https://a1.localhost"));
    }
}
