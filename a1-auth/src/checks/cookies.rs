//! The session's cookie, as the header states it.

use std::collections::BTreeMap;

use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::Value;

use super::journey::{self, CLIENT, Person, REDIRECT, Walk};

/// The cookie of the login has all attributes; it signs in again without a form, until the logout.
pub(crate) async fn session_cookie(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    let returned = walk.sign_up(&Person::new()).await?;
    let lines = returned.reply.header_all("set-cookie");
    let line = lines.iter().find(|line| line.starts_with("a1_session=")).copied().unwrap_or_default();
    findings.about(&returned.reply).holds("the session's cookie is set", !line.is_empty(), "no a1_session");
    let attributes: BTreeMap<_, _> = line
        .split(';')
        .skip(1)
        .map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    for (name, value) in [("secure", ""), ("httponly", ""), ("samesite", "None"), ("path", "/"), ("max-age", "28800")] {
        findings.equal(&format!("the attribute {name}"), &Some(value), &attributes.get(name).map(String::as_str));
    }
    let again = walk.ask().await?;
    findings.status("a second request in the same browser", 303, &again);
    let code = journey::returned(again)?.code;
    let tokens = walk.redeem(&cx, &code, &walk.verifier).await?;
    findings.status("its tokens", 200, &tokens);
    sign_out(&mut findings, &walk, &tokens.pointer("/id_token")).await?;
    let after = walk.ask().await?;
    findings.status("a request after the logout", 200, &after);
    Ok(findings)
}

async fn sign_out(findings: &mut Findings, walk: &Walk, id_token: &Option<Value>) -> Result<(), CheckError> {
    let hint = id_token.as_ref().and_then(Value::as_str).unwrap_or_default();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("id_token_hint", hint), ("client_id", CLIENT), ("post_logout_redirect_uri", REDIRECT)])
        .finish();
    let reply = walk.session.get(AppId::A1, &format!("/oidc/logout?{query}")).send().await?;
    findings.status("the logout", 200, &reply);
    let lines = reply.header_all("set-cookie");
    let removed = lines.iter().any(|line| line.starts_with("a1_session=;") && line.contains("Max-Age=0"));
    findings.holds("the logout removes the cookie", removed, lines.join(" | "));
    Ok(())
}
