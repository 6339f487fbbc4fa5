//! `GET /bandit`: the arms of the bandit that live traffic meets, or of an experiment.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::service::{Ctx, Json, Problem, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::reward::WINDOW_MS;
use super::{Arm, Bandit, LIVE, gate, store};

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    experiment: Option<String>,
}

pub(crate) async fn show(State(ctx): State<Ctx>, Query(which): Query<Which>) -> Result<Response, Problem> {
    let id = which.experiment.as_deref().unwrap_or(LIVE);
    let bandit = store::read(&ctx, id).await?.ok_or_else(|| nothing(id))?;
    Ok(Json(shown(&bandit)).into_response())
}

/// There is no such experiment, or there is no longer.
pub(super) fn nothing(id: &str) -> Problem {
    Problem::not_found(format!("there is no experiment {id:?}: they are forgotten after an hour"))
}

pub(super) fn shown(bandit: &Bandit) -> Value {
    let (weights, p_best) = (bandit.weights(), bandit.p_best());
    let leading = weights.iter().copied().fold(0.0, f64::max);
    let arms: Vec<_> = bandit
        .arms
        .iter()
        .zip(weights.iter().zip(&p_best))
        .map(|(arm, (weight, p))| shown_arm(arm, *weight, *p))
        .collect();
    json!({
        "experiment": (!bandit.is_live()).then_some(&bandit.id),
        "arms": arms,
        "winner": bandit.winner().map(|arm| &arm.arm),
        "thresholds": gate::thresholds(WINDOW_MS),
        "exploration_rate": (1.0 - leading).max(0.0),
        "floor": bandit.floor,
        "frozen": bandit.frozen.is_some(),
        "choices": bandit.choices,
    })
}

fn shown_arm(arm: &Arm, weight: f64, p_best: f64) -> Value {
    json!({
        "arm": arm.arm, "alpha": arm.alpha, "beta": arm.beta, "mean": arm.alpha / (arm.alpha + arm.beta),
        "pulls": arm.pulls, "rewards": arm.rewards, "failures": arm.failures, "weight": weight, "p_best": p_best,
        "gate": if arm.is_within_limits() { "open" } else { "shut" },
        "sessions": arm.sessions(), "page_views": arm.page_views, "leads": arm.leads,
        "checkouts": arm.checkouts, "complaints": arm.complaints,
    })
}
