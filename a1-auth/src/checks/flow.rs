//! The code flow from the request to a verified ID token, and what follows it.

use common::check::{CheckContext, CheckError, Findings};
use common::clock;
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::journey::{self, CLIENT, Person, Walk};
use super::jwt;

/// Ten sign-ins: the first makes the account, the others log in, each in a browser of its own.
pub(crate) async fn ten_of_ten(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let person = Person::new();
    let issuer = journey::document(&cx, "/.well-known/openid-configuration").await?["issuer"].clone();
    let jwks = journey::document(&cx, "/oidc/jwks").await?;
    let mut subjects = Vec::new();
    for nth in 1..=10 {
        let walk = Walk::new(&cx);
        let returned = if nth == 1 { walk.sign_up(&person).await? } else { walk.log_in(&person).await? };
        findings.about(&returned.reply).equal("the state that comes back", &Some(walk.state.clone()), &returned.state);
        findings.equal("the iss that comes back", &issuer.as_str(), &returned.iss.as_deref());
        let tokens = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
        findings.status(&format!("the tokens of sign-in {nth}"), 200, &tokens);
        findings.equal("caching of the tokens", &Some("no-store"), &tokens.header("cache-control"));
        let verified = jwt::verify(&journey::text_at(&tokens, "/id_token")?, &jwks);
        match verified {
            Ok(token) => {
                claims(&mut findings, &token.claims, &issuer, &walk.nonce);
                subjects.push(token.claims["sub"].clone());
            }
            Err(why) => drop(findings.holds("the ID token is verified", false, why)),
        }
        let info = cx.client.get(AppId::A1, "/oidc/userinfo").bearer(&journey::text_at(&tokens, "/access_token")?);
        let info = info.native_errors().send().await?;
        findings.json_at("the e-mail at userinfo", &info, "/email", &json!(person.email));
        findings.equal("the subject at userinfo", &subjects.last().cloned(), &info.pointer("/sub"));
    }
    findings.equal("verified sign-ins", &10, &subjects.len());
    subjects.dedup();
    findings.equal("subjects of one person", &1, &subjects.len());
    Ok(findings)
}

/// OpenID Connect Core 1.0, 3.1.3.7.
fn claims(findings: &mut Findings, claims: &Value, issuer: &Value, nonce: &str) {
    let now_s = clock::unix_ms() / 1_000;
    findings.equal("iss of the ID token", issuer, &claims["iss"]);
    findings.equal("aud of the ID token", &json!(CLIENT), &claims["aud"]);
    findings.equal("nonce of the ID token", &json!(nonce), &claims["nonce"]);
    for (name, from, to) in [("iat", -60, 60), ("auth_time", -60, 60), ("exp", 1, 24 * 3_600)] {
        let seen = claims[name].as_i64();
        let fits = seen.is_some_and(|at| (from..=to).contains(&(at - now_s)));
        findings.holds(&format!("{name} lies {from} to {to} s from now"), fits, format!("{seen:?} at {now_s}"));
    }
}

/// A refresh token is replaced at each use; the old one used again ends them all (RFC 9700, 4.14).
pub(crate) async fn refresh(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut walk = Walk::new(&cx);
    walk.scope = "openid offline_access";
    let returned = walk.sign_up(&Person::new()).await?;
    let tokens = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
    let first = journey::text_at(&tokens, "/refresh_token")?;
    let redeem = |token: String| {
        let request = cx.client.post(AppId::A1, "/oidc/token").native_errors();
        request.form(&[("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &token)]).send()
    };
    let renewed = redeem(first.clone()).await?;
    findings.status("the first use", 200, &renewed);
    let second = journey::text_at(&renewed, "/refresh_token")?;
    findings.holds("the refresh token is another", first != second, "the same");
    let reused = redeem(first).await?;
    findings.status("the old one again", 400, &reused);
    findings.json_at("its error", &reused, "/error", &json!("invalid_grant"));
    let after = redeem(second).await?;
    findings.status("the new one after that", 400, &after);
    Ok(findings)
}

/// The sign-in is reported in the trace of the person's own request.
pub(crate) async fn in_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    walk.sign_up(&Person::new()).await?;
    let event = cx.event_in_a8(walk.session.trace(), EventName::IdentityOk).await?;
    let Some(event) = event else {
        findings.holds("A8's lineage has `identity_ok`", false, "nothing within the arrival limit");
        return Ok(findings);
    };
    findings.equal("who reports it", &json!("A1"), &event["app_id"]);
    findings.equal("the route it names", &json!("/signup"), &event["route"]);
    findings.equal("its mark as a test", &json!(true), &event["test_run"]);
    Ok(findings)
}
