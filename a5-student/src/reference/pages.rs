//! The pages that are for everybody, and what all pages share: a policy that lets nothing in from elsewhere.

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::service::{DbError, Defect, Problem, Query, RequestContext};
use serde::Deserialize;

use super::plans::{MICRO, PLANS, Plan};
use super::sessions::Student;
use super::sign_ups::Origin;
use super::state::A5;
use super::{orders, sessions};

/// Nothing from elsewhere, no frames; forms go home.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; form-action 'self'";

/// What the head and foot of every page need to know.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    pub(super) signed_in: bool,
    /// Where the visitor came from, which the sign-up remembers.
    pub(super) from: Option<Origin>,
}

impl Frame {
    /// Of a page for the signed-in.
    pub(super) fn signed_in() -> Self {
        Self { signed_in: true, from: None }
    }
}

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "pricing.html")]
struct Pricing {
    frame: Frame,
    plans: &'static [Plan],
    micro: &'static Plan,
    /// For the signed-in.
    buyer: Option<Buyer>,
    buttons_are_dead: bool,
}

struct Buyer {
    form_nonce: String,
    /// The plan that she chose.
    plan: &'static str,
    /// True if it costs nothing or was paid.
    has_it: bool,
}

impl Buyer {
    async fn of(app: &A5, student: &Student) -> Result<Self, DbError> {
        let plan = student.plan;
        let has_it = plan.lookup_key.is_none() || orders::has_paid(&app.ctx().db, &student.sub, plan.id).await?;
        Ok(Self { form_nonce: student.form_nonce(), plan: plan.id, has_it })
    }
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Frame,
    end_session: Option<String>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct VisitQuery {
    from: Option<String>,
    visit: Option<String>,
}

impl VisitQuery {
    fn origin(&self) -> Option<Origin> {
        Origin::told(self.from.as_deref(), self.visit.as_deref())
    }
}

/// `GET /`.
pub(super) async fn landing(
    State(app): State<A5>,
    headers: HeaderMap,
    Query(visit): Query<VisitQuery>,
) -> Result<Response, Problem> {
    let signed_in = sessions::current(&app, &headers).await?.is_some();
    let frame = Frame { signed_in, from: visit.origin() };
    Ok(respond(StatusCode::OK, &Landing { frame }))
}

/// `GET /pricing`: plans that the signed-out choose at the sign-up, and the signed-in buy.
pub(super) async fn pricing(
    State(app): State<A5>,
    headers: HeaderMap,
    Query(visit): Query<VisitQuery>,
) -> Result<Response, Problem> {
    let buyer = match sessions::current(&app, &headers).await? {
        Some(student) => Some(Buyer::of(&app, &student).await?),
        None => None,
    };
    let page = Pricing {
        frame: Frame { signed_in: buyer.is_some(), from: visit.origin() },
        plans: &PLANS,
        micro: &MICRO,
        buyer,
        buttons_are_dead: app.ctx().has(Defect::A5PlanButtonDead),
    };
    let mut response = respond(StatusCode::OK, &page);
    if let (true, Some(origin)) = (page.frame.signed_in, app.payment_page_origin()) {
        // The form's answer leads on to the payment page, which browsers hold against the policy too.
        if let Ok(policy) = HeaderValue::from_str(&format!("{POLICY} {origin}")) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
    }
    Ok(response)
}

/// Says good-bye, and links to the end of the session at A1 if A1 can be asked where that is.
pub(super) async fn signed_out(State(app): State<A5>, context: RequestContext) -> Response {
    let discovery = app.provider().discovery(&context).await.ok();
    let end_session = discovery.and_then(|discovery| discovery.end_session_endpoint);
    respond(StatusCode::OK, &SignedOut { frame: Frame::default(), end_session })
}

/// The style sheet.
pub(super) async fn style_sheet() -> Response {
    asset("text/css; charset=utf-8", include_str!("../../assets/app.css"))
}

/// The script, which pages do without.
pub(super) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/app.js"))
}

/// The icon.
pub(super) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/icon.svg"))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=3600")], text).into_response()
}

/// Paths that lead nowhere: a page for browsers, a problem document for programs.
pub(super) async fn nowhere(State(app): State<A5>, headers: HeaderMap) -> Result<Response, Problem> {
    if !wants_html(&headers) {
        return Err(Problem::not_found("there is nothing at this path: see the app's contract for its routes"));
    }
    let signed_in = sessions::current(&app, &headers).await?.is_some();
    let (title, text) = ("There is no such page", "The address may be old or mistyped.");
    Ok(message(Frame { signed_in, from: None }, StatusCode::NOT_FOUND, title, text))
}

/// A page that says one thing.
pub(super) fn message(frame: Frame, status: StatusCode, title: &str, text: &str) -> Response {
    respond(status, &Message { frame, title, text })
}

/// For forms that were not shown in this session.
pub(super) fn stale_form() -> Response {
    let text = "It was shown before you signed in, or somewhere else. Open the page again and send it from there.";
    message(Frame::signed_in(), StatusCode::FORBIDDEN, "This form is too old", text)
}

/// True for browsers: they are redirected where programs get a problem document.
pub(super) fn wants_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// A page under the policy, kept by nobody.
pub(super) fn respond(status: StatusCode, page: &impl Template) -> Response {
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
