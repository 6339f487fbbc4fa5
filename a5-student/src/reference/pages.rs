//! The pages, under a policy that lets nothing in from elsewhere.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{Problem, RequestContext};

use super::cookies;
use super::plans::{PLANS, Plan};
use super::sessions::{self, Student};
use super::state::A5;

/// Nothing from elsewhere, no scripts, no frames; forms go home.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    signed_in: bool,
}

#[derive(Template)]
#[template(path = "pricing.html")]
struct Pricing {
    signed_in: bool,
    plans: &'static [Plan],
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    signed_in: bool,
    student: Student,
    since: String,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    signed_in: bool,
    end_session: Option<String>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    signed_in: bool,
    title: &'a str,
    text: &'a str,
}

pub(super) async fn landing(State(app): State<A5>, headers: HeaderMap) -> Result<Response, Problem> {
    let signed_in = sessions::current(&app, &headers).await?.is_some();
    Ok(respond(StatusCode::OK, &Landing { signed_in }))
}

pub(super) async fn pricing(State(app): State<A5>, headers: HeaderMap) -> Result<Response, Problem> {
    let signed_in = sessions::current(&app, &headers).await?.is_some();
    Ok(respond(StatusCode::OK, &Pricing { signed_in, plans: &PLANS }))
}

pub(super) async fn dashboard(State(app): State<A5>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(student) = sessions::current(&app, &headers).await? else {
        if wants_html(&headers) {
            return Ok(cookies::see_other("/login", &[]));
        }
        return Err(Problem::unauthorized("sign in first: GET /login"));
    };
    let since = clock::rfc3339(student.since_ms).chars().take(10).collect();
    Ok(respond(StatusCode::OK, &Dashboard { signed_in: true, student, since }))
}

/// Says good-bye, and links to the end of the session at A1 if A1 can be asked where that is.
pub(super) async fn signed_out(State(app): State<A5>, context: RequestContext) -> Response {
    let discovery = app.provider().discovery(&context).await.ok();
    let end_session = discovery.and_then(|discovery| discovery.end_session_endpoint);
    respond(StatusCode::OK, &SignedOut { signed_in: false, end_session })
}

/// The style sheet.
pub(super) async fn style_sheet() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../../assets/app.css")).into_response()
}

/// A page that says one thing.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, &Message { signed_in: false, title, text })
}

/// True for browsers: they are redirected where programs get a problem document.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn respond(status: StatusCode, page: &impl Template) -> Response {
    let Ok(html) = page.render() else {
        return Problem::unavailable("the page cannot be shown: try again").into_response();
    };
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
