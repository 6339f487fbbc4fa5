//! The student's page: one next step, what she has, and where everything is.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::service::{DbError, Problem};
use common::{args, clock};

use super::pages::{self, Frame};
use super::plans::{MICRO, Plan};
use super::sessions::Student;
use super::state::A5;
use super::{ledger, orders};

/// What a student is guided to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextStep {
    Ask,
    BuyCredits,
    PayPlan,
    Upload,
    AskAgain,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    frame: Frame,
    student: Student,
    since: String,
    balance: i64,
    documents: i64,
    next: NextStep,
    /// The chosen plan, if it costs something and was not paid yet.
    unpaid: Option<&'static Plan>,
    micro: &'static Plan,
}

/// `GET /dashboard`.
pub(super) async fn page(State(app): State<A5>, student: Student) -> Result<Response, Problem> {
    let db = &app.ctx().db;
    let balance = ledger::balance(db, &ledger::account(&student.sub)).await?;
    let has_asked = count(&app, "activations", &student.sub).await? > 0;
    let documents = count(&app, "documents", &student.sub).await?;
    let chosen = Some(student.plan).filter(|plan| plan.lookup_key.is_some());
    let unpaid = match chosen {
        Some(plan) if !orders::has_paid(db, &student.sub, plan.id).await? => Some(plan),
        _ => None,
    };
    let page = Dashboard {
        frame: Frame::signed_in(),
        since: clock::rfc3339(student.since_ms).chars().take(10).collect(),
        next: next_step(has_asked, balance, unpaid.is_some(), documents),
        student,
        balance,
        documents,
        unpaid,
        micro: &MICRO,
    };
    Ok(pages::respond(StatusCode::OK, &page))
}

async fn count(app: &A5, table: &str, sub: &str) -> Result<i64, DbError> {
    let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM {table} WHERE sub = $1");
    app.ctx().db.query_one(&sql, args![sub]).await?.map_or(Ok(0), |row| row.int("n"))
}

/// First something of value, then the plan that was chosen, then a document.
fn next_step(has_asked: bool, balance: i64, is_unpaid: bool, documents: i64) -> NextStep {
    match (has_asked, balance, is_unpaid, documents) {
        (false, 1.., ..) => NextStep::Ask,
        (_, _, true, _) => NextStep::PayPlan,
        (_, ..=0, ..) => NextStep::BuyCredits,
        (.., 0) => NextStep::Upload,
        _ => NextStep::AskAgain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_question_comes_before_money_and_money_before_the_rest() {
        assert_eq!(next_step(false, 5, true, 0), NextStep::Ask);
        assert_eq!(next_step(true, 4, true, 0), NextStep::PayPlan);
        assert_eq!(next_step(true, 4, false, 0), NextStep::Upload);
        assert_eq!(next_step(true, 4, false, 2), NextStep::AskAgain);
        assert_eq!(next_step(true, 0, false, 2), NextStep::BuyCredits);
        assert_eq!(next_step(false, 0, true, 0), NextStep::PayPlan);
    }
}
