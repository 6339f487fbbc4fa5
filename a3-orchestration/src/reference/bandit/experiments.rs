//! Experiments: bandits of tests, on which learning can be tried without teaching the one that live traffic meets.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::args;
use common::service::{Ctx, DbError, Json, Path, Problem, RequestContext, Tx, Unit};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde::Deserialize;
use serde_json::json;

use super::{Bandit, LIVE, store, view};
use crate::reference::Shared;

/// How many experiments are kept; the oldest goes for a new one.
const MOST: i64 = 100;
/// How long an experiment is kept.
const KEPT_MS: i64 = 60 * 60 * 1_000;
/// How many arms one may have.
const ARMS: std::ops::RangeInclusive<usize> = 2..=10;

/// An experiment that is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewExperiment {
    arms: Vec<String>,
    /// Makes the choices repeatable.
    #[serde(default)]
    seed: Option<u32>,
}

impl NewExperiment {
    fn check(&self) -> Result<(), Problem> {
        let refused = |detail: &str| Err(Problem::invalid("/arms", detail));
        if !ARMS.contains(&self.arms.len()) {
            return refused("an experiment has 2 to 10 arms");
        }
        let is_name = |name: &String| {
            let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            plain && (1..=40).contains(&name.len())
        };
        if !self.arms.iter().all(is_name) {
            return refused("an arm is 1 to 40 lower-case letters, digits and `_`");
        }
        let again = self.arms.iter().enumerate().any(|(index, arm)| self.arms[..index].contains(arm));
        if again { refused("each arm is named once") } else { Ok(()) }
    }
}

/// `POST /bandit/experiments`.
pub(crate) async fn create(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(asked): Json<NewExperiment>,
) -> Result<Response, Problem> {
    want_test(&context)?;
    asked.check()?;
    let (id, now) = (format!("exp_{}", uuid::Uuid::now_v7().simple()), ctx.clock.unix_ms());
    let mut tx = unit.tx().await?;
    forget(&mut tx, now).await?;
    store::add(&mut tx, &id, &asked.arms, asked.seed.map(i64::from), now).await?;
    super::report(&ctx, &mut tx, &context, &id, None).await?;
    let body = json!({ "experiment_id": id, "arms": asked.arms, "kept_until": common::clock::rfc3339(now + KEPT_MS) });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Makes room: those whose time is over go, and the oldest beyond the most that are kept.
async fn forget(tx: &mut Tx, now_ms: i64) -> Result<(), DbError> {
    let sql =
        "SELECT bandit_id, created_ms FROM bandits WHERE bandit_id <> $1 ORDER BY created_ms DESC, bandit_id DESC";
    let rows = tx.query(sql, args![LIVE]).await?;
    let mut gone = Vec::new();
    for (rank, row) in (1_i64..).zip(&rows) {
        if rank >= MOST || row.int("created_ms")? < now_ms - KEPT_MS {
            gone.push(row.text("bandit_id")?);
        }
    }
    store::remove(tx, gone).await
}

/// `POST /bandit/experiments/{id}/choose`.
pub(crate) async fn choose(
    State(shared): State<Shared>,
    context: RequestContext,
    unit: Unit,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    want_test(&context)?;
    let ctx = &shared.ctx;
    let mut tx = unit.tx().await?;
    let bandit = store::read_in(ctx, &mut tx, &id).await?.filter(|bandit| !bandit.is_live());
    let bandit = bandit.ok_or_else(|| view::nothing(&id))?;
    let arm = draw(&shared, &bandit).ok_or_else(|| view::nothing(&id))?;
    let choice = format!("choice_{}", uuid::Uuid::now_v7().simple());
    let sql = "INSERT INTO choices (choice_id, bandit_id, arm, rewarded, at_ms) VALUES ($1, $2, $3, 0, $4)";
    tx.execute(sql, args![&choice, &id, &arm, ctx.clock.unix_ms()]).await?;
    store::pulled(&mut tx, &id, &arm).await?;
    Ok(Json(json!({ "arm": arm, "choice_id": choice })).into_response())
}

/// The arm that a bandit chooses; one with a seed chooses by it and by how often it has chosen.
pub(super) fn draw(shared: &Shared, bandit: &Bandit) -> Option<String> {
    let chosen = match bandit.seed {
        Some(seed) => bandit.choose(&shared.ctx, &mut StdRng::seed_from_u64(nth(seed, bandit.choices))),
        None => shared.dice.with(|rng| bandit.choose(&shared.ctx, rng)),
    };
    chosen.map(|arm| arm.arm.clone())
}

/// Refuses an experiment that there is not, or that live traffic asks for.
pub(crate) async fn want(tx: &mut Tx, context: &RequestContext, id: &str) -> Result<(), Problem> {
    want_test(context)?;
    let known = tx.query("SELECT bandit_id FROM bandits WHERE bandit_id = $1", args![id]).await?;
    if known.is_empty() || id == LIVE {
        return Err(Problem::invalid("/experiment", "there is no such experiment: they are forgotten after an hour"));
    }
    Ok(())
}

/// The seed of the n-th choice (Weyl's sequence; the generator mixes it).
fn nth(seed: i64, choice: i64) -> u64 {
    seed.cast_unsigned().wrapping_add(choice.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Live traffic has a bandit of its own.
fn want_test(context: &RequestContext) -> Result<(), Problem> {
    if context.test_run {
        return Ok(());
    }
    let detail = "experiments are for test traffic: send X-Test-Run: true, or use the live bandit";
    Err(Problem::new(StatusCode::FORBIDDEN, "test-traffic-only", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_are_few_plain_and_different() {
        let asked = |arms: &[&str]| NewExperiment { arms: arms.iter().map(|&arm| arm.into()).collect(), seed: None };
        assert!(asked(&["a", "b_2"]).check().is_ok());
        for bad in [vec!["a"], vec!["a", "a"], vec!["a", "B"], vec!["a", ""], vec!["a"; 11]] {
            assert!(asked(&bad).check().is_err(), "{bad:?}");
        }
    }
}
