//! An AI action: a credit is set aside, A4 is asked, and the credit is spent once the answer is there. An action that
//! breaks off spends nothing; what was set aside is free again after a minute, or when the app starts again.

use std::time::Duration;

use common::args;
use common::ids::AppId;
use common::service::{DbError, Defect, Emit, RequestContext, Tx};
use common::telemetry::{BusinessMetrics, EventName};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::reference::ledger::{self, Kind, Posted, Posting};
use crate::reference::money;
use crate::reference::outside::{OutsideError, answer};
use crate::reference::sessions::Student;
use crate::reference::state::A5;

/// How long a credit stays set aside for an answer that does not come.
const SET_ASIDE_MS: i64 = 60_000;
/// How long, and how often, the same form waits for the answer to its first sending.
const WAIT: (u32, Duration) = (100, Duration::from_millis(100));

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answered {
    Yes { goal: String, answer: String },
    OutOfCredits,
    InProgress,
    NoAssistant,
}

/// Where the action of a form stands.
enum Standing {
    Mine,
    Answered(Answered),
    Elsewhere,
}

/// Asks once for a form's nonce.
pub(super) async fn once(
    app: &A5,
    context: &RequestContext,
    student: &Student,
    nonce: &str,
    goal: &str,
    question: &'static str,
) -> Result<Answered, DbError> {
    for _ in 0..WAIT.0 {
        match set_aside(app, student, nonce, goal).await? {
            Standing::Mine => return ask_to_the_end(app, context, student, nonce, goal, question).await,
            Standing::Answered(answered) => return Ok(answered),
            Standing::Elsewhere => tokio::time::sleep(WAIT.1).await,
        }
    }
    Ok(Answered::InProgress)
}

/// Sets a credit aside for the form, unless it has its answer or is being answered.
async fn set_aside(app: &A5, student: &Student, nonce: &str, goal: &str) -> Result<Standing, DbError> {
    let now_ms = app.now_ms();
    let mut tx = app.ctx().db.begin().await?;
    let rows = tx.query("SELECT goal, answer, expires_ms FROM actions WHERE nonce = $1", args![nonce]).await?;
    if let Some(row) = rows.first() {
        if let Some(answer) = row.opt_text("answer")? {
            return Ok(Standing::Answered(Answered::Yes { goal: row.text("goal")?, answer }));
        }
        if row.int("expires_ms")? > now_ms {
            return Ok(Standing::Elsewhere);
        }
    }
    let sql = "SELECT nonce FROM actions WHERE sub = $1 AND answer IS NULL AND expires_ms > $2";
    let others = i64::try_from(tx.query(sql, args![&student.sub, now_ms]).await?.len()).unwrap_or(i64::MAX);
    if ledger::balance_in(&mut tx, &ledger::account(&student.sub)).await? <= others {
        return Ok(Standing::Answered(Answered::OutOfCredits));
    }
    let sql = "INSERT INTO actions (nonce, sub, goal, expires_ms) VALUES ($1, $2, $3, $4)
               ON CONFLICT (nonce) DO UPDATE SET goal = $3, expires_ms = $4";
    tx.execute(sql, args![nonce, &student.sub, goal, now_ms + SET_ASIDE_MS]).await?;
    tx.commit().await?;
    Ok(Standing::Mine)
}

/// Asks and settles in a task of its own, so that it ends even if the browser does not wait.
async fn ask_to_the_end(
    app: &A5,
    context: &RequestContext,
    student: &Student,
    nonce: &str,
    goal: &str,
    question: &'static str,
) -> Result<Answered, DbError> {
    let (told, tells) = oneshot::channel();
    let (app, context, student) = (app.clone(), context.clone(), student.clone());
    let (nonce, goal) = (nonce.to_owned(), goal.to_owned());
    app.clone().ctx().tasks.spawn(|_| async move {
        let answered = match complete(&app, &context, question).await {
            Ok(answer) => settle(&app, &context, &student, &nonce, goal, answer).await,
            Err(error) => {
                tracing::warn!(%error, "the assistant gave no answer");
                free(&app, &nonce).await.map(|()| Answered::NoAssistant)
            }
        };
        drop(told.send(answered));
    });
    tells.await.unwrap_or(Ok(Answered::InProgress))
}

