//! The token endpoint: codes, refresh tokens and services' own credentials against tokens.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::service::{Defect, Emit, Form, Json, Problem, RequestContext, Tx, Unit};
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::clients::Client;
use super::grants::{self, Grant};
use super::keys::KeySet;
use super::oauth_error::OauthError;
use super::state::A1;
use super::{accounts, secret};

/// How long tokens are valid.
const TOKEN_S: i64 = 15 * 60;
/// `typ` of access tokens (RFC 9068).
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// The fields of a token request.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn want(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::bad("invalid_request", &format!("send {name}")))
    }
}

pub(super) async fn token(
    State(app): State<A1>,
    context: RequestContext,
    unit: Unit,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, Problem>,
) -> Response {
    let answered = match form {
        Ok(Form(fields)) => answer(&app, &context, &unit, &headers, fields).await,
        Err(problem) => Err(problem.into()),
    };
    match answered {
        Ok(tokens) => ([(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(tokens)).into_response(),
        Err(error) => error.answer(&app),
    }
}

async fn answer(
    app: &A1,
    context: &RequestContext,
    unit: &Unit,
    headers: &HeaderMap,
    fields: Vec<(String, String)>,
) -> Result<Value, OauthError> {
    let repeated = fields.iter().enumerate().any(|(at, (name, _))| fields[..at].iter().any(|(own, _)| own == name));
    if repeated {
        return Err(OauthError::bad("invalid_request", "a field is sent twice"));
    }
    let fields = Fields(fields);
    let client = authenticate(app, headers, &fields)?;
    match fields.want("grant_type")? {
        "authorization_code" => redeem_code(app, unit, client, &fields).await,
        "refresh_token" => refresh(app, unit, client, &fields).await,
        "client_credentials" => for_service(app, context, unit, client, &fields).await,
        _ => {
            let why = "grant_type is authorization_code, refresh_token or client_credentials";
            Err(OauthError::bad("unsupported_grant_type", why))
        }
    }
}

/// The client, by its secret in the header or the body, or by its id alone if it is a public one (RFC 6749, 2.3).
fn authenticate<'a>(app: &'a A1, headers: &HeaderMap, fields: &Fields) -> Result<&'a Client, OauthError> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = match header {
        Some(text) => Some(basic(text).ok_or_else(|| OauthError::client("the Authorization header is not Basic"))?),
        None => None,
    };
    if basic.is_some() && fields.get("client_secret").is_some() {
        return Err(OauthError::bad("invalid_request", "send the secret in the header or in the body, not in both"));
    }
    let (id, given) = match &basic {
        Some((id, given)) => (Some(id.as_str()), Some(given.as_str())),
        None => (fields.get("client_id"), fields.get("client_secret")),
    };
    let unknown = || OauthError::client("the client is not known or its secret is wrong");
    let client = id.and_then(|id| app.clients().find(id)).ok_or_else(unknown)?;
    let proved = given.map_or(client.is_public(), |given| client.has_secret(given));
    if proved { Ok(client) } else { Err(unknown()) }
}

fn basic(header: &str) -> Option<(String, String)> {
    let encoded = secret::after_scheme(header, "Basic")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, given) = decoded.split_once(':')?;
    Some((form_decoded(id), form_decoded(given)))
}

fn form_decoded(text: &str) -> String {
    let pair = format!("x={text}");
    let value = url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
    value.unwrap_or_default()
}

async fn redeem_code(app: &A1, unit: &Unit, client: &Client, fields: &Fields) -> Result<Value, OauthError> {
    let verifier = fields.want("code_verifier")?;
    let redirect_uri = fields.want("redirect_uri")?;
    let keys = app.keys().await?;
    let code = grants::find_code(app, fields.want("code")?).await?;
    let code = code.filter(|code| code.grant.client_id == client.id);
    let code = code.ok_or_else(|| OauthError::grant("the code is not one of ours for this client"))?;
    let reusable = app.ctx().has(Defect::A1CodeReusable);
    if code.used && !reusable {
        grants::revoke_family(app, &code.grant).await?;
        return Err(OauthError::grant("the code was used before: its tokens are revoked"));
    }
    if code.expired {
        return Err(OauthError::grant("the code has expired"));
    }
    if code.redirect_uri != redirect_uri {
        return Err(OauthError::grant("redirect_uri is not the one that the code was asked for"));
    }
    if !secret::same(&secret::digest(verifier), &code.challenge) && !app.ctx().has(Defect::A1PkceUnchecked) {
        return Err(OauthError::grant("code_verifier does not fit the code_challenge"));
    }
    let mut tx = unit.tx().await?;
    if !grants::use_code(&mut tx, &code, app.now_ms()).await? && !reusable {
        return Err(OauthError::grant("the code was used before"));
    }
    for_person(app, &mut tx, &keys, &code.grant).await
}

