//! What came of a session, and what it teaches. A session is told in pieces by the apps that see them, and is one reward:
//! the first piece counts it, and later ones correct what it counted for, until its window is over.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, DbError, Defect, Json, Problem, RequestContext, Tx, Unit};
use serde::Deserialize;
use serde_json::json;

use super::session::{Session, Told};
use super::{LIVE, experiments};

/// How long after a session began what comes of it is put down to it.
pub(super) const WINDOW_MS: i64 = 30 * 60 * 1_000;

/// What came of a session on a page, with an arm, or of one choice of an experiment.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reward {
    /// The page of a run, which knows its arm.
    slug: Option<String>,
    arm: Option<String>,
    /// Whose arm it is; the live bandit's if left out.
    experiment: Option<String>,
    choice_id: Option<String>,
    /// Which visit; a choice is a session by itself.
    session_id: Option<String>,
    page_view: bool,
    lead: bool,
    checkout: bool,
    complaint: bool,
    /// The status of what could not be shown or taken.
    status: Option<u16>,
    /// When it happened, if it is told later; milliseconds of Unix time.
    at_ms: Option<i64>,
}

/// Which session of which arm of which bandit.
struct Subject {
    bandit: String,
    page: String,
    arm: String,
    session: String,
}

/// What is known of a session.
struct Known {
    events: Session,
    counted: bool,
    started_ms: i64,
}

impl Reward {
    fn events(&self, ctx: &Ctx) -> Session {
        let failed = self.status.is_some_and(|status| status >= 500);
        let Self { page_view, lead, checkout, complaint, .. } = *self;
        let events = Session::of(Told { page_view, lead, checkout, complaint, failed });
        if ctx.has(Defect::A3ComplaintsIgnored) { events.forgiven() } else { events }
    }

    fn check(&self) -> Result<(), Problem> {
        let subjects = [self.slug.is_some(), self.arm.is_some(), self.choice_id.is_some()];
        if subjects.into_iter().filter(|given| *given).count() != 1 {
            return Err(Problem::invalid("/arm", "name one of `slug`, `arm` and `choice_id`"));
        }
        if self.experiment.is_some() && self.arm.is_none() {
            return Err(Problem::invalid(
                "/experiment",
                "an `experiment` goes with an `arm`: pages and choices know theirs",
            ));
        }
        let is_id = |id: &String| (1..=80).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        if self.choice_id.is_some() == self.session_id.is_some()
            || self.session_id.as_ref().is_some_and(|id| !is_id(id))
        {
            let detail = "`session_id` is 1 to 80 visible characters: a session has one reward; a choice is one itself";
            return Err(Problem::invalid("/session_id", detail));
        }
        let status = self.status.unwrap_or(200);
        if !(200..600).contains(&status) {
            return Err(Problem::invalid("/status", "`status` is what the page was answered with, 200 to 599"));
        }
        let happened = self.page_view || self.lead || self.checkout;
        if status >= 500 && happened {
            return Err(Problem::invalid("/status", "a page that was not shown has no views, leads or checkouts"));
        }
        Ok(())
    }
}

/// `POST /bandit/reward`.
pub(crate) async fn reward(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(reward): Json<Reward>,
) -> Result<Response, Problem> {
    reward.check()?;
    let mut tx = unit.tx().await?;
    let subject = subject(&mut tx, &context, &reward).await?;
    let at_ms = reward.at_ms.map_or(ctx.clock.unix_ms(), |at_ms| at_ms.min(ctx.clock.unix_ms()));
    let known = known(&mut tx, &subject).await?;
    let more = reward.events(&ctx);
    let events = known.as_ref().map_or(more, |known| known.events.and(more));
    let verdict = match &known {
        Some(known) if is_late(&ctx, known, at_ms) => Err("late"),
        Some(known) if !known.counted => counts(&ctx, &subject.bandit, context.test_run).and(Err("forgotten")),
        _ => counts(&ctx, &subject.bandit, context.test_run),
    };
    if verdict != Err("late") {
        keep(&mut tx, &context, &subject, known.as_ref(), events, verdict.is_ok(), at_ms).await?;
    }
    if verdict.is_ok() {
        let before = known.as_ref().map(|known| known.events);
        let before = before.filter(|_| !ctx.has(Defect::A3SessionCountedTwice));
        teach(&ctx, &mut tx, &subject.bandit, &subject.arm, before, events).await?;
        super::report(&ctx, &mut tx, &context, &subject.bandit, None).await?;
    }
    let (counted, because) = verdict.map_or_else(|why| (false, why), |why| (true, why));
    let body = json!({
        "session_id": subject.session, "arm": subject.arm,
        "experiment": (subject.bandit != LIVE).then_some(&subject.bandit),
        "value": if because == "late" { known.map_or(0.0, |known| known.events.value()) } else { events.value() },
        "counted": counted, "because": because,
    });
    Ok(Json(body).into_response())
}

