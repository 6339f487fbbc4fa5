//! The code flow from the app's side: off to A1 with state, nonce and challenge, and back with a code.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use common::args;
use common::service::{DbError, Defect, Problem, Query, RequestContext, Row};
use serde::Deserialize;
use url::Url;

use super::pages::Frame;
use super::plans::Plan;
use super::provider::{CLIENT_ID, Redemption, SignedIn};
use super::sign_ups::{self, Beginning, Origin};
use super::state::A5;
use super::{cookies, pages, sessions};

/// How long a sign-in may take, in seconds.
const SIGN_IN_S: i64 = 30 * 60;
/// The cookie that ties a sign-in to the browser that began it.
const BROWSER_COOKIE: &str = "a5_signin";

#[derive(Debug, Deserialize)]
pub(super) struct StartQuery {
    plan: Option<String>,
    from: Option<String>,
    visit: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CallbackQuery {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// A sign-in on its way.
struct SignIn {
    nonce: String,
    verifier: String,
    beginning: Beginning,
}

pub(super) async fn sign_up(
    State(app): State<A5>,
    context: RequestContext,
    headers: HeaderMap,
    Query(query): Query<StartQuery>,
) -> Result<Response, Problem> {
    let origin = Origin::told(query.from.as_deref(), query.visit.as_deref());
    let beginning = Beginning { plan: query.plan, origin };
    start(&app, &context, &headers, "create", beginning).await
}

pub(super) async fn log_in(
    State(app): State<A5>,
    context: RequestContext,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    start(&app, &context, &headers, "", Beginning::default()).await
}

async fn start(
    app: &A5,
    context: &RequestContext,
    headers: &HeaderMap,
    prompt: &str,
    beginning: Beginning,
) -> Result<Response, Problem> {
    if beginning.plan.as_deref().is_some_and(|plan| Plan::find(plan).is_none()) {
        return Ok(pages::message(
            Frame::default(),
            StatusCode::NOT_FOUND,
            "There is no such plan",
            "Please choose one on the pricing page.",
        ));
    }
    let discovery = match app.provider().discovery(context).await {
        Ok(discovery) => discovery,
        Err(error) => return Ok(sign_in_is_down(&error)),
    };
    let Ok(mut url) = Url::parse(&discovery.authorization_endpoint) else {
        return Ok(sign_in_is_down(&"the authorization endpoint is no URL"));
    };
    let [state, nonce, verifier] = std::array::from_fn(|_| cookies::random_token());
    let known = cookies::read(headers, BROWSER_COOKIE).filter(|value| value.len() >= 32);
    let browser = known.unwrap_or_else(cookies::random_token);
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", CLIENT_ID)
        .append_pair("redirect_uri", &app.at("/auth/callback"))
        .append_pair("scope", "openid profile email")
        .append_pair("state", &state)
        .append_pair("nonce", &nonce)
        .append_pair("code_challenge", &cookies::digest(&verifier))
        .append_pair("code_challenge_method", "S256");
    if !prompt.is_empty() {
        url.query_pairs_mut().append_pair("prompt", prompt);
    }
    let sql = "INSERT INTO sign_ins (state, browser_digest, nonce, verifier, plan, source_slug, expires_ms, visit)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let expires_ms = app.now_ms() + SIGN_IN_S * 1_000;
    let Beginning { plan, origin } = beginning;
    let visit = origin.as_ref().and_then(|origin| origin.visit).map(|visit| visit.to_string());
    let slug = origin.map(|origin| origin.slug);
    let values = args![state, cookies::digest(&browser), nonce, verifier, plan, slug, expires_ms, visit];
    app.ctx().db.execute(sql, values).await?;
    Ok(cookies::see_other(url.as_str(), &[cookies::line(BROWSER_COOKIE, &browser, SIGN_IN_S)]))
}

pub(super) async fn callback(
    State(app): State<A5>,
    context: RequestContext,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, Problem> {
    let refuse = |text| pages::message(Frame::default(), StatusCode::BAD_REQUEST, "The sign-in did not work", text);
    let Some(sign_in) = take_sign_in(&app, &headers, query.state.as_deref().unwrap_or_default()).await? else {
        return Ok(refuse(
            "It was not begun in this browser, took too long, or was finished before. Please start again.",
        ));
    };
    if query.iss.is_some_and(|iss| iss != app.provider().issuer()) {
        return Ok(refuse("The answer came from another sign-in service. Please start again."));
    }
    let (None, Some(code)) = (query.error, query.code) else {
        return Ok(refuse("The sign-in was not finished. Please start again."));
    };
    let redirect_uri = app.at("/auth/callback");
    let redemption = Redemption {
        code: &code,
        verifier: &sign_in.verifier,
        nonce: &sign_in.nonce,
        redirect_uri: &redirect_uri,
        now_s: app.now_ms() / 1_000,
    };
    match app.provider().redeem(&context, &redemption).await {
        Ok(signed_in) => Ok(enter(&app, &context, &signed_in, &sign_in.beginning).await?),
        Err(error) => Ok(sign_in_is_down(&error)),
    }
}

/// Takes the sign-in of this state off the list, if this browser began it: it can come back once.
async fn take_sign_in(app: &A5, headers: &HeaderMap, state: &str) -> Result<Option<SignIn>, DbError> {
    let browser = cookies::read(headers, BROWSER_COOKIE).unwrap_or_default();
    let mut tx = app.ctx().db.begin().await?;
    let sql = "SELECT nonce, verifier, plan, source_slug, visit FROM sign_ins
               WHERE state = $1 AND browser_digest = $2 AND expires_ms > $3";
    let rows = tx.query(sql, args![state, cookies::digest(&browser), app.now_ms()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    tx.execute("DELETE FROM sign_ins WHERE state = $1", args![state]).await?;
    tx.commit().await?;
    sign_in(row).map(Some)
}

fn sign_in(row: &Row) -> Result<SignIn, DbError> {
    let (slug, visit) = (row.opt_text("source_slug")?, row.opt_text("visit")?);
    let origin = Origin::told(slug.as_deref(), visit.as_deref());
    let beginning = Beginning { plan: row.opt_text("plan")?, origin };
    Ok(SignIn { nonce: row.text("nonce")?, verifier: row.text("verifier")?, beginning })
}

/// Lets the student in, begins the session, and shows the dashboard.
async fn enter(
    app: &A5,
    context: &RequestContext,
    signed_in: &SignedIn,
    beginning: &Beginning,
) -> Result<Response, DbError> {
    let mut tx = app.ctx().db.begin().await?;
    sign_ups::enter(app, &mut tx, context, &signed_in.claims, beginning).await?;
    let cookie = sessions::begin(app, &mut tx, &signed_in.claims.sub, &signed_in.id_token).await?;
    tx.commit().await?;
    app.jobs_due().notify_one();
    let cookies = if app.ctx().has(Defect::A5SessionNeverSticks) { Vec::new() } else { vec![cookie] };
    Ok(cookies::see_other("/dashboard", &cookies))
}

fn sign_in_is_down(error: &dyn std::fmt::Display) -> Response {
    tracing::warn!(%error, "a sign-in failed");
    let text = "The sign-in service does not answer as it should. Please try again in a minute.";
    pages::message(Frame::default(), StatusCode::BAD_GATEWAY, "Signing in is not possible at the moment", text)
}
