//! The provider's pages: forms without scripts, under a policy that allows nothing else.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::service::Problem;
use url::Url;

use super::forms::Form;
use super::state::A1;

/// The login form.
#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    client: Option<&'a str>,
    form_nonce: &'a str,
    username: &'a str,
    error: Option<&'a str>,
}

/// The sign-up form.
#[derive(Template)]
#[template(path = "signup.html")]
struct Signup<'a> {
    client: Option<&'a str>,
    form_nonce: &'a str,
    name: &'a str,
    email: &'a str,
    error: Option<&'a str>,
}

/// The question whether to sign out.
#[derive(Template)]
#[template(path = "logout.html")]
struct Logout<'a> {
    form_nonce: &'a str,
}

/// Something to tell.
#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// What a form shows again after a mistake.
#[derive(Debug, Default)]
pub(super) struct Refill<'a> {
    pub(super) name: &'a str,
    pub(super) login: &'a str,
    pub(super) error: Option<&'a str>,
}

pub(super) fn login(app: &A1, status: StatusCode, form: &Form, refill: &Refill<'_>) -> Response {
    let client = client_title(app, form);
    let page = Login { client, form_nonce: &form.nonce, username: refill.login, error: refill.error };
    respond(status, &page, form.request.as_ref().map(|request| request.redirect_uri.as_str()))
}

pub(super) fn signup(app: &A1, status: StatusCode, form: &Form, refill: &Refill<'_>) -> Response {
    let client = client_title(app, form);
    let (form_nonce, error) = (form.nonce.as_str(), refill.error);
    let page = Signup { client, form_nonce, name: refill.name, email: refill.login, error };
    let home = app.home().map(String::from);
    let target = form.request.as_ref().map(|request| request.redirect_uri.as_str()).or(home.as_deref());
    respond(status, &page, target)
}

pub(super) fn logout(form: &Form) -> Response {
    respond(StatusCode::OK, &Logout { form_nonce: &form.nonce }, None)
}

pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, &Message { title, text }, None)
}

/// A refusal as a page for a browser, as a problem document for anybody else.
pub(super) fn refusal(headers: &HeaderMap, status: StatusCode, code: &str, text: &str) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    if accepts.contains("text/html") {
        return message(status, "This did not work", text);
    }
    Problem::new(status, code, text).with("error", code.into()).with("error_description", text.into()).into_response()
}

/// `303 See Other`, with cookies.
pub(super) fn see_other(to: &str, cookies: &[String]) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(to) {
        Ok(to) => response.headers_mut().insert(header::LOCATION, to),
        Err(_) => {
            return message(StatusCode::BAD_REQUEST, "This did not work", "The address to return to is no address.");
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    with_cookies(response, cookies)
}

/// Adds `Set-Cookie` lines.
pub(super) fn with_cookies(mut response: Response, cookies: &[String]) -> Response {
    for line in cookies.iter().filter_map(|line| HeaderValue::from_str(line).ok()) {
        response.headers_mut().append(SET_COOKIE, line);
    }
    response
}

/// The style sheet of all pages.
pub(super) async fn style_sheet() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("../../assets/app.css")).into_response()
}

fn client_title<'a>(app: &'a A1, form: &Form) -> Option<&'a str> {
    let request = form.request.as_ref()?;
    app.clients().find(&request.client_id).map(|client| client.title.as_str())
}

/// Renders a page. Browsers apply `form-action` to the redirect after a form too, so it names where the form leads.
fn respond(status: StatusCode, page: &impl Template, form_leads_to: Option<&str>) -> Response {
    let Ok(html) = page.render() else {
        return Problem::unavailable("the page cannot be shown: try again").into_response();
    };
    let origin = form_leads_to.and_then(|to| Url::parse(to).ok()).map(|to| to.origin().ascii_serialization());
    let policy = format!(
        "default-src 'none'; style-src 'self'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        origin.unwrap_or_default()
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}
