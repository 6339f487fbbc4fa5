//! The SLO matrix: what each route did, from reported requests weighted by the inverse of their sample rate.

use common::ids::AppId;
use common::service::DbError;
use serde_json::json;

use super::{Members, members};
use crate::reference::Center;
use crate::reference::recent::Figures;
use crate::reference::scope::Scope;

/// Errors in percent at which an app counts as failing.
const ERROR_LIMIT_PCT: f64 = 1.0;

/// The P95 above which an app counts as slow. A4 answers at the pace of a model and has none.
pub(crate) fn limit_ms(app: AppId) -> Option<f64> {
    match app {
        AppId::A2 => Some(125.0),
        AppId::A4 => None,
        _ => Some(150.0),
    }
}

/// `silent`, `failing`, `slow` or `ok`.
pub(crate) fn state(app: AppId, figures: Option<&Figures>) -> &'static str {
    match figures {
        None => "silent",
        Some(figures) if figures.error_rate_pct >= ERROR_LIMIT_PCT => "failing",
        Some(figures) if limit_ms(app).is_some_and(|limit| figures.p95_ms > limit) => "slow",
        Some(_) => "ok",
    }
}

pub(super) async fn tile(center: &Center, scope: &Scope) -> Result<Members, DbError> {
    let matrix = center.recent.matrix(&center.ctx.db, scope).await?;
    let apps: Vec<_> = AppId::ALL
        .into_iter()
        .map(|app| {
            let figures = matrix.apps.get(app.as_str());
            json!({ "app_id": app, "state": state(app, figures), "figures": figures })
        })
        .collect();
    let rows: Vec<_> = matrix
        .routes
        .iter()
        .map(|(key, figures)| {
            let mut row = members(json!({ "app_id": key.app_id, "method": key.method, "route": key.route }));
            row.extend(members(serde_json::to_value(figures).unwrap_or_default()));
            row
        })
        .collect();
    Ok(members(json!({ "apps": apps, "rows": rows })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_without_figures_is_silent() {
        assert_eq!(state(AppId::A1, None), "silent");
    }
}
