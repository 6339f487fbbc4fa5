//! Levers: what a person may do to a bandit. Each pull is in the journal.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, DbError, Json, Problem, RequestContext, Tx, Unit, want_admin};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Bandit, LIVE, store, view, weights};
use crate::reference::journal::{self, Actor};

/// Which levers are pulled. Those that are left out stay as they are.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Levers {
    /// The experiment; the live bandit if left out.
    #[serde(default)]
    experiment: Option<String>,
    /// Holds the weights as they are, or lets them move again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    freeze: Option<bool>,
    /// Forgets what is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reset: Option<bool>,
    /// The least share of choices for each arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    floor: Option<f64>,
}

/// `POST /bandit/levers`.
pub(crate) async fn pull(
    State(ctx): State<Ctx>,
    context: RequestContext,
    headers: HeaderMap,
    unit: Unit,
    Json(levers): Json<Levers>,
) -> Result<Response, Problem> {
    want_admin(&ctx, &headers)?;
    let id = levers.experiment.as_deref().unwrap_or(LIVE);
    if context.test_run && id == LIVE {
        let detail = "test traffic moves no live bandit: name an `experiment`";
        return Err(Problem::new(StatusCode::FORBIDDEN, "live-traffic-only", detail));
    }
    let mut tx = unit.tx().await?;
    let bandit = store::read_in(&ctx, &mut tx, id).await?.ok_or_else(|| view::nothing(id))?;
    levers.check(&bandit)?;
    levers.apply(&mut tx, &bandit).await?;
    let actor = if context.test_run { Actor::Test } else { Actor::Human };
    let detail = json!(levers).to_string();
    let trace = Some(context.trace.trace);
    journal::write(&mut tx, actor, "bandit_levers", Some(&detail), trace, ctx.clock.unix_ms()).await?;
    super::report(&ctx, &mut tx, &context, id, None).await?;
    let moved = store::read_in(&ctx, &mut tx, id).await?.ok_or_else(|| view::nothing(id))?;
    Ok(Json(view::shown(&moved)).into_response())
}

impl Levers {
    fn check(&self, bandit: &Bandit) -> Result<(), Problem> {
        if self.freeze.is_none() && self.reset.is_none() && self.floor.is_none() {
            return Err(Problem::invalid("", "pull at least one of `freeze`, `reset` and `floor`"));
        }
        let most = 1.0 / bandit.arms.len().max(1) as f64;
        if self.floor.is_some_and(|floor| !(0.0..=most).contains(&floor)) {
            return Err(Problem::invalid("/floor", format!("`floor` is 0 to {most:.3}, so that all arms can have it")));
        }
        Ok(())
    }

    /// Forgets first, then sets the floor, then freezes what came of both.
    async fn apply(&self, tx: &mut Tx, bandit: &Bandit) -> Result<(), DbError> {
        if self.reset == Some(true) {
            let sql =
                "UPDATE bandit_arms SET alpha = 1, beta = 1, pulls = 0, rewards = 0, failures = 0, page_views = 0,
                       leads = 0, checkouts = 0, complaints = 0 WHERE bandit_id = $1";
            tx.execute(sql, args![&bandit.id]).await?;
            // What comes of them later is put down to a belief that is gone.
            tx.execute("UPDATE sessions SET counted = 0 WHERE bandit_id = $1", args![&bandit.id]).await?;
        }
        if let Some(floor) = self.floor {
            let sql = "UPDATE bandits SET floor_share = $2 WHERE bandit_id = $1";
            tx.execute(sql, args![&bandit.id, floor]).await?;
        }
        if let Some(freeze) = self.freeze {
            let shares = self.frozen_shares(bandit);
            let frozen = freeze.then(|| json!(shares).to_string());
            tx.execute("UPDATE bandits SET frozen = $2 WHERE bandit_id = $1", args![&bandit.id, frozen]).await?;
        }
        Ok(())
    }

    /// What is held: how often each arm is the best now, or evenly after a reset.
    fn frozen_shares(&self, bandit: &Bandit) -> Vec<f64> {
        if self.reset == Some(true) {
            return weights::best_shares(&vec![(1.0, 1.0); bandit.arms.len()]);
        }
        bandit.best_shares()
    }
}
