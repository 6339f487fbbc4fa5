//! The guided first AI action: a prepared question, A4's answer, one credit.

mod action;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::service::{Form, Problem, RequestContext};
use serde::Deserialize;

use super::ledger;
use super::pages::{self, Frame};
use super::plans::{MICRO, Plan};
use super::sessions::Student;
use super::state::A5;
use action::Answered;

/// A question that is ready to be asked.
#[derive(Debug)]
struct Goal {
    id: &'static str,
    title: &'static str,
    hint: &'static str,
    question: &'static str,
}

const GOALS: [Goal; 3] = [
    Goal {
        id: "next_step",
        title: "What should I do next?",
        hint: "One clear step for today.",
        question: "I have just begun to look for scholarships. What is the one next step I should take today, and why?",
    },
    Goal {
        id: "find_awards",
        title: "How do I find awards that fit me?",
        hint: "Where to look, and what to skip.",
        question: "How do I find scholarships that fit my subject and my state, and how do I tell which to skip?",
    },
    Goal {
        id: "plan_week",
        title: "Help me plan this week",
        hint: "Small steps around classes and work.",
        question: "Help me plan this week of scholarship applications beside classes and a job: small steps, day by day.",
    },
];

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    form_nonce: String,
    #[serde(default)]
    goal: String,
}

#[derive(Template)]
#[template(path = "onboarding.html")]
struct Onboarding {
    frame: Frame,
    form_nonce: String,
    goals: &'static [Goal],
    balance: i64,
    complaint: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "answer.html")]
struct AnswerPage {
    frame: Frame,
    goal: &'static Goal,
    paragraphs: Vec<String>,
    balance: i64,
}

#[derive(Template)]
#[template(path = "out_of_credits.html")]
struct OutOfCredits {
    frame: Frame,
    micro: &'static Plan,
}

/// Frees what an earlier process had set aside for answers.
pub(super) fn start(app: &A5) {
    let (app, started_ms) = (app.clone(), app.now_ms());
    app.clone().ctx().tasks.spawn(|_| async move {
        if let Err(error) = action::free_left_behind(&app, started_ms).await {
            tracing::warn!(%error, "what was set aside stays so for a minute");
        }
    });
}

/// `GET /onboarding`.
pub(super) async fn page(State(app): State<A5>, student: Student) -> Result<Response, Problem> {
    Ok(form(&app, &student, StatusCode::OK, None).await?)
}

async fn form(
    app: &A5,
    student: &Student,
    status: StatusCode,
    complaint: Option<&'static str>,
) -> Result<Response, common::service::DbError> {
    let page = Onboarding {
        frame: Frame::signed_in(),
        form_nonce: student.form_nonce(),
        goals: &GOALS,
        balance: ledger::balance(&app.ctx().db, &ledger::account(&student.sub)).await?,
        complaint,
    };
    Ok(pages::respond(status, &page))
}

/// `POST /onboarding`: the same form twice is asked once, and shows the same answer.
pub(super) async fn ask(
    State(app): State<A5>,
    context: RequestContext,
    student: Student,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    if !student.was_shown(&asked.form_nonce) {
        return Ok(pages::stale_form());
    }
    let Some(goal) = GOALS.iter().find(|goal| goal.id == asked.goal) else {
        let complaint = Some("Choose one of the three questions first.");
        return Ok(form(&app, &student, StatusCode::UNPROCESSABLE_ENTITY, complaint).await?);
    };
    match action::once(&app, &context, &student, &asked.form_nonce, goal.id, goal.question).await? {
        Answered::Yes { goal: id, answer } => {
            let page = AnswerPage {
                frame: Frame::signed_in(),
                goal: GOALS.iter().find(|goal| goal.id == id).unwrap_or(goal),
                paragraphs: answer.split("\n").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect(),
                balance: ledger::balance(&app.ctx().db, &ledger::account(&student.sub)).await?,
            };
            Ok(pages::respond(StatusCode::OK, &page))
        }
        Answered::OutOfCredits => {
            let page = OutOfCredits { frame: Frame::signed_in(), micro: &MICRO };
            Ok(pages::respond(StatusCode::PAYMENT_REQUIRED, &page))
        }
        Answered::InProgress => {
            let text = "Your question is being answered. Please send it again in a moment: it costs one credit, once.";
            Ok(pages::message(Frame::signed_in(), StatusCode::CONFLICT, "One moment, please", text))
        }
        Answered::NoAssistant => {
            let text = "The assistant does not answer as it should. No credit was used. Please try again in a minute.";
            Ok(pages::message(Frame::signed_in(), StatusCode::BAD_GATEWAY, "The assistant is away", text))
        }
    }
}
