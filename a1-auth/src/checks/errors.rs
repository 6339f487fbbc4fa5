//! Refusals in the form that OAuth clients read.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::AppId;
use serde_json::json;

use super::journey::{CLIENT, REDIRECT, random};

/// What is sent, in words and as fields, and the status and error that must come back.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

/// Every refusal of the token endpoint (RFC 6749, 5.2) and of userinfo (RFC 6750, 3) is one that strict clients can read.
pub(crate) async fn oauth_form(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let code = random();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &code),
    ];
    let refresh = [("grant_type", "refresh_token"), ("client_id", CLIENT), ("refresh_token", &code)];
    let stranger = [("grant_type", "authorization_code"), ("client_id", "stranger")];
    let cases: [Case<'_>; 5] = [
        ("a code that never was", &redeem, 400, "invalid_grant"),
        ("a refresh token that never was", &refresh, 400, "invalid_grant"),
        ("no grant type", &[("client_id", CLIENT)], 400, "invalid_request"),
        (
            "a grant type there is not",
            &[("grant_type", "password"), ("client_id", CLIENT)],
            400,
            "unsupported_grant_type",
        ),
        ("a client that is not known", &stranger, 401, "invalid_client"),
    ];
    let post = || cx.client.post(AppId::A1, "/oidc/token").native_errors();
    for (what, fields, status, error) in cases {
        let reply = post().form(fields).send().await?;
        refusal(&mut findings, what, status, error, &reply);
        let challenged = reply.header("www-authenticate").is_some_and(|value| value.starts_with("Basic "));
        findings.equal(&format!("{what}: a challenge to prove who it is"), &(status == 401), &challenged);
    }
    let senseless = post().json(&json!({ "grant_type": "client_credentials" })).send().await?;
    refusal(&mut findings, "a request that is no form", 415, "invalid_request", &senseless);
    userinfo(&cx, &mut findings).await?;
    Ok(findings)
}

async fn userinfo(cx: &CheckContext, findings: &mut Findings) -> Result<(), CheckError> {
    let get = || cx.client.get(AppId::A1, "/oidc/userinfo").native_errors();
    let bare = get().send().await?;
    refusal(findings, "userinfo without a token", 401, "invalid_token", &bare);
    let challenge = bare.header("www-authenticate").unwrap_or("no challenge");
    let plain = challenge.starts_with("Bearer") && !challenge.contains("error=");
    findings.holds("userinfo without a token: a Bearer challenge that names no error", plain, challenge);
    let forged = get().bearer("e30.e30.e30-no-token").send().await?;
    refusal(findings, "userinfo with a forged token", 401, "invalid_token", &forged);
    let challenge = forged.header("www-authenticate").unwrap_or("no challenge");
    let named = challenge.starts_with("Bearer") && challenge.contains("error=\"invalid_token\"");
    findings.holds("userinfo with a forged token: a Bearer challenge that names the error", named, challenge);
    Ok(())
}

fn refusal(findings: &mut Findings, what: &str, status: u16, error: &str, reply: &Reply) {
    findings.status(what, status, reply);
    let content_type = reply.header("content-type").unwrap_or("none");
    let is_json = content_type.split(';').next().is_some_and(|essence| essence.trim() == "application/json");
    findings.holds(&format!("{what}: plain JSON"), is_json, content_type);
    findings.json_at(&format!("{what}: its error"), reply, "/error", &json!(error));
    let why = reply.pointer("/error_description").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
    // RFC 6749, 5.2: %x20-21 / %x23-5B / %x5D-7E.
    let fits = !why.is_empty() && why.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\');
    findings.holds(&format!("{what}: a description of allowed characters"), fits, format!("{why:?}"));
    findings.equal(&format!("{what}: caching"), &Some("no-store"), &reply.header("cache-control"));
}
