//! Tiles: each says when it was computed, for which namespace and over what.

mod finance;
mod funnels;
mod growth;
mod lists;
mod slo;
mod steps;

use std::sync::PoisonError;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::clock::rfc3339;
use common::service::{DbError, Defect, Json, Problem, Query};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::scope::{Scope, ScopeQuery};
use super::{Center, Shared, incidents};

pub(super) use finance::{Money, demo, settled};
pub(super) use funnels::{Funnel, funnels, stored_steps};
pub(super) use growth::{Business, Ratio, business};
pub(super) use slo::{limit_ms, state};
pub(super) use steps::{SIGN_UP, Taken, is_step, steps_of, stored_counts, stored_taken};

/// The members that a tile adds to those all tiles have.
type Members = Map<String, Value>;

/// The handler of one tile.
pub(super) fn handler(
    tile: &'static str,
) -> impl Fn(State<Shared>, Query<ScopeQuery>) -> BoxFuture<'static, Result<Response, Problem>> + Clone {
    move |State(center), Query(query)| {
        Box::pin(async move {
            let scope = query.read(center.ctx.clock.unix_ms())?;
            let body = center.tile(tile, &scope, &format!("{tile} {query:?}")).await?;
            Ok(Json(body).into_response())
        })
    }
}

impl Center {
    /// One tile as JSON. `asked` names the question, so that a defect can give the first answer again.
    async fn tile(&self, tile: &str, scope: &Scope, asked: &str) -> Result<Value, DbError> {
        let is_stale = self.ctx.has(Defect::A8StaleTiles);
        if is_stale && let Some(first) = self.stale.lock().unwrap_or_else(PoisonError::into_inner).get(asked) {
            return Ok(first.clone());
        }
        let mut body = head(tile, scope);
        body.extend(self.members(tile, scope).await?);
        let body = Value::Object(body);
        if is_stale {
            self.stale.lock().unwrap_or_else(PoisonError::into_inner).insert(asked.to_owned(), body.clone());
        }
        Ok(body)
    }

    async fn members(&self, tile: &str, scope: &Scope) -> Result<Members, DbError> {
        let db = &self.ctx.db;
        match tile {
            "slo-matrix" => slo::tile(self, scope).await,
            "funnels" => funnels::tile(self, scope).await,
            "growth" => growth::growth(self, scope).await,
            "activation" => growth::activation(self, scope).await,
            "finance" => finance::tile(self, scope).await,
            "revenue-lineage" => finance::lineage(self, scope).await,
            "incidents" => incidents::tile(self, scope).await,
            "outcomes" => growth::outcomes(self, scope).await,
            "approvals" => lists::approvals(db, scope).await,
            _ => lists::validation(db, scope).await,
        }
    }
}

/// What all tiles say.
pub(super) fn head(tile: &str, scope: &Scope) -> Members {
    let head = json!({
        "tile": tile,
        "as_of": rfc3339(scope.now_ms),
        "namespace": scope.namespace,
        "scope": scope.as_json(),
    });
    members(head)
}

/// The members of a JSON object.
fn members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        _ => Members::new(),
    }
}
