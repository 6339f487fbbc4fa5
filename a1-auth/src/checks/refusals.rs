//! What must not work.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Session;
use common::ids::AppId;
use serde_json::json;

use super::journey::{self, Person, Walk};

/// Another verifier is refused, and a request without a challenge never gets as far as a form.
pub(crate) async fn pkce(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    let returned = walk.sign_up(&Person::new()).await?;
    let wrong = walk.redeem(&cx, &returned.code, &journey::random()).await?;
    findings.status("a code with another verifier", 400, &wrong);
    findings.json_at("its error", &wrong, "/error", &json!("invalid_grant"));
    findings.holds("no token is given", wrong.pointer("/access_token").is_none(), "an access token");
    let lacking: [(&str, Option<&str>); 3] =
        [("code_challenge", None), ("code_challenge_method", None), ("code_challenge_method", Some("plain"))];
    for (field, instead) in lacking {
        let path = walk.auth_path(|name, value| if name == field { instead.map(str::to_owned) } else { Some(value) });
        let reply = walk.session.get(AppId::A1, &path).send().await?;
        findings.status(&format!("a request with {field} {instead:?}"), 303, &reply);
        let location = reply.header("location").unwrap_or_default();
        findings.holds("it goes back with an error", location.contains("error=invalid_request"), location);
    }
    Ok(findings)
}

/// The second use of a code is refused, also if both come at once.
pub(crate) async fn code_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let person = Person::new();
    let walk = Walk::new(&cx);
    let returned = walk.sign_up(&person).await?;
    let first = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
    findings.status("the first use", 200, &first);
    let second = walk.redeem(&cx, &returned.code, &walk.verifier).await?;
    findings.status("the second use", 400, &second);
    findings.json_at("its error", &second, "/error", &json!("invalid_grant"));
    let walk = Walk::new(&cx);
    let returned = walk.log_in(&person).await?;
    let racer = || walk.redeem(&cx, &returned.code, &walk.verifier);
    let (one, other) = tokio::join!(racer(), racer());
    let mut statuses = [one?.status, other?.status];
    statuses.sort_unstable();
    findings.equal("two uses at once", &[200, 400], &statuses);
    Ok(findings)
}

/// No address but a registered one gets anything, not even an error.
pub(crate) async fn redirect_exact(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let walk = Walk::new(&cx);
    for address in [
        "https://evil.test/callback",
        "http://127.0.0.1:49321/callback/more",
        "http://127.0.0.1:49321/callback?next=x",
        "http://127.0.0.1.evil.test/callback",
        "http://127.0.0.1:80@evil.test/callback",
        "",
    ] {
        let path = walk.auth_path(|name, value| Some(if name == "redirect_uri" { address.to_owned() } else { value }));
        let reply = walk.session.get(AppId::A1, &path).send().await?;
        findings.status(&format!("the address {address:?}"), 400, &reply);
        let location = reply.header("location");
        findings.holds("it redirects nowhere", location.is_none(), location.unwrap_or_default());
    }
    let path = walk.auth_path(|name, value| Some(if name == "client_id" { "stranger".to_owned() } else { value }));
    let reply = walk.session.get(AppId::A1, &path).send().await?;
    findings.status("an unknown client", 400, &reply);
    let returned = walk.sign_up(&Person::new()).await?;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", journey::CLIENT),
        ("code", &returned.code),
        ("redirect_uri", "http://127.0.0.1:49322/callback"),
        ("code_verifier", &walk.verifier),
    ];
    let reply = cx.client.post(AppId::A1, "/oidc/token").form(&fields).native_errors().send().await?;
    findings.status("a code with another address than it was asked for", 400, &reply);
    findings.json_at("its error", &reply, "/error", &json!("invalid_grant"));
    Ok(findings)
}

/// A form is refused in another browser and the second time; a wrong password is refused, and the sixth is not tried.
pub(crate) async fn forms(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let person = Person::new();
    Walk::new(&cx).sign_up(&person).await?;
    let walk = Walk::new(&cx);
    let nonce = journey::form_nonce(&walk.ask().await?)?;
    let elsewhere = Walk { session: Session::new(&cx.client), ..Walk::new(&cx) };
    let stolen = elsewhere.send_login(&nonce, &person.email, &person.password).await?;
    findings.status("the form from another browser", 403, &stolen);
    let sent = walk.send_login(&nonce, &person.email, &person.password).await?;
    findings.status("the form from its own browser", 303, &sent);
    let again = walk.send_login(&nonce, &person.email, &person.password).await?;
    findings.status("the same form again", 400, &again);
    let walk = Walk::new(&cx);
    let nonce = journey::form_nonce(&walk.ask().await?)?;
    for _ in 0..5 {
        let wrong = walk.send_login(&nonce, &person.email, "not the password").await?;
        findings.status("a wrong password", 401, &wrong);
    }
    let braked = walk.send_login(&nonce, &person.email, &person.password).await?;
    findings.status("the sixth attempt", 429, &braked);
    let wait = braked.header("retry-after").and_then(|value| value.parse::<u32>().ok());
    findings.holds("it says how long to wait", wait.is_some_and(|s| (1..=60).contains(&s)), format!("{wait:?}"));
    Ok(findings)
}
