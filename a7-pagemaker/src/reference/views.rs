//! What the templates show. All text passes askama's escaping; JSON-LD is escaped here.

use askama::Template;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use common::service::Problem;
use serde_json::Value;

use super::store::Page;

/// Scripts, styles, images and calls from this origin only.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What the head of each page says.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) base: String,
    pub(crate) path: String,
    pub(crate) canonical: String,
    pub(crate) share_image: String,
    pub(crate) analytics_id: String,
    /// The trace of the request, so that what the page sends joins it.
    pub(crate) trace_id: String,
    pub(crate) robots: &'static str,
    /// JSON-LD, safe within a script element.
    pub(crate) linked_data: String,
}

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomeView {
    pub(crate) head: Head,
    pub(crate) pages: Vec<Page>,
}

#[derive(Template)]
#[template(path = "browse.html")]
pub(crate) struct BrowseView {
    pub(crate) head: Head,
    pub(crate) pages: Vec<Page>,
    pub(crate) total: i64,
    pub(crate) previous: Option<i64>,
    pub(crate) next: Option<i64>,
}

/// Pages under one heading.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) pages: Vec<Page>,
}

#[derive(Template)]
#[template(path = "groups.html")]
pub(crate) struct GroupsView {
    pub(crate) head: Head,
    pub(crate) heading: &'static str,
    pub(crate) groups: Vec<Group>,
}

#[derive(Template)]
#[template(path = "page.html")]
pub(crate) struct PageView {
    pub(crate) head: Head,
    pub(crate) page: Page,
    pub(crate) cta_href: String,
    pub(crate) cta_words: String,
}

#[derive(Template)]
#[template(path = "missing.html")]
pub(crate) struct MissingView {
    pub(crate) head: Head,
}

/// JSON-LD that cannot end the script element it stands in.
pub(crate) fn linked_data(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// The page as an answer, under the content security policy.
pub(crate) fn html(view: &impl Template) -> Result<Response, Problem> {
    let text = view.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        Problem::unavailable("the page cannot be rendered at the moment")
    })?;
    let mut response = Html(text).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    Ok(response)
}
