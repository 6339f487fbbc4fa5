//! A student's documents: taken in once for each form, read by A4, shown with their outcome. A4 being away delays the
//! outcome and loses nothing.

mod upload;

use askama::Template;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use common::args;
use common::service::{DbError, Emit, Path, Problem, RequestContext, Row};
use common::telemetry::EventName;

use super::analysis::DocumentOutcome;
use super::jobs::{self, JobKind};
use super::pages::{self, Frame};
use super::sessions::Student;
use super::state::A5;
use super::{cookies, ledger};
use upload::Upload;

/// Seconds after which a page that waits for an outcome looks again.
const LOOK_AGAIN_S: u32 = 3;

/// A document as it is shown.
struct Document {
    document_id: String,
    title: String,
    state: String,
    outcome: Option<DocumentOutcome>,
    day: String,
}

impl Document {
    /// Where it stands, for a person.
    fn standing(&self) -> &'static str {
        match self.state.as_str() {
            "analyzed" => "Read",
            "refused" => "Could not be read",
            _ => "Waiting",
        }
    }
}

#[derive(Template)]
#[template(path = "documents.html")]
struct Documents {
    frame: Frame,
    form_nonce: String,
    documents: Vec<Document>,
    complaint: Option<String>,
}

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    frame: Frame,
    document: Document,
    balance: i64,
    look_again_s: u32,
}

/// `GET /documents`.
pub(super) async fn list(State(app): State<A5>, student: Student) -> Result<Response, Problem> {
    Ok(list_page(&app, &student, StatusCode::OK, None).await?)
}

async fn list_page(
    app: &A5,
    student: &Student,
    status: StatusCode,
    complaint: Option<String>,
) -> Result<Response, DbError> {
    let sql = "SELECT * FROM documents WHERE sub = $1 ORDER BY created_ms DESC, document_id DESC LIMIT 100";
    let rows = app.ctx().db.query(sql, args![&student.sub]).await?;
    let documents = rows.iter().map(read).collect::<Result<_, _>>()?;
    let page = Documents { frame: Frame::signed_in(), form_nonce: student.form_nonce(), documents, complaint };
    Ok(pages::respond(status, &page))
}

/// `POST /documents`: keeps the document, has it read at once if A4 answers, and leads to its page.
pub(super) async fn take_in(
    State(app): State<A5>,
    context: RequestContext,
    student: Student,
    request: Request,
) -> Result<Response, Problem> {
    let form = axum::extract::Multipart::from_request(request, &()).await;
    let form = form.map_err(|error| Problem::new(error.status(), "unreadable-form", error.body_text()))?;
    let upload = match Upload::read(form).await {
        Ok(upload) => upload,
        Err(complaint) => {
            return Ok(list_page(&app, &student, complaint.status, Some(complaint.text)).await?);
        }
    };
    if !student.was_shown(&upload.form_nonce) {
        return Ok(pages::stale_form());
    }
    let document_id = keep(&app, &context, &student, &upload).await?;
    Ok(cookies::see_other(&format!("/documents/{document_id}"), &[]))
}

/// Keeps a document once for its form, with the job of having it read, which is tried at once.
async fn keep(app: &A5, context: &RequestContext, student: &Student, upload: &Upload) -> Result<String, DbError> {
    let now_ms = app.now_ms();
    let document_id = format!("doc_{}", uuid::Uuid::now_v7().simple());
    let mut tx = app.ctx().db.begin().await?;
    let sql = "SELECT document_id FROM documents WHERE nonce = $1";
    if let Some(row) = tx.query(sql, args![&upload.form_nonce]).await?.first() {
        return row.text("document_id");
    }
    let sql = "INSERT INTO documents (document_id, sub, nonce, title, body, state, trace_id, created_ms)
               VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)";
    let trace_id = context.trace.trace.to_string();
    let values = args![&document_id, &student.sub, &upload.form_nonce, &upload.title, &upload.text, trace_id, now_ms];
    tx.execute(sql, values).await?;
    let job = jobs::leave(&mut tx, context, JobKind::Document, &document_id, true, now_ms).await?;
    let emit = Emit::new(EventName::DocumentIngested).status(303).key(&document_id);
    app.ctx().telemetry.emit(&mut tx, context, emit).await?;
    tx.commit().await?;
    jobs::carry_out(app, &job).await?;
    Ok(document_id)
}

/// `GET /documents/{id}`, for its owner alone.
pub(super) async fn show(State(app): State<A5>, student: Student, Path(id): Path<String>) -> Result<Response, Problem> {
    let sql = "SELECT * FROM documents WHERE document_id = $1 AND sub = $2";
    let row = app.ctx().db.query_one(sql, args![id, &student.sub]).await?;
    let Some(row) = row else {
        let text = "It is not one of your documents. Your documents page lists all of them.";
        return Ok(pages::message(Frame::signed_in(), StatusCode::NOT_FOUND, "There is no such document", text));
    };
    let page = DocumentPage {
        frame: Frame::signed_in(),
        document: read(&row)?,
        balance: ledger::balance(&app.ctx().db, &ledger::account(&student.sub)).await?,
        look_again_s: LOOK_AGAIN_S,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

fn read(row: &Row) -> Result<Document, DbError> {
    Ok(Document {
        document_id: row.text("document_id")?,
        title: row.text("title")?,
        state: row.text("state")?,
        outcome: row.opt_text("outcome")?.and_then(|text| serde_json::from_str(&text).ok()),
        day: common::clock::rfc3339(row.int("created_ms")?).chars().take(10).collect(),
    })
}