/// Why a session counts, or why it does not: tests teach experiments alone, and live traffic the live bandit alone.
pub(super) fn counts(ctx: &Ctx, bandit: &str, test_run: bool) -> Result<&'static str, &'static str> {
    match (bandit == LIVE, test_run) {
        (true, false) => Ok("live"),
        (false, true) => Ok("experiment"),
        (true, true) if ctx.has(Defect::A3TestRewardsTeach) => Ok("live"),
        (true, true) => Err("test_run"),
        (false, false) => Err("live_traffic"),
    }
}

fn is_late(ctx: &Ctx, known: &Known, at_ms: i64) -> bool {
    at_ms - known.started_ms > WINDOW_MS && !ctx.has(Defect::A3WindowIgnored)
}

/// Which session a reward is for. A choice is rewarded once.
async fn subject(tx: &mut Tx, context: &RequestContext, reward: &Reward) -> Result<Subject, Problem> {
    let session = reward.session_id.clone().unwrap_or_default();
    if let Some(choice) = &reward.choice_id {
        return of_choice(tx, choice).await;
    }
    if let Some(slug) = &reward.slug {
        let sql = "SELECT bandit_id, arm FROM runs WHERE slug = $1 AND arm IS NOT NULL ORDER BY created_ms LIMIT 1";
        let rows = tx.query(sql, args![slug]).await?;
        let row = rows.first().ok_or_else(|| Problem::invalid("/slug", "no run published a page of this name"))?;
        return Ok(Subject { bandit: row.text("bandit_id")?, page: slug.clone(), arm: row.text("arm")?, session });
    }
    if let Some(id) = &reward.experiment {
        experiments::want(tx, context, id).await?;
    }
    let bandit = reward.experiment.clone().unwrap_or_else(|| LIVE.to_owned());
    let arm = reward.arm.clone().unwrap_or_default();
    let sql = "SELECT arm FROM bandit_arms WHERE bandit_id = $1 AND arm = $2";
    if tx.query(sql, args![&bandit, &arm]).await?.is_empty() {
        return Err(Problem::invalid("/arm", "there is no such arm: `GET /bandit` lists those there are"));
    }
    Ok(Subject { bandit, page: format!("arm:{arm}"), arm, session })
}

async fn of_choice(tx: &mut Tx, choice: &str) -> Result<Subject, Problem> {
    let sql = "SELECT bandit_id, arm, rewarded FROM choices WHERE choice_id = $1";
    let rows = tx.query(sql, args![choice]).await?;
    let unknown = || Problem::invalid("/choice_id", "there is no such choice, or its experiment is forgotten");
    let row = rows.first().ok_or_else(unknown)?;
    if row.int("rewarded")? != 0 {
        return Err(Problem::conflict("already-rewarded", "this choice has its reward: a choice is one session"));
    }
    tx.execute("UPDATE choices SET rewarded = 1 WHERE choice_id = $1", args![choice]).await?;
    let (bandit, arm) = (row.text("bandit_id")?, row.text("arm")?);
    Ok(Subject { bandit, page: "choice".to_owned(), arm, session: choice.to_owned() })
}

