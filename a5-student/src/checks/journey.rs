//! A student's way through A5 and A1, form by form and redirect by redirect.

use common::check::{CheckContext, CheckError};
use common::client::{Reply, Session};
use common::ids::AppId;

use super::html;

/// A synthetic student.
#[derive(Debug, Clone)]
pub(super) struct Student {
    pub(super) name: String,
    pub(super) email: String,
    password: String,
}

impl Student {
    pub(super) fn new() -> Self {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let name = format!("Test Student {}", &id[24..]);
        Self { name, email: format!("test_student_{id}@example.test"), password: uuid::Uuid::new_v4().to_string() }
    }
}

/// Follows redirects to the page at their end, at most ten.
pub(super) async fn settle(session: &Session, mut reply: Reply) -> Result<Reply, CheckError> {
    for _ in 0..10 {
        if !matches!(reply.status, 301..=308) {
            return Ok(reply);
        }
        reply = session.follow(&reply)?.header("accept", "text/html").native_errors().send().await?;
    }
    Err(CheckError::Broken(format!("{} is the tenth redirect in a row", reply.request())))
}

/// Opens a page of A5 as a browser does.
pub(super) async fn open(session: &Session, path: &str) -> Result<Reply, CheckError> {
    let reply = session.get(AppId::A5, path).header("accept", "text/html").native_errors().send().await?;
    settle(session, reply).await
}

/// Signs a new student up from a link of A5; the answer is the page at the end.
pub(super) async fn sign_up(cx: &CheckContext, student: &Student, link: &str) -> Result<(Session, Reply), CheckError> {
    let session = Session::new(&cx.client);
    let form = open(&session, link).await?;
    let text = form.text();
    let fields = [
        ("form_nonce", hidden(&form, &text)?),
        ("name", student.name.as_str()),
        ("email", &student.email),
        ("password", &student.password),
    ];
    let reply = session.post(AppId::A1, "/signup").form(&fields).native_errors().send().await?;
    let page = settle(&session, reply).await?;
    Ok((session, page))
}

/// Logs a known student in in this browser.
pub(super) async fn log_in(session: &Session, student: &Student) -> Result<Reply, CheckError> {
    let form = open(session, "/login").await?;
    let text = form.text();
    let fields =
        [("form_nonce", hidden(&form, &text)?), ("username", student.email.as_str()), ("password", &student.password)];
    let reply = session.post(AppId::A1, "/login").form(&fields).native_errors().send().await?;
    settle(session, reply).await
}

fn hidden<'a>(form: &Reply, text: &'a str) -> Result<&'a str, CheckError> {
    let lacking = || CheckError::Broken(format!("{} answered {} without a form", form.request(), form.status));
    html::hidden(text, "form_nonce").ok_or_else(lacking)
}
