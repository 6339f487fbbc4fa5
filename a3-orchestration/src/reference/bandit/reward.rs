//! What came of an arm, and what it teaches.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, DbError, Defect, Json, Problem, RequestContext, Tx, Unit};
use serde::Deserialize;
use serde_json::json;

use super::LIVE;

/// What came of an arm, or of one choice of an experiment.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reward {
    arm: Option<String>,
    choice_id: Option<String>,
    page_view: bool,
    lead: bool,
    checkout: bool,
    complaint: bool,
    /// The status of a page that could not be shown.
    status: Option<u16>,
}

/// What a session teaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Outcome {
    /// It had this reward, -0.4 to 1.
    Value(f64),
    /// There was no page.
    Failed,
}

impl Outcome {
    fn value(self) -> f64 {
        match self {
            Self::Value(value) => value,
            Self::Failed => 0.0,
        }
    }

    /// What is added to alpha and beta. The share above 0 is success and the rest of 1 is failure; harm is failure
    /// beyond a session without any reward, so that a complaint is worse than nothing.
    fn evidence(self) -> (f64, f64) {
        (self.value().max(0.0), 1.0 - self.value())
    }
}

impl Reward {
    /// `0.05·page_view + 0.3·lead + 0.65·checkout − 0.4·complaint`, or nothing where there was no page.
    fn outcome(&self, ctx: &Ctx) -> Outcome {
        if self.status.is_some_and(|status| status >= 500) {
            return Outcome::Failed;
        }
        let share = |happened, weight: f64| if happened { weight } else { 0.0 };
        let harm = if ctx.has(Defect::A3ComplaintsIgnored) { 0.0 } else { share(self.complaint, 0.4) };
        let good = share(self.page_view, 0.05) + share(self.lead, 0.3) + share(self.checkout, 0.65);
        Outcome::Value(good - harm)
    }

    fn check(&self) -> Result<(), Problem> {
        if self.arm.is_some() == self.choice_id.is_some() {
            return Err(Problem::invalid("/arm", "name either an `arm` or a `choice_id`"));
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

pub(crate) async fn reward(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(reward): Json<Reward>,
) -> Result<Response, Problem> {
    reward.check()?;
    let mut tx = unit.tx().await?;
    let (bandit, arm) = subject(&mut tx, &reward).await?;
    let of_live = bandit == LIVE;
    let counted = !of_live || !context.test_run || ctx.has(Defect::A3TestRewardsTeach);
    let outcome = reward.outcome(&ctx);
    let id = uuid::Uuid::now_v7().to_string();
    let trace = context.trace.trace.to_string();
    let sql = "INSERT INTO rewards (reward_id, arm, trace_id, value, counted, at_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    let kept = counted && of_live;
    tx.execute(sql, args![&id, &arm, trace, outcome.value(), kept, ctx.clock.unix_ms()]).await?;
    if counted {
        teach(&ctx, &mut tx, &bandit, &arm, outcome).await?;
        super::report(&ctx, &mut tx, &context, &bandit, None).await?;
    }
    let why = match (of_live, counted) {
        (false, _) => "experiment",
        (true, true) => "live",
        (true, false) => "test_run",
    };
    let body = json!({
        "reward_id": id, "arm": arm, "value": outcome.value(), "counted": counted, "because": why,
    });
    Ok(Json(body).into_response())
}

/// Which bandit and arm a reward is for. A choice is rewarded once.
async fn subject(tx: &mut Tx, reward: &Reward) -> Result<(String, String), Problem> {
    if let Some(choice) = &reward.choice_id {
        let sql = "SELECT bandit_id, arm, rewarded FROM choices WHERE choice_id = $1";
        let rows = tx.query(sql, args![choice]).await?;
        let unknown = || Problem::invalid("/choice_id", "there is no such choice, or its experiment is forgotten");
        let row = rows.first().ok_or_else(unknown)?;
        if row.int("rewarded")? != 0 {
            return Err(Problem::conflict("already-rewarded", "this choice has its reward: a choice is one session"));
        }
        tx.execute("UPDATE choices SET rewarded = 1 WHERE choice_id = $1", args![choice]).await?;
        return Ok((row.text("bandit_id")?, row.text("arm")?));
    }
    let arm = reward.arm.clone().unwrap_or_default();
    let sql = "SELECT arm FROM bandit_arms WHERE bandit_id = $1 AND arm = $2";
    if tx.query(sql, args![LIVE, &arm]).await?.is_empty() {
        return Err(Problem::invalid("/arm", "there is no such arm: `GET /bandit` lists those there are"));
    }
    Ok((LIVE.to_owned(), arm))
}

/// Moves the belief of an arm.
pub(super) async fn teach(ctx: &Ctx, tx: &mut Tx, bandit: &str, arm: &str, outcome: Outcome) -> Result<(), DbError> {
    if ctx.has(Defect::A3BanditIgnoresRewards) {
        return Ok(());
    }
    let (success, failure) = outcome.evidence();
    let sql = "UPDATE bandit_arms SET alpha = alpha + $3, beta = beta + $4, rewards = rewards + $5,
               failures = failures + $6 WHERE bandit_id = $1 AND arm = $2";
    let failed = outcome == Outcome::Failed;
    tx.execute(sql, args![bandit, arm, success, failure, i64::from(!failed), failed]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(value: f64) -> (f64, f64) {
        Outcome::Value(value).evidence()
    }

    #[test]
    fn evidence_is_worth_one_session_and_harm_is_worth_more() {
        assert_eq!(moved(1.0), (1.0, 0.0));
        assert_eq!(moved(0.25), (0.25, 0.75));
        assert_eq!(moved(0.0), (0.0, 1.0));
        assert_eq!(Outcome::Failed.evidence(), (0.0, 1.0));
        assert_eq!(moved(-0.4), (0.0, 1.4));
    }

    #[test]
    fn every_complaint_leaves_the_belief_worse_than_the_session_without_it() {
        for value in [1.0, 0.65, 0.35, 0.3, 0.05, 0.0] {
            let mean = |(alpha, beta): (f64, f64)| (2.0 + alpha) / (4.0 + alpha + beta);
            assert!(mean(moved(value - 0.4)) < mean(moved(value)), "{value}");
        }
    }

    #[test]
    fn a_reward_names_one_subject_and_no_view_of_a_page_that_was_not_shown() {
        let arm = || Reward { arm: Some("a".into()), ..Reward::default() };
        assert!(arm().check().is_ok());
        assert!(Reward::default().check().is_err());
        assert!(Reward { choice_id: Some("c".into()), ..arm() }.check().is_err());
        assert!(Reward { status: Some(503), ..arm() }.check().is_ok());
        assert!(Reward { status: Some(503), page_view: true, ..arm() }.check().is_err());
        assert!(Reward { status: Some(7), ..arm() }.check().is_err());
    }
}
