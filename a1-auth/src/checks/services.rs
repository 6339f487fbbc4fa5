//! Tokens that services get for themselves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::json;

use super::{journey, jwt};

/// The harness's own service client.
const SERVICE: &str = "harness-service";
/// Its secret in the embedded ecosystem.
const SECRET: &str = "embedded-secret-harness-service";

/// The secret works in body and header; a wrong one, or none, does not.
pub(crate) async fn token(cx: CheckContext) -> Result<Findings, CheckError> {
    journey::embedded_only(&cx, "the secret of harness-service is known for the embedded ecosystem only")?;
    let mut findings = Findings::new();
    let post = || cx.client.post(AppId::A1, "/oidc/token").native_errors();
    let grant = ("grant_type", "client_credentials");
    let in_body = post().form(&[grant, ("client_id", SERVICE), ("client_secret", SECRET)]).send().await?;
    findings.status("the secret in the body", 200, &in_body);
    findings.json_at("the type of the token", &in_body, "/token_type", &json!("Bearer"));
    let basic = format!("Basic {}", STANDARD.encode(format!("{SERVICE}:{SECRET}")));
    let in_header = post().header("authorization", &basic).form(&[grant]).send().await?;
    findings.status("the secret in the header", 200, &in_header);
    let jwks = journey::document(&cx, "/oidc/jwks").await?;
    let verified = jwt::verify(&journey::text_at(&in_header, "/access_token")?, &jwks);
    match verified {
        Ok(token) => {
            findings.equal("sub of the token", &json!(SERVICE), &token.claims["sub"]);
            findings.equal("typ of the token", &json!("at+jwt"), &token.head["typ"]);
        }
        Err(why) => drop(findings.holds("the token is verified", false, why)),
    }
    let wrong = post().form(&[grant, ("client_id", SERVICE), ("client_secret", "wrong")]).send().await?;
    findings.status("a wrong secret", 401, &wrong);
    findings.json_at("its error", &wrong, "/error", &json!("invalid_client"));
    let public = post().form(&[grant, ("client_id", journey::CLIENT)]).send().await?;
    findings.status("a client without a secret", 400, &public);
    findings.json_at("its error", &public, "/error", &json!("unauthorized_client"));
    let strange = post().form(&[("grant_type", "password"), ("client_id", journey::CLIENT)]).send().await?;
    findings.json_at("the error of a grant there is not", &strange, "/error", &json!("unsupported_grant_type"));
    let bearer = journey::text_at(&in_body, "/access_token")?;
    let person = cx.client.get(AppId::A1, "/oidc/userinfo").bearer(&bearer).native_errors().send().await?;
    findings.status("userinfo for a service", 403, &person);
    findings.json_at("its error", &person, "/error", &json!("insufficient_scope"));
    Ok(findings)
}
