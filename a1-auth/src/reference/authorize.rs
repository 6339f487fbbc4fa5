//! The authorization endpoint: checks the request, then asks the person, or sends her straight back with a code.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use common::service::{DbError, Problem, Query};
use url::Url;

use super::forms::{self, AuthRequest};
use super::pages::{self, Refill};
use super::sessions::{self, Session};
use super::state::A1;
use super::{grants, secret};

/// The parameters of a request, as sent.
struct Params(Vec<(String, String)>);

/// How the person should be treated, from `prompt` and `max_age`.
struct Wishes {
    prompt: Option<String>,
    max_age_s: Option<i64>,
}

/// An error that goes back to the client (RFC 6749, 4.1.2.1).
type Refusal = (&'static str, &'static str);

impl Params {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn has_repeats(&self) -> bool {
        self.0.iter().enumerate().any(|(at, (name, _))| self.0[..at].iter().any(|(earlier, _)| earlier == name))
    }
}

pub(super) async fn authorize(
    State(app): State<A1>,
    headers: HeaderMap,
    Query(params): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let params = Params(params);
    let refuse = |text| pages::refusal(&headers, StatusCode::BAD_REQUEST, "invalid_request", text);
    let client = params.get("client_id").and_then(|id| app.clients().find(id)).filter(|client| client.is_public());
    let Some(client) = client else {
        return Ok(refuse("The app that sent you here is not registered: `client_id` is missing or unknown."));
    };
    let redirect_uri = params.get("redirect_uri").filter(|uri| client.allows_redirect(uri));
    let Some(redirect_uri) = redirect_uri.and_then(|uri| Url::parse(uri).ok().map(|_| uri)) else {
        return Ok(refuse(
            "The address to return to is not one of those registered for this app: check `redirect_uri`.",
        ));
    };
    match read(&params, &client.id, redirect_uri) {
        Ok((request, wishes)) => go_on(&app, &headers, request, &wishes).await,
        Err(refusal) => Ok(send_back_refusal(&app, redirect_uri, params.get("state"), refusal)),
    }
}

/// Checks everything that a registered client can get wrong.
fn read(params: &Params, client_id: &str, redirect_uri: &str) -> Result<(AuthRequest, Wishes), Refusal> {
    if params.has_repeats() {
        return Err(("invalid_request", "a parameter is sent twice"));
    }
    if params.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "send response_type=code"));
    }
    let scope = params.get("scope").unwrap_or_default();
    if !scope.split(' ').any(|one| one == "openid") {
        return Err(("invalid_scope", "send a scope with openid"));
    }
    if params.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "send code_challenge_method=S256 and a code_challenge"));
    }
    let challenge = params.get("code_challenge").filter(|text| is_s256(text));
    let challenge =
        challenge.ok_or(("invalid_request", "code_challenge is the base64url of a SHA-256: 43 characters"))?;
    let prompt = params.get("prompt").map(str::to_owned);
    if prompt.as_deref().is_some_and(|prompt| !["none", "login", "create"].contains(&prompt)) {
        return Err(("invalid_request", "prompt is none, login or create"));
    }
    let max_age_s = params.get("max_age").map(|text| text.parse::<u32>().map(i64::from)).transpose();
    let max_age_s = max_age_s.map_err(|_| ("invalid_request", "max_age is a number of seconds"))?;
    let request = AuthRequest {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        state: params.get("state").map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        challenge: challenge.to_owned(),
        scope: grants::granted_scope(scope),
    };
    Ok((request, Wishes { prompt, max_age_s }))
}

fn is_s256(text: &str) -> bool {
    text.len() == 43 && secret::from_base64url(text).is_some_and(|bytes| bytes.len() == 32)
}

async fn go_on(app: &A1, headers: &HeaderMap, request: AuthRequest, wishes: &Wishes) -> Result<Response, Problem> {
    let prompt = wishes.prompt.as_deref();
    let session = sessions::current(app, headers).await?;
    let fresh_enough =
        // A maximum of 0 asks for a form as prompt=login does (OpenID Connect Core 1.0, 3.1.2.1).
        |session: &Session| wishes.max_age_s.is_none_or(|max| max > 0 && app.now_ms() / 1_000 - session.auth_time_s <= max);
    let wants_form = matches!(prompt, Some("login" | "create"));
    if let Some(session) = session.filter(|session| !wants_form && fresh_enough(session)) {
        return Ok(send_back_code(app, &request, &session).await?);
    }
    if prompt == Some("none") {
        let refusal = ("login_required", "nobody is signed in");
        return Ok(send_back_refusal(app, &request.redirect_uri, request.state.as_deref(), refusal));
    }
    let (form, cookie) = forms::make(app, headers, Some(request)).await?;
    let page = if prompt == Some("create") { pages::signup } else { pages::login };
    let response = page(app, StatusCode::OK, &form, &Refill::default());
    Ok(pages::with_cookies(response, cookie.as_slice()))
}

async fn send_back_code(app: &A1, request: &AuthRequest, session: &Session) -> Result<Response, DbError> {
    let (code, values) = grants::new_code(request, session, app.now_ms());
    app.ctx().db.execute(grants::INSERT_CODE, values).await?;
    Ok(pages::see_other(&code_location(app, request, &code), &[]))
}

/// Where a person is sent with her code (RFC 6749, 4.1.2, and `iss` of RFC 9207).
pub(super) fn code_location(app: &A1, request: &AuthRequest, code: &str) -> String {
    let pairs = [("code", Some(code)), ("state", request.state.as_deref()), ("iss", Some(app.issuer()))];
    with_query(&request.redirect_uri, &pairs)
}

fn send_back_refusal(app: &A1, redirect_uri: &str, state: Option<&str>, (code, text): Refusal) -> Response {
    let pairs =
        [("error", Some(code)), ("error_description", Some(text)), ("state", state), ("iss", Some(app.issuer()))];
    pages::see_other(&with_query(redirect_uri, &pairs), &[])
}

fn with_query(uri: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    let given = pairs.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    url.query_pairs_mut().extend_pairs(given);
    url.into()
}
