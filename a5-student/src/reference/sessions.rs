//! Sessions of signed-in students.

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{DbError, Json, Problem, Tx};
use serde_json::json;

use super::plans::{PLANS, Plan};
use super::state::A5;
use super::{cookies, nonces, pages};

/// How long a session lasts; the cookie says the same.
const SESSION_S: i64 = 8 * 60 * 60;
/// The session's cookie.
const SESSION_COOKIE: &str = "a5_session";

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Student {
    pub(super) sub: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) plan: &'static Plan,
    pub(super) since_ms: i64,
    /// The session's secret, that nonces of forms are sealed with.
    token: String,
}

impl Student {
    /// A nonce for a form shown to her in this session.
    pub(super) fn form_nonce(&self) -> String {
        nonces::fresh(&self.token)
    }

    /// True if the nonce is of a form that was shown in this session.
    pub(super) fn was_shown(&self, nonce: &str) -> bool {
        nonces::fits(nonce, &self.token)
    }
}

/// Begins a session and gives its `Set-Cookie` line.
pub(super) async fn begin(app: &A5, tx: &mut Tx, sub: &str, id_token: &str) -> Result<String, DbError> {
    let token = cookies::random_token();
    let sql = "INSERT INTO sessions (digest, sub, id_token, expires_ms) VALUES ($1, $2, $3, $4)";
    let values = args![cookies::digest(&token), sub, id_token, app.now_ms() + SESSION_S * 1_000];
    tx.execute(sql, values).await?;
    Ok(cookies::line(SESSION_COOKIE, &token, SESSION_S))
}

/// The student of a request, if it has a session that has not ended.
pub(super) async fn current(app: &A5, headers: &HeaderMap) -> Result<Option<Student>, DbError> {
    let Some(token) = cookies::read(headers, SESSION_COOKIE) else { return Ok(None) };
    let sql = "SELECT students.sub, name, email, plan, created_ms
               FROM sessions JOIN students ON students.sub = sessions.sub WHERE digest = $1 AND expires_ms > $2";
    let row = app.ctx().db.query_one(sql, args![cookies::digest(&token), app.now_ms()]).await?;
    let student = row.map(|row| {
        Ok::<_, DbError>(Student {
            sub: row.text("sub")?,
            name: row.text("name")?,
            email: row.text("email")?,
            plan: Plan::find(&row.text("plan")?).unwrap_or(&PLANS[0]),
            since_ms: row.int("created_ms")?,
            token: token.clone(),
        })
    });
    student.transpose()
}

/// Handlers that take a student are for the signed-in: others get 401, browsers the login.
impl FromRequestParts<A5> for Student {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &A5) -> Result<Self, Response> {
        match current(app, &parts.headers).await {
            Ok(Some(student)) => Ok(student),
            Ok(None) if pages::wants_html(&parts.headers) => Err(cookies::see_other("/login", &[])),
            Ok(None) => Err(Problem::unauthorized("sign in first: GET /login").into_response()),
            Err(error) => Err(Problem::from(error).into_response()),
        }
    }
}

/// Ends the session here; the page that follows offers to end the one at A1 too.
pub(super) async fn log_out(State(app): State<A5>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = cookies::read(&headers, SESSION_COOKIE) {
        let digest = cookies::digest(&token);
        app.ctx().db.execute("DELETE FROM sessions WHERE digest = $1", args![digest]).await?;
    } else if !pages::wants_html(&headers) {
        return Err(Problem::unauthorized("nobody is signed in: there is no session to end"));
    }
    Ok(cookies::see_other("/signed-out", &[cookies::line(SESSION_COOKIE, "", 0)]))
}

/// The signed-in student as data.
pub(super) async fn me(student: Student) -> Response {
    let answer = json!({
        "sub": student.sub, "name": student.name, "email": student.email, "plan": student.plan.id,
        "price_minor": student.plan.price_minor, "currency": "USD",
    });
    Json(answer).into_response()
}
