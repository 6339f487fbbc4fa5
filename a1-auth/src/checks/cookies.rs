//! The session's cookie, as the headers state it, and what ends the session.

use std::collections::BTreeMap;

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::AppId;
use serde_json::Value;

use super::journey::{CLIENT, Person, REDIRECT, Walk};

/// The session's cookie.
const COOKIE: &str = "a1_session";
/// The attributes that it must have; `Max-Age` is the session's eight hours in seconds.
const ATTRIBUTES: [(&str, &str); 5] =
    [("Secure", ""), ("HttpOnly", ""), ("SameSite", "None"), ("Path", "/"), ("Max-Age", "28800")];

/// The cookie of sign-up and login has all attributes, and signs in again without a form.
pub(crate) async fn session_cookie(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let person = Person::new();
    let walk = Walk::new(&cx);
    let signed_up = walk.sign_up(&person).await?;
    attributes(&mut findings, "POST /signup", &signed_up.reply);
    let again = walk.ask().await?;
    findings.status("a second request in the same browser", 303, &again);
    let logged_in = Walk::new(&cx).log_in(&person).await?;
    attributes(&mut findings, "POST /login", &logged_in.reply);
    Ok(findings)
}

/// A logout removes the cookie and ends the session, also for whoever kept the cookie.
pub(crate) async fn logout(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    let returned = walk.sign_up(&Person::new()).await?;
    let kept = walk.session.cookie(AppId::A1, "/", COOKIE).unwrap_or_default();
    findings.about(&returned.reply).holds("the session's cookie is set", !kept.is_empty(), "no a1_session");
    let tokens = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
    findings.status("its tokens", 200, &tokens);
    sign_out(&mut findings, &walk, &tokens.pointer("/id_token")).await?;
    let after = walk.ask().await?;
    findings.status("a request after the logout", 200, &after);
    let path = walk.auth_path(|_, value| Some(value));
    let replayed = cx.client.get(AppId::A1, &path).header("cookie", &format!("{COOKIE}={kept}"));
    let replayed = replayed.header("accept", "text/html").send().await?;
    findings.status("a request with the kept cookie after the logout", 200, &replayed);
    Ok(findings)
}

/// One assertion an attribute; a broken one names hop, cookie and attribute.
fn attributes(findings: &mut Findings, hop: &str, reply: &Reply) {
    findings.about(reply);
    let lines = reply.header_all("set-cookie");
    for (name, value) in ATTRIBUTES {
        let fault = fault(hop, &lines, name, value);
        let what = format!("A1 {hop} sets {COOKIE} with {}", shown(name, value));
        findings.holds(&what, fault.is_none(), fault.as_deref().unwrap_or("so it does"));
    }
}

/// What is wrong with one attribute of the cookie in these `Set-Cookie` lines (RFC 6265, 4.1.1), for a person.
fn fault(hop: &str, lines: &[&str], name: &str, value: &str) -> Option<String> {
    let Some(line) = lines.iter().find(|line| line.starts_with(&format!("{COOKIE}="))) else {
        return Some(format!("{hop}: {COOKIE} is not set"));
    };
    let given: BTreeMap<_, _> = line
        .split(';')
        .skip(1)
        .map(|part| part.trim().split_once('=').unwrap_or((part.trim(), "")))
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let wanted = shown(name, value);
    match given.get(&name.to_ascii_lowercase()) {
        Some(own) if *own == value => None,
        Some(own) => Some(format!("{hop}: {COOKIE} lacks {wanted} (it says {})", shown(name, own))),
        None => Some(format!("{hop}: {COOKIE} lacks {wanted} (it says nothing of it)")),
    }
}

fn shown(name: &str, value: &str) -> String {
    if value.is_empty() { name.to_owned() } else { format!("{name}={value}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_cookie_is_named_with_its_hop_and_attribute() {
        let lax = ["a1_browser=x; SameSite=None", "a1_session=y; Path=/; secure; SameSite=Lax"];
        assert_eq!(
            fault("POST /login", &lax, "SameSite", "None").as_deref(),
            Some("POST /login: a1_session lacks SameSite=None (it says SameSite=Lax)")
        );
        assert_eq!(
            fault("POST /login", &lax, "HttpOnly", "").as_deref(),
            Some("POST /login: a1_session lacks HttpOnly (it says nothing of it)")
        );
        assert_eq!(fault("POST /login", &lax, "Secure", ""), None, "the case of a name does not matter");
        assert_eq!(fault("POST /signup", &[], "Path", "/").as_deref(), Some("POST /signup: a1_session is not set"));
    }
}