async fn refresh(app: &A1, unit: &Unit, client: &Client, fields: &Fields) -> Result<Value, OauthError> {
    let keys = app.keys().await?;
    let found = grants::find_refresh(app, fields.want("refresh_token")?).await?;
    let found = found.filter(|token| token.grant.client_id == client.id);
    let found = found.ok_or_else(|| OauthError::grant("the refresh token is not one of ours for this client"))?;
    let reusable = app.ctx().has(Defect::A1RefreshReusable);
    if found.spent && !reusable {
        grants::revoke_family(app, &found.grant).await?;
        return Err(OauthError::grant("the refresh token was used before: all of its sign-in are revoked"));
    }
    if found.expired {
        return Err(OauthError::grant("the refresh token has expired"));
    }
    let mut tx = unit.tx().await?;
    if !grants::use_refresh(&mut tx, &found, app.now_ms()).await? && !reusable {
        return Err(OauthError::grant("the refresh token was used before"));
    }
    for_person(app, &mut tx, &keys, &found.grant).await
}

/// Tokens for a person: access, ID, and a refresh token if `offline_access` was granted.
async fn for_person(app: &A1, tx: &mut Tx, keys: &KeySet, grant: &Grant) -> Result<Value, OauthError> {
    let account = accounts::find(app, &grant.sub).await?;
    let account = account.ok_or_else(|| OauthError::grant("the account does not exist any more"))?;
    let now_s = app.now_ms() / 1_000;
    let issuer = if app.ctx().has(Defect::A1IssuerMismatch) {
        format!("{}/elsewhere", app.issuer())
    } else {
        app.issuer().to_owned()
    };
    let mut id_claims = json!({
        "iss": issuer, "sub": grant.sub, "aud": grant.client_id, "iat": now_s, "exp": now_s + TOKEN_S,
        "auth_time": grant.auth_time_s,
    });
    if let Some(nonce) = grant.nonce.as_ref().filter(|_| !app.ctx().has(Defect::A1NonceDropped)) {
        id_claims["nonce"] = nonce.as_str().into();
    }
    if grant.has_scope("profile") {
        id_claims["name"] = account.name.into();
    }
    if grant.has_scope("email") {
        id_claims["email"] = account.email.into();
        id_claims["email_verified"] = false.into();
    }
    let mut answer = access_token(app, keys, &grant.sub, &grant.client_id, &grant.scope)?;
    answer["id_token"] = sign(keys, "JWT", &id_claims)?.into();
    if grant.has_scope("offline_access") {
        answer["refresh_token"] = grants::new_refresh(tx, grant, app.now_ms()).await?.into();
    }
    Ok(answer)
}

async fn for_service(
    app: &A1,
    context: &RequestContext,
    unit: &Unit,
    client: &Client,
    fields: &Fields,
) -> Result<Value, OauthError> {
    if client.is_public() {
        return Err(OauthError::bad("unauthorized_client", "a public client cannot act for itself"));
    }
    if fields.get("scope").is_some_and(|scope| scope != "service") {
        return Err(OauthError::bad("invalid_scope", "services have the scope `service` alone"));
    }
    let answer = access_token(app, &*app.keys().await?, &client.id, &client.id, "service")?;
    let key = uuid::Uuid::now_v7().to_string();
    let mut tx = unit.tx().await?;
    app.ctx().telemetry.emit(&mut tx, context, Emit::new(EventName::IdentityOk).key(key)).await?;
    Ok(answer)
}

fn access_token(app: &A1, keys: &KeySet, sub: &str, client_id: &str, scope: &str) -> Result<Value, OauthError> {
    let now_s = app.now_ms() / 1_000;
    let claims = json!({
        "iss": app.issuer(), "sub": sub, "aud": app.issuer(), "client_id": client_id, "scope": scope,
        "iat": now_s, "exp": now_s + TOKEN_S, "jti": uuid::Uuid::now_v7().to_string(),
    });
    let token = sign(keys, ACCESS_TOKEN, &claims)?;
    Ok(json!({ "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_S, "scope": scope }))
}

fn sign(keys: &KeySet, kind: &str, claims: &Value) -> Result<String, OauthError> {
    let lacking = || Problem::unavailable("the provider has no signing key at the moment").into();
    keys.sign(kind, claims).ok_or_else(lacking)
}
