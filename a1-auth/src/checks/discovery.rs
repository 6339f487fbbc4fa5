//! Discovery and keys.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::{Value, json};

use super::journey::{self, Person, Walk};
use super::jwt;

/// The document is about this provider, and complete (OpenID Connect Discovery 1.0, section 3).
pub(crate) async fn document(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let reply = cx.client.get(AppId::A1, "/.well-known/openid-configuration").send().await?;
    findings.status("discovery", 200, &reply);
    let base = cx.client.guard().environment().base(AppId::A1).map(|url| url.as_str().trim_end_matches('/').to_owned());
    findings.equal("the issuer", &base, &reply.pointer("/issuer").and_then(|value| value.as_str().map(str::to_owned)));
    let issuer = base.unwrap_or_default();
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
