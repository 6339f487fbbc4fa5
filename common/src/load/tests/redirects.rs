//! Journeys as a browser makes them: forms, cookies, redirects, and what a broken one looks like in the report.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::*;
use crate::scenario::{Expect, ExtractFrom};

type Fields = BTreeMap<String, String>;
/// Traces and spans in order of arrival.
type Spans = Arc<Mutex<Vec<String>>>;

/// A small site with a login.
struct Site {
    port: u16,
    spans: Spans,
}

impl Site {
    async fn start() -> Self {
        let spans = Spans::default();
        let app = Router::new()
            .route("/form", get(form))
            .route("/login", post(|body| log_in(body, "/")))
            .route("/login-elsewhere", post(|body| log_in(body, "/admin")))
            .route("/home", get(home))
            .route("/authorize", get(authorize))
            .route("/loop", get(|| async { see(StatusCode::FOUND, "/loop?token=s3cret") }))
            .route("/away", get(|| async { see(StatusCode::FOUND, "http://elsewhere.test/in?token=s3cret") }))
            .route("/nowhere", get(|| async { StatusCode::FOUND }))
            .route("/moved", post(|| async { see(StatusCode::TEMPORARY_REDIRECT, "/echo?x=1") }))
            .route("/echo", post(echo))
            .route("/text", get(|| async { "order-42 ready" }))
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&spans), note_span))
            .with_state(Arc::clone(&spans));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, spans }
    }

    async fn run(&self, scenario: &Scenario) -> LoadReport {
        run(scenario, &guard(self.port), LoadOptions::default()).await.unwrap()
    }
}

async fn note_span(
    State(spans): State<Spans>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    spans.lock().unwrap().push(request.headers()["traceparent"].to_str().unwrap().to_owned());
    next.run(request).await
}

fn see(status: StatusCode, location: &str) -> Response {
    (status, [("location", location.to_owned())]).into_response()
}

async fn form() -> impl IntoResponse {
    let page = r#"<!doctype html><form method=post action="/login"><!-- <input name="csrf" value="old"> -->
        <input value="a&amp;b&quot;c" type="hidden" name="csrf"><input name="user"></form>"#;
    ([("set-cookie", "pre=1; HttpOnly")], Html(page))
}

