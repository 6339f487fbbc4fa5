//! What follows a sign-up, in sentences: the first question, documents, and the jobs that are left behind.

use common::args;
use common::client::{Reply, Session};
use common::ids::AppId;
use common::service::{AppDef, Bound};
use common::testkit::Ecosystem;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{balance, hidden, sign_in};

fn with_assistant() -> Vec<AppDef> {
    vec![a1_auth::reference::app(), a4_chat::reference::app(), a5_student::reference::app()]
}

async fn send_question(session: &Session, nonce: &str) -> Reply {
    let form = [("form_nonce", nonce), ("goal", "next_step")];
    session.post(AppId::A5, "/onboarding").form(&form).native_errors().send().await.unwrap()
}

async fn ask(session: &Session) -> Reply {
    let page = session.get(AppId::A5, "/onboarding").send().await.unwrap().text();
    send_question(session, hidden(&page, "form_nonce")).await
}

async fn log_of(eco: &Ecosystem, session: &Session) -> Reply {
    eco.client().get(AppId::A5, &format!("/api/transactions/{}", session.trace())).send().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_costs_one_credit_and_activates_once() {
    let eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    for left in [4, 3] {
        let answer = ask(&session).await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("data-field=\"answer\""), "{}", answer.text());
        assert_eq!(balance(&session).await, left);
    }
    let log = log_of(&eco, &session).await;
    let activations = log.pointer("/activations").unwrap();
    assert_eq!(activations.as_array().unwrap().len(), 1, "{activations}");
    let spent = log.pointer("/ledger").unwrap().as_array().unwrap().iter().filter(|e| e["kind"] == "spend").count();
    assert_eq!(spent, 2);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_form_sent_three_times_is_asked_once_and_shows_one_answer() {
    let eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    let page = session.get(AppId::A5, "/onboarding").send().await.unwrap().text();
    let nonce = hidden(&page, "form_nonce");
    let (first, second) = tokio::join!(send_question(&session, nonce), send_question(&session, nonce));
    let third = send_question(&session, nonce).await;
    assert_eq!([first.status, second.status, third.status], [200; 3]);
    assert_eq!((first.text() == third.text(), second.text() == third.text()), (true, true));
    assert_eq!(balance(&session).await, 4);
    assert_eq!(send_question(&session, "made-up.nonce").await.status, 403);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_credits_a_question_is_not_sent_and_the_page_leads_to_the_prices() {
    let assistant = MockServer::start().await;
    let answer = json!({ "choices": [{ "message": { "content": "Begin with your state's list." } }] });
    Mock::given(path("/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&assistant)
        .await;
    let eco = with_assistant_at(&assistant).await;
    let (session, _) = sign_in(&eco).await;
    let asked = tokio::join!(ask(&session), ask(&session), ask(&session), ask(&session), ask(&session), ask(&session));
    let mut statuses = [asked.0, asked.1, asked.2, asked.3, asked.4, asked.5].map(|reply| reply.status);
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 402]);
    let refused = ask(&session).await;
    assert_eq!(refused.status, 402);
    assert!(refused.text().contains("href=\"/pricing\""));
    assert_eq!((balance(&session).await, assistant.received_requests().await.unwrap().len()), (0, 5));
    eco.stop().await;
}

async fn with_assistant_at(assistant: &MockServer) -> Ecosystem {
    let uri: url::Url = assistant.uri().parse().unwrap();
    Ecosystem::start_with(crate::support::apps(), |config| {
        config.upstreams.insert(AppId::A4, uri.clone());
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_that_fails_costs_nothing() {
    let assistant = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(503)).mount(&assistant).await;
    let eco = with_assistant_at(&assistant).await;
    let (session, _) = sign_in(&eco).await;
    for _ in 0..6 {
        assert_eq!(ask(&session).await.status, 502);
    }
    assert_eq!(balance(&session).await, 5);
    eco.stop().await;
}

/// An upload form as browsers send it.
fn upload(nonce: &str, kind: &str, text: &str) -> String {
    format!(
        "--B\r\nContent-Disposition: form-data; name=\"form_nonce\"\r\n\r\n{nonce}\r\n\
         --B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nMy activities\r\n\
         --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"activities.txt\"\r\n\
         Content-Type: {kind}\r\n\r\n{text}\r\n--B--\r\n"
    )
}

async fn send_document(session: &Session, nonce: &str, kind: &str, text: &str) -> Reply {
    let request = session.post(AppId::A5, "/documents");
    let body = upload(nonce, kind, text);
    request.body(body, "multipart/form-data; boundary=B").native_errors().send().await.unwrap()
}

async fn document_nonce(session: &Session) -> String {
    let page = session.get(AppId::A5, "/documents").send().await.unwrap().text();
    hidden(&page, "form_nonce").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_kept_once_for_its_form_and_shows_its_outcome() {
    let eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    let nonce = document_nonce(&session).await;
    let text = "I tutor 12 younger students in mathematics.";
    let first = send_document(&session, &nonce, "text/plain", text).await;
    let again = send_document(&session, &nonce, "text/plain", text).await;
    assert_eq!((first.status, first.header("location")), (303, again.header("location")));
    let page = session.get(AppId::A5, first.header("location").unwrap()).send().await.unwrap().text();
    assert!(page.contains("data-field=\"words\">7") && page.contains("<li>community</li>"), "{page}");
    let list = session.get(AppId::A5, "/documents").send().await.unwrap().text();
    assert_eq!(list.matches("My activities").count(), 1);
    let stranger = Session::new(eco.client());
    let hidden = stranger.get(AppId::A5, first.header("location").unwrap()).send().await.unwrap();
    assert_eq!(hidden.status, 401);
    assert_eq!(log_of(&eco, &session).await.pointer("/documents/0/state"), Some(json!("analyzed")));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_readable_document_is_refused_in_words() {
    let eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    let long = "a ".repeat(100_001);
    for (kind, text, status) in
        [("application/pdf", "%PDF", 415), ("text/plain", "  ", 422), ("text/markdown", long.as_str(), 413)]
    {
        let refused = send_document(&session, &document_nonce(&session).await, kind, text).await;
        assert_eq!(refused.status, status);
        assert!(refused.text().contains("role=\"alert\""), "{kind}");
    }
    let not_multipart = session.post(AppId::A5, "/documents").form(&[("title", "x")]).send().await.unwrap();
    assert_eq!(not_multipart.status, 400);
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_waits_for_an_assistant_that_is_down_and_is_read_after_a_restart() {
    let assistant = MockServer::start().await;
    let down = ResponseTemplate::new(503);
    Mock::given(method("POST")).respond_with(down).up_to_n_times(1).mount(&assistant).await;
    let mut eco = with_assistant_at(&assistant).await;
    let (session, _) = sign_in(&eco).await;
    let sent = send_document(&session, &document_nonce(&session).await, "text/plain", "I paint.").await;
    let path = sent.header("location").unwrap().to_owned();
    let page = session.get(AppId::A5, &path).send().await.unwrap().text();
    assert!(page.contains("waits to be read") && page.contains("http-equiv=\"refresh\""), "{page}");
    let running = eco.forget(AppId::A5);
    let (address, config) = (running.address, (*running.ctx.config).clone());
    running.stop().await;
    let outcome = json!({ "outcome": { "words": 2, "themes": ["arts"], "next_steps": ["Say why."] } });
    assistant.reset().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200).set_body_json(outcome)).mount(&assistant).await;
    let running = Bound::new(AppId::A5, address).await.unwrap();
    let running = running.serve(a5_student::reference::app(), config).await.unwrap();
    let cx = eco.context();
    let read = cx.eventually(|| async {
        let page = session.get(AppId::A5, &path).send().await?.text();
        Ok(page.contains("data-field=\"words\">2").then_some(()))
    });
    assert_eq!(read.await.unwrap(), Some(()));
    running.stop().await;
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_a_crash_interrupted_is_answered_when_it_is_sent_again() {
    let mut eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    let page = session.get(AppId::A5, "/onboarding").send().await.unwrap().text();
    let nonce = hidden(&page, "form_nonce");
    let running = eco.forget(AppId::A5);
    // As a crash leaves it: a credit is set aside for a minute, and nobody waits for the answer.
    let sql = "INSERT INTO actions (nonce, sub, goal, expires_ms) SELECT $1, sub, 'next_step', $2 FROM students";
    let expires_ms = running.ctx.clock.unix_ms() + 59_000;
    running.ctx.db.execute(sql, args![nonce, expires_ms]).await.unwrap();
    let (address, config) = (running.address, (*running.ctx.config).clone());
    running.stop().await;
    let running = Bound::new(AppId::A5, address).await.unwrap();
    let running = running.serve(a5_student::reference::app(), config).await.unwrap();
    assert_eq!(send_question(&session, nonce).await.status, 200);
    assert_eq!(balance(&session).await, 4);
    running.stop().await;
    eco.stop().await;
}

/// A CRM that fails once, then knows the contact; and an A3 that takes runs.
async fn outside() -> MockServer {
    let server = MockServer::start().await;
    let contacts = || Mock::given(path("/crm/v3/objects/contacts"));
    contacts().respond_with(ResponseTemplate::new(502)).up_to_n_times(1).with_priority(1).mount(&server).await;
    let conflict = json!({ "category": "CONFLICT", "message": "Contact already exists. Existing ID: 7" });
    contacts().respond_with(ResponseTemplate::new(409).set_body_json(conflict)).mount(&server).await;
    let taken = ResponseTemplate::new(202).set_body_json(json!({ "run_id": "run-1" }));
    Mock::given(path("/orchestration/run")).respond_with(taken).mount(&server).await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_from_a_page_tells_the_crm_and_asks_for_one_run_in_its_trace() {
    let outside = outside().await;
    let uri = outside.uri();
    let eco = Ecosystem::start_with(crate::support::apps(), |config| {
        config.options.insert("crm_base_url".to_owned(), uri.clone());
        config.upstreams.insert(AppId::A3, uri.parse().unwrap());
    })
    .await;
    let landing = eco.client().get(AppId::A5, "/?from=stem-awards").send().await.unwrap().text();
    assert!(landing.contains("href=\"/signup?from=stem-awards\""));
    let session = sign_up(&eco, "/signup?plan=starter&from=stem-awards").await;
    let cx = eco.context();
    let done = cx.eventually(|| async {
        let log = eco.client().get(AppId::A5, &format!("/api/transactions/{}", session.trace())).send().await?;
        let is_done = log.pointer("/sign_ups/0/crm") == Some(json!("recorded"));
        (is_done && log.pointer("/runs/0/state") == Some(json!("asked"))).then(|| log.json()).transpose()
    });
    let log = done.await.unwrap().unwrap();
    assert_eq!(log["sign_ups"][0]["source_slug"], "stem-awards");
    assert_eq!(log["runs"], json!([{ "state": "asked", "run_id": "run-1" }]));
    let sent = outside.received_requests().await.unwrap();
    let runs: Vec<_> = sent.iter().filter(|sent| sent.url.path() == "/orchestration/run").collect();
    let asked: Value = serde_json::from_slice(&runs[0].body).unwrap();
    assert_eq!((runs.len(), asked["from_slug"].as_str()), (1, Some("stem-awards")));
    assert_eq!(runs[0].headers["x-trace-id"].to_str().unwrap(), session.trace().to_string());
    assert!(runs[0].headers["x-idempotency-key"].to_str().unwrap().starts_with("a5:welcome:"));
    assert!(!asked.to_string().contains("Jo") && !asked.to_string().contains('@'), "{asked}");
    let contact = sent.iter().find(|sent| sent.url.path() == "/crm/v3/objects/contacts").unwrap();
    let contact: Value = serde_json::from_slice(&contact.body).unwrap();
    assert_eq!(
        (&contact["properties"]["firstname"], &contact["properties"]["lastname"]),
        (&json!("Jo"), &json!("March"))
    );
    eco.stop().await;
}

pub(crate) async fn sign_up(eco: &Ecosystem, link: &str) -> Session {
    let session = Session::new(eco.client());
    let start = session.get(AppId::A5, link).send().await.unwrap();
    let mut form = session.follow(&start).unwrap().send().await.unwrap();
    while form.status == 303 {
        form = session.follow(&form).unwrap().send().await.unwrap();
    }
    let text = form.text();
    let fields = [
        ("form_nonce", hidden(&text, "form_nonce")),
        ("name", "Jo March"),
        ("email", "test_student_jo@example.test"),
        ("password", "correct horse battery"),
    ];
    let sent = session.post(AppId::A1, "/signup").form(&fields).send().await.unwrap();
    let callback = session.follow(&sent).unwrap().send().await.unwrap();
    assert_eq!((callback.status, callback.header("location")), (303, Some("/dashboard")));
    session
}

#[tokio::test(flavor = "multi_thread")]
async fn coming_back_grants_nothing_and_asks_for_nothing_again() {
    let eco = Ecosystem::start(with_assistant()).await;
    let (session, _) = sign_in(&eco).await;
    let (again, _) = sign_in(&eco).await;
    assert_eq!((balance(&session).await, balance(&again).await), (5, 5));
    let log = log_of(&eco, &again).await;
    assert_eq!((log.pointer("/sign_ups"), log.pointer("/runs")), (Some(json!([])), Some(json!([]))));
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_leads_nowhere_is_a_page_for_browsers_and_a_problem_for_programs() {
    let eco = Ecosystem::start(crate::support::apps()).await;
    let browser = eco.client().get(AppId::A5, "/no/such").header("accept", "text/html").native_errors();
    let page = browser.send().await.unwrap();
    assert!(page.status == 404 && page.text().contains("There is no such page"));
    assert_eq!(eco.client().post(AppId::A5, "/no/such").send().await.unwrap().status, 404);
    eco.stop().await;
}
