//! A new signing key, and what the old one signed.

use common::check::{CheckContext, CheckError, Findings};
use common::contract::header;
use common::ids::AppId;
use serde_json::json;

use super::journey::{self, Person, Walk};
use super::jwt;

/// Tokens of before a rotation stay good: JWKS verifies them and userinfo takes them. Those of after it have another key, one
/// that was published before: clients keep the keys for a while.
pub(crate) async fn keeps_tokens(cx: CheckContext) -> Result<Findings, CheckError> {
    journey::embedded_only(&cx, "rotating the keys of a deployment is for its owner to decide")?;
    let Some(key) = cx.admin_key.clone() else {
        return Err(CheckError::Skip("the target names no administrator's key to rotate with".to_owned()));
    };
    let mut findings = Findings::new();
    let person = Person::new();
    let walk = Walk::new(&cx);
    let before = walk.redeem(&cx, &walk.sign_up(&person).await?.code, &walk.verifier).await?;
    findings.status("the tokens before the rotation", 200, &before);
    let known = journey::document(&cx, "/oidc/jwks").await?;
    let rotated = cx.client.post(AppId::A1, "/admin/keys/rotate").header(header::ADMIN_KEY, key.expose());
    let rotated = rotated.send().await?;
    findings.status("the rotation", 200, &rotated);
    let jwks = journey::document(&cx, "/oidc/jwks").await?;
    let old = jwt::verify(&journey::text_at(&before, "/id_token")?, &jwks);
    findings.holds("JWKS verifies the ID token of before", old.is_ok(), old.as_ref().err().map_or("", String::as_str));
    let bearer = journey::text_at(&before, "/access_token")?;
    let info = cx.client.get(AppId::A1, "/oidc/userinfo").bearer(&bearer).native_errors().send().await?;
    findings.status("userinfo for the access token of before", 200, &info);
    let walk = Walk::new(&cx);
    let after = walk.redeem(&cx, &walk.log_in(&person).await?.code, &walk.verifier).await?;
    match jwt::verify(&journey::text_at(&after, "/id_token")?, &known) {
        Ok(token) => {
            let kid = rotated.pointer("/kid").unwrap_or(json!("none"));
            findings.equal("the key that signs now", &kid, &token.head["kid"]);
        }
        Err(why) => drop(findings.holds("the keys of before verify the ID token of after", false, why)),
    }
    Ok(findings)
}