async fn log_in(Form(fields): Form<Fields>, path: &str) -> Response {
    if fields["csrf"] != "a&b\"c" {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = format!("sid=s3cret-{}; Path={path}; Secure; HttpOnly; SameSite=None", fields["user"]);
    (StatusCode::SEE_OTHER, [("location", "home?welcome=s3cret".to_owned()), ("set-cookie", cookie)]).into_response()
}

async fn home(headers: HeaderMap) -> Response {
    let cookies = headers.get("cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let user = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("sid=s3cret-"));
    let Some(user) = user else { return (StatusCode::UNAUTHORIZED, "no session").into_response() };
    let trace = headers["x-trace-id"].to_str().unwrap().to_owned();
    Json(json!({ "user": user, "trace": trace, "cookies": cookies, "vu": 0 })).into_response()
}

async fn authorize(Query(query): Query<Fields>) -> Response {
    let state = &query["state"];
    see(StatusCode::FOUND, &format!("http://127.0.0.1:49321/cb?code=a%2Bb&state={state}&c={}", query["challenge"]))
}

async fn echo(uri: Uri, headers: HeaderMap, body: String) -> impl IntoResponse {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    Json(
        json!({ "uri": uri.to_string(), "body": body, "type": text("content-type"), "key": text("x-idempotency-key") }),
    )
}

fn journey(steps: impl IntoIterator<Item = Step>) -> Scenario {
    let once = Scenario::new("journey", AppId::A6, "A journey").constant_vus(
        1,
        Duration::from_millis(30),
        Duration::from_millis(10),
    );
    steps.into_iter().fold(once, Scenario::step)
}

fn open_form() -> Step {
    Step::get("form", "/form").extract("csrf", ExtractFrom::FormField("csrf".to_owned()))
}

fn log_in_at(path: &str) -> Step {
    Step::post("login", path).form(&[("csrf", "{{var.csrf}}"), ("user", "u{{iteration}}")]).follow_redirects(3)
}

fn error_of(report: &LoadReport, step: &str) -> String {
    report.step(step).unwrap().failed[0].error.clone().unwrap()
}

#[tokio::test]
async fn a_person_logs_in_over_a_form_with_a_cookie_and_a_redirect() {
    let site = Site::start().await;
    let login = log_in_at("/login")
        .expect_json("/user", "u{{iteration}}")
        .expect_json("/trace", "{{trace_id}}")
        .expect(Expect::JsonMatches { pointer: "/cookies".to_owned(), pattern: "*sid=*{{iteration}}".to_owned() });
    let again = Step::get("again", "/home").expect_body("\"user\":\"u{{iteration}}\"").expect_status(&[200]);
    let report = site.run(&journey([open_form(), login, again])).await;
    for step in &report.steps {
        assert_eq!((step.count, step.ok), (3, 3), "{}: {:?}", step.name, step.failed.first());
    }
    assert_eq!((report.iterations.succeeded, report.iterations.completed), (3, 3));
    assert_eq!(report.step("login").unwrap().statuses[&200], 3, "the last answer counts");
}

#[tokio::test]
async fn a_journey_is_written_down_with_one_trace_and_a_span_for_each_request() {
    let site = Site::start().await;
    let report = site.run(&journey([open_form(), log_in_at("/login")])).await;
    assert_eq!(report.journeys.len(), 3);
    let first = &report.journeys[0];
    let names: Vec<_> = first.hops.iter().map(|hop| (hop.step.as_str(), hop.route.as_str(), hop.status)).collect();
    let expected =
        [("form", "GET /form", Some(200)), ("login", "POST /login", Some(303)), ("login", "GET /home", Some(200))];
    assert_eq!(names, expected);
    assert_eq!(first.hops[1].cookies, ["sid; Path=/; Secure; HttpOnly; SameSite=None"]);
    assert_eq!(first.hops[1].redirects_to.as_deref(), Some("home?welcome=…"));
    assert!(first.ok && first.hops.windows(2).all(|pair| pair[0].offset_us <= pair[1].offset_us), "{first:?}");
    let text = serde_json::to_string(&report).unwrap();
    assert!(!text.contains("s3cret-u"), "no value of a cookie is kept");
    let told = report.journeys.iter().flat_map(|journey| journey.hops.iter().map(move |hop| (journey, hop)));
    let told: Vec<_> = told.map(|(journey, hop)| format!("00-{}-{}-01", journey.trace_id, hop.span_id)).collect();
    assert_eq!(*site.spans.lock().unwrap(), told, "what is written down is what was sent, in order");
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 9);
}

#[tokio::test]
async fn a_cookie_of_another_path_breaks_the_login_and_the_report_names_the_hop() {
    let site = Site::start().await;
    let next = Step::get("next", "/text");
    let report = site.run(&journey([open_form(), log_in_at("/login-elsewhere"), next])).await;
    let error = error_of(&report, "login");
    assert_eq!(error, "status 401, expected 2xx (after A6 POST /login-elsewhere → GET /home)");
    assert_eq!((report.step("login").unwrap().ok, report.step("next").unwrap().ok), (0, 3));
    let broken = &report.journeys[0];
    assert!(!broken.ok && broken.hops[2].error.as_ref().unwrap().contains("401"), "{broken:?}");
    assert_eq!(report.iterations.succeeded, 0);
}

#[tokio::test]
async fn cookies_do_not_outlive_the_iteration_unless_the_scenario_says_so() {
    let site = Site::start().await;
    let visit = || journey([Step::get("home", "/home").expect_status(&[401]), open_form(), log_in_at("/login")]);
    let report = site.run(&visit()).await;
    assert_eq!(report.step("home").unwrap().ok, 3, "each iteration starts as a stranger");
    let report = site.run(&visit().keep_cookies()).await;
    assert_eq!(report.step("home").unwrap().statuses, BTreeMap::from([(200, 2), (401, 1)]));
}

#[tokio::test]
async fn every_kind_of_extract_reaches_the_next_step() {
    let site = Site::start().await;
    let steps = [
        open_form().extract("pre", ExtractFrom::Cookie("pre".to_owned())),
        Step::get("code", "/authorize?state={{iteration_id}}&challenge={{pkce.challenge}}")
            .expect_status(&[302])
            .expect_header("location", "http://127.0.0.1:49321/cb?*state={{iteration_id}}&c={{pkce.challenge}}")
            .extract("code", ExtractFrom::RedirectQuery("code".to_owned()))
            .extract("state", ExtractFrom::RedirectQuery("state".to_owned())),
        Step::get("text", "/text").extract("order", ExtractFrom::Regex(r"order-(\d+)".to_owned())),
        Step::post("echo", "/echo")
            .text("{{var.pre}} {{var.code}} {{var.order}} {{var.csrf}}")
            .hardened()
            .expect_json("/body", "1 a+b 42 a&b\"c")
            .expect_json("/key", "{{idempotency_key}}"),
    ];
    let report = site.run(&journey(steps)).await;
    for step in &report.steps {
        assert_eq!((step.count, step.ok), (3, 3), "{}: {:?}", step.name, step.failed.first());
    }
}

#[tokio::test]
async fn an_extract_that_finds_nothing_is_an_error_with_its_name() {
    let site = Site::start().await;
    for (from, why) in [
        (ExtractFrom::FormField("csrf".to_owned()), "no input \"csrf\""),
        (ExtractFrom::Cookie("sid".to_owned()), "no cookie \"sid\""),
        (ExtractFrom::Regex("nothing(.)".to_owned()), "no match"),
        (ExtractFrom::RedirectQuery("code".to_owned()), "no location"),
        (ExtractFrom::Header("x-next".to_owned()), "no header x-next"),
        (ExtractFrom::Json("/id".to_owned()), "not JSON"),
    ] {
        let report = site.run(&journey([Step::get("text", "/text").extract("wanted", from)])).await;
        let error = error_of(&report, "text");
        assert!(error.starts_with("extract \"wanted\": ") && error.contains(why), "{error}");
        assert_eq!(report.step("text").unwrap().errors[&ErrorKind::Expectation], 3);
    }
}

#[tokio::test]
async fn redirects_that_go_round_end_at_the_limit_of_the_step() {
    let site = Site::start().await;
    let report = site.run(&journey([Step::get("round", "/loop").follow_redirects(2)])).await;
    let error = error_of(&report, "round");
    assert!(error.contains("more than 2 redirects") && error.contains("A6 GET /loop → A6 GET /loop"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    assert_eq!((site.spans.lock().unwrap().len(), report.journeys[0].hops.len()), (9, 3));
}

#[tokio::test]
async fn a_redirect_out_of_the_environment_is_refused_by_name() {
    let site = Site::start().await;
    let report = site.run(&journey([Step::get("out", "/away").follow_redirects(5)])).await;
    let error = error_of(&report, "out");
    assert!(error.contains("not followed") && error.contains("http://elsewhere.test/in"), "{error}");
    assert!(!serde_json::to_string(&report.journeys).unwrap().contains("s3cret"));
    assert_eq!(report.step("out").unwrap().errors[&ErrorKind::Expectation], 3);
    let lost = site.run(&journey([Step::get("lost", "/nowhere").follow_redirects(1)])).await;
    assert!(error_of(&lost, "lost").contains("without a location"));
    let left_alone = site.run(&journey([Step::get("out", "/away").expect_status(&[302])])).await;
    assert_eq!(left_alone.step("out").unwrap().ok, 3, "without leave a redirect is an answer like any other");
}

#[tokio::test]
async fn a_body_moves_along_where_the_redirect_keeps_it() {
    let site = Site::start().await;
    let moved = Step::post("moved", "/moved").text("hello").follow_redirects(1);
    let moved = moved.expect_json("/body", "hello").expect_json("/uri", "/echo?x=1").expect_json_exists("/type");
    let report = site.run(&journey([moved])).await;
    assert_eq!(report.step("moved").unwrap().ok, 3, "{:?}", report.step("moved").unwrap().failed);
}

#[tokio::test]
async fn each_request_of_a_redirected_step_is_joined_on_its_own() {
    let site = Site::start().await;
    let steps = [open_form(), log_in_at("/login"), Step::get("home", "/home").expect_status(&[418])];
    let report = site.run(&journey(steps)).await;
    let traces: Vec<_> = report.traces.iter().map(|record| record.trace_id).collect();
    let trace = *traces.first().expect("the last step fails, so that its trace is kept");
    let own: Vec<_> = report.traces.iter().filter(|record| record.trace_id == trace).collect();
    assert_eq!(own.last().unwrap().status, Some(200), "{own:?}");
    let logins: Vec<_> = report.traces.iter().filter(|record| record.route == "POST /login").collect();
    assert!(logins.iter().all(|record| record.status == Some(303)), "{logins:?}");
}