async fn known(tx: &mut Tx, of: &Subject) -> Result<Option<Known>, DbError> {
    let sql = "SELECT events, counted, started_ms FROM sessions
               WHERE bandit_id = $1 AND page = $2 AND session_id = $3";
    let rows = tx.query(sql, args![&of.bandit, &of.page, &of.session]).await?;
    let read = |row: &common::service::Row| {
        Ok(Known {
            events: Session::read(row.int("events")?),
            counted: row.int("counted")? != 0,
            started_ms: row.int("started_ms")?,
        })
    };
    rows.first().map(read).transpose()
}

/// Writes down what is now known of a session, if nobody else has in the meantime.
async fn keep(
    tx: &mut Tx,
    context: &RequestContext,
    of: &Subject,
    known: Option<&Known>,
    events: Session,
    counted: bool,
    at_ms: i64,
) -> Result<(), Problem> {
    let changed = match known {
        Some(known) => {
            let sql = "UPDATE sessions SET events = $4
                       WHERE bandit_id = $1 AND page = $2 AND session_id = $3 AND events = $5";
            let values = args![&of.bandit, &of.page, &of.session, events.bits(), known.events.bits()];
            tx.execute(sql, values).await?
        }
        None => {
            let sql = "INSERT INTO sessions (bandit_id, page, session_id, arm, events, counted, trace_id, started_ms)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
            let trace = context.trace.trace.to_string();
            let values = args![&of.bandit, &of.page, &of.session, &of.arm, events.bits(), counted, trace, at_ms];
            tx.execute(sql, values).await?
        }
    };
    if changed == 1 {
        return Ok(());
    }
    Err(Problem::unavailable("somebody else tells of this session at the moment: send it again"))
}

/// Moves the belief of an arm from what a session was to what it is.
pub(super) async fn teach(
    ctx: &Ctx,
    tx: &mut Tx,
    bandit: &str,
    arm: &str,
    before: Option<Session>,
    after: Session,
) -> Result<(), DbError> {
    if ctx.has(Defect::A3BanditIgnoresRewards) {
        return Ok(());
    }
    let (old, new) = (before.map_or((0.0, 0.0), Session::evidence), after.evidence());
    let had = before.map_or([0; 6], Session::counts);
    let [rewards, failures, page_views, leads, checkouts, complaints] = after.counts();
    let sql = "UPDATE bandit_arms SET alpha = alpha + $3, beta = beta + $4, rewards = rewards + $5,
               failures = failures + $6, page_views = page_views + $7, leads = leads + $8,
               checkouts = checkouts + $9, complaints = complaints + $10 WHERE bandit_id = $1 AND arm = $2";
    let values = args![
        bandit,
        arm,
        new.0 - old.0,
        new.1 - old.1,
        rewards - had[0],
        failures - had[1],
        page_views - had[2],
        leads - had[3],
        checkouts - had[4],
        complaints - had[5],
    ];
    tx.execute(sql, values).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_names_one_session_and_no_view_of_a_page_that_was_not_shown() {
        let arm = || Reward { arm: Some("a".into()), session_id: Some("s".into()), ..Reward::default() };
        let choice = || Reward { choice_id: Some("c".into()), ..Reward::default() };
        assert!(arm().check().is_ok());
        assert!(choice().check().is_ok());
        assert!(Reward { slug: Some("p".into()), session_id: Some("s".into()), ..Reward::default() }.check().is_ok());
        assert!(Reward { session_id: None, ..arm() }.check().is_err(), "an arm alone is no session");
        assert!(Reward { session_id: Some("s".into()), ..choice() }.check().is_err());
        assert!(Reward { experiment: Some("e".into()), ..choice() }.check().is_err());
        assert!(Reward { session_id: Some("two words".into()), ..arm() }.check().is_err());
        assert!(Reward::default().check().is_err());
        assert!(Reward { choice_id: Some("c".into()), ..arm() }.check().is_err());
        assert!(Reward { status: Some(503), ..arm() }.check().is_ok());
        assert!(Reward { status: Some(503), page_view: true, ..arm() }.check().is_err());
        assert!(Reward { status: Some(7), ..arm() }.check().is_err());
    }
}
