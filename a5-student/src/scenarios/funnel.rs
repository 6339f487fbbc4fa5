//! A visitor becomes a paying student: a page of A7, the sign-up at A1, the first AI action, a micro checkout.

use std::time::Duration;

use common::contract::{PROTOCOL_VERSION, header};
use common::ids::AppId;
use common::scenario::{Expect, ExtractFrom, Scenario, Step};
use serde_json::json;

/// A published page with a call to action.
const SLUG: &str = "stem-scholarships-ohio";

/// The workload. One user after the other: a password is hashed for some tens of milliseconds on purpose.
pub(super) fn student_funnel() -> Scenario {
    let title = "A visitor of A7 signs up, uses the assistant for the first time and buys the micro pack";
    let funnel = Scenario::new("a5_student_funnel", AppId::A5, title).constant_vus(
        1,
        Duration::from_secs(40),
        Duration::from_secs(1),
    );
    let steps = [arrival(), sign_up(), first_use(), checkout()].concat();
    steps
        .into_iter()
        .fold(funnel, Scenario::step)
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "journey")
        .unscaled()
}

/// The answer names the app, the protocol and the trace it belongs to.
fn keeps_protocol(step: Step, app: AppId) -> Step {
    step.expect_header(header::TRACE_ID, "{{trace_id}}")
        .expect_header(header::PROTOCOL_VERSION, PROTOCOL_VERSION)
        .expect_header(header::APP_ID, app.as_str())
}

/// Reads a page in the way of a browser.
fn page(name: &str, path: &str) -> Step {
    let step = Step::get(name, path).header("accept", "text/html").expect_status(&[200]);
    keeps_protocol(step, AppId::A5).expect_header("content-type", "text/html*")
}

/// Sends a form in the way of a browser.
fn form(name: &str, path: &str, fields: &[(&str, &str)]) -> Step {
    Step::post(name, path).header("accept", "text/html").form(fields)
}

fn form_nonce() -> ExtractFrom {
    ExtractFrom::FormField("form_nonce".to_owned())
}

fn arrival() -> Vec<Step> {
    let beacon = |kind: &str| {
        let step = Step::post(kind, "/api/cta").app(AppId::A7).json(json!({ "slug": SLUG, "kind": kind })).hardened();
        keeps_protocol(step.expect_status(&[201]), AppId::A7)
    };
    let read = Step::get("page", &format!("/p/{SLUG}")).app(AppId::A7).route("GET /p/{slug}").expect_status(&[200]);
    let read = keeps_protocol(read, AppId::A7)
        .extract("from", ExtractFrom::Regex("id=\"cta\"[^>]*from=([a-z0-9-]+)\"".to_owned()));
    let landing = page("landing", "/?from={{var.from}}").route("GET /").expect_body("href=\"/signup?from={{var.from}}");
    vec![read, beacon("impression"), beacon("click"), landing]
}

fn sign_up() -> Vec<Step> {
    let begin = Step::get("signup_form", "/signup?from={{var.from}}")
        .route("GET /signup")
        .header("accept", "text/html")
        .follow_redirects(1)
        .expect_status(&[200])
        .extract("signup", form_nonce());
    let attributes = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let send = form(
        "signup",
        "/signup",
        &[
            ("form_nonce", "{{var.signup}}"),
            ("name", "Test Student"),
            ("email", "test_student_{{trace_id}}@example.test"),
            ("password", "{{iteration_id}}"),
        ],
    )
    .app(AppId::A1)
    .expect_status(&[303])
    .expect_header("location", "*/auth/callback?code=*&iss=*")
    .expect(Expect::Cookie {
        name: "a1_session".to_owned(),
        attributes: attributes(&["Secure", "HttpOnly", "SameSite=None", "Path=/"]),
    })
    .extract("code", ExtractFrom::RedirectQuery("code".to_owned()))
    .extract("state", ExtractFrom::RedirectQuery("state".to_owned()))
    .extract("iss", ExtractFrom::RedirectQuery("iss".to_owned()));
    let callback = Step::get("callback", "/auth/callback?code={{var.code}}&state={{var.state}}&iss={{var.iss}}")
        .route("GET /auth/callback")
        .header("accept", "text/html")
        .expect_status(&[303])
        .expect_header("location", "*/dashboard")
        .expect(Expect::Cookie {
            name: "a5_session".to_owned(),
            attributes: attributes(&["Secure", "HttpOnly", "SameSite=Lax", "Path=/"]),
        });
    let dashboard = page("dashboard", "/dashboard").expect_body("Welcome, Test Student");
    vec![begin, keeps_protocol(send, AppId::A1), keeps_protocol(callback, AppId::A5), dashboard]
}

fn first_use() -> Vec<Step> {
    let ask = page("onboarding", "/onboarding").extract("ask", form_nonce());
    let answer = form("first_action", "/onboarding", &[("form_nonce", "{{var.ask}}"), ("goal", "next_step")])
        .expect_status(&[200])
        .expect_body("data-field=\"answer\"");
    vec![ask, keeps_protocol(answer, AppId::A5)]
}

fn checkout() -> Vec<Step> {
    let pricing = page("pricing", "/pricing").expect_body("action=\"/checkout\"").extract("choose", form_nonce());
    let choose = form("checkout", "/checkout", &[("form_nonce", "{{var.choose}}"), ("plan", "micro")])
        .follow_redirects(1)
        .expect_status(&[200])
        .extract("session", ExtractFrom::Regex("action=\"/pay/(cs_[A-Za-z0-9_]+)\"".to_owned()))
        .extract("pay", form_nonce());
    let fields = [("form_nonce", "{{var.pay}}"), ("card", "4242424242424242")];
    let pay = form("pay", "/pay/{{var.session}}", &fields)
        .route("POST /pay/{session_id}")
        .follow_redirects(1)
        .expect_status(&[200])
        .expect_body("data-field=\"payment\">paid");
    let credits = keeps_protocol(Step::get("credits", "/api/credits").expect_status(&[200]), AppId::A5);
    vec![pricing, choose, pay, credits.expect_json("/balance", 14)]
}