async fn complete(app: &A5, context: &RequestContext, question: &str) -> Result<String, OutsideError> {
    let body = json!({ "model": "scholar-sage-1", "messages": [{ "role": "user", "content": question }] });
    let at = "/v1/chat/completions";
    let request = app.ctx().upstream.request(context, AppId::A4, Method::POST, at)?;
    let completion: Value = answer(request.json(&body).send().await?, "A4 POST /v1/chat/completions").await?;
    let text = completion.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(OutsideError::strange("A4 POST /v1/chat/completions", "an answer without text"));
    }
    Ok(text.to_owned())
}

/// Frees the credit that was set aside.
async fn free(app: &A5, nonce: &str) -> Result<(), DbError> {
    app.ctx().db.execute("DELETE FROM actions WHERE nonce = $1 AND answer IS NULL", args![nonce]).await.map(drop)
}

/// Frees what an earlier process of the app, which ended before `started_ms`, had set aside: nobody waits for those
/// answers any more.
pub(super) async fn free_left_behind(app: &A5, started_ms: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM actions WHERE answer IS NULL AND expires_ms < $1";
    app.ctx().db.execute(sql, args![started_ms + SET_ASIDE_MS]).await.map(drop)
}

/// Keeps the answer, spends the credit and reports both, in one transaction.
async fn settle(
    app: &A5,
    context: &RequestContext,
    student: &Student,
    nonce: &str,
    goal: String,
    answer: String,
) -> Result<Answered, DbError> {
    let now_ms = app.now_ms();
    let spend = Posting {
        cause: format!("action:{nonce}"),
        kind: Kind::Spend,
        sub: &student.sub,
        credits: 1,
        reason: "Question to the assistant",
        trace_id: context.trace.trace.to_string(),
    };
    let mut tx = app.ctx().db.begin().await?;
    if ledger::post(&mut tx, &spend, now_ms).await? == Posted::TooFew {
        return Ok(Answered::OutOfCredits);
    }
    tx.execute("UPDATE actions SET answer = $2 WHERE nonce = $1", args![nonce, &answer]).await?;
    if !app.ctx().has(Defect::A5NoCreditDecrement) {
        let emit = Emit::new(EventName::CreditDecrement).key(nonce).finance(format!("act_{nonce}"), money::ai_action());
        app.ctx().telemetry.emit(&mut tx, context, emit).await?;
    }
    activate(app, &mut tx, context, student, now_ms).await?;
    tx.commit().await?;
    Ok(Answered::Yes { goal, answer })
}

/// Reports the first AI action of a student, with the minutes since her sign-up.
async fn activate(
    app: &A5,
    tx: &mut Tx,
    context: &RequestContext,
    student: &Student,
    now_ms: i64,
) -> Result<(), DbError> {
    let ttfv_ms = (now_ms - student.since_ms).max(0);
    let sql = "INSERT INTO activations (sub, ttfv_ms, trace_id, at_ms) VALUES ($1, $2, $3, $4)
               ON CONFLICT (sub) DO NOTHING";
    let values = args![&student.sub, ttfv_ms, context.trace.trace.to_string(), now_ms];
    if tx.execute(sql, values).await? == 0 {
        return Ok(());
    }
    #[expect(clippy::cast_precision_loss, reason = "the age of an account is far below 2^53 ms")]
    let minutes = ttfv_ms as f64 / 60_000.0;
    let business = BusinessMetrics { ttfv_min: Some(minutes), ..BusinessMetrics::default() };
    let emit = Emit::new(EventName::ActivationFirstUse).key(format!("first_use:{}", student.sub)).business(business);
    app.ctx().telemetry.emit(tx, context, emit).await
}
