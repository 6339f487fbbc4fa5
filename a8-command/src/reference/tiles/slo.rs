//! The SLO matrix: what each route did, from reported requests weighted by the inverse of their sample rate.

use common::ids::AppId;
use common::service::DbError;
use serde::Serialize;
use serde_json::json;

use super::{Members, members};
use crate::reference::Center;
use crate::reference::recent::Sample;
use crate::reference::scope::Scope;

/// Errors in percent at which an app counts as failing.
const ERROR_LIMIT_PCT: f64 = 1.0;

/// Figures of some requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Reported requests.
    pub(crate) samples: usize,
    /// Requests they stand for.
    pub(crate) requests: u64,
    /// Of these, answered with a status of 500 or more.
    pub(crate) errors: u64,
    pub(crate) error_rate_pct: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
}

/// Computes the figures; `None` without samples.
#[expect(clippy::cast_precision_loss, reason = "counts of minutes are far below 2^53")]
pub(crate) fn figures(mut samples: Vec<Sample>) -> Option<Figures> {
    let total: u64 = samples.iter().map(|sample| sample.weight_milli).sum();
    let failed: u64 = samples.iter().filter(|sample| sample.failed).map(|sample| sample.weight_milli).sum();
    if total == 0 {
        return None;
    }
    samples.sort_unstable_by_key(|sample| sample.us);
    Some(Figures {
        samples: samples.len(),
        requests: (total + 500) / 1_000,
        errors: (failed + 500) / 1_000,
        error_rate_pct: failed as f64 * 100.0 / total as f64,
        p50_ms: percentile_ms(&samples, total, 50),
        p95_ms: percentile_ms(&samples, total, 95),
    })
}

/// Nearest rank by weight: the least value at which `percent` of the total weight is reached.
#[expect(clippy::cast_precision_loss, reason = "a latency is far below 2^53 µs")]
fn percentile_ms(sorted: &[Sample], total: u64, percent: u64) -> f64 {
    let rank = (total * percent).div_ceil(100);
    let reached = sorted.iter().scan(0, |seen, sample| {
        *seen += sample.weight_milli;
        Some((*seen, sample.us))
    });
    let value = reached.filter(|(seen, _)| *seen >= rank).map(|(_, us)| us).next();
    value.unwrap_or(0) as f64 / 1_000.0
}

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
    let samples = center.recent.samples(&center.ctx.db, scope).await?;
    let apps: Vec<_> = AppId::ALL
        .into_iter()
        .map(|app| {
            let own = samples.iter().filter(|(key, _)| key.app_id == app.as_str());
            let figures = figures(own.flat_map(|(_, samples)| samples.iter().copied()).collect());
            json!({ "app_id": app, "state": state(app, figures.as_ref()), "figures": figures })
        })
        .collect();
    let rows: Vec<_> = samples
        .into_iter()
        .filter_map(|(key, samples)| {
            let mut row = members(json!({ "app_id": key.app_id, "method": key.method, "route": key.route }));
            row.extend(members(serde_json::to_value(figures(samples)?).unwrap_or_default()));
            Some(row)
        })
        .collect();
    Ok(members(json!({ "apps": apps, "rows": rows })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(us: u64, weight_milli: u64, failed: bool) -> Sample {
        Sample { at_ms: 0, us, weight_milli, failed }
    }

    #[test]
    fn one_sampled_success_weighs_as_much_as_the_ten_it_stands_for() {
        let figures = figures(vec![sample(2_000, 10_000, false), sample(90_000, 1_000, true)]).unwrap();
        assert_eq!((figures.samples, figures.requests, figures.errors), (2, 11, 1));
        assert!((figures.p50_ms - 2.0).abs() < f64::EPSILON);
        assert!((figures.p95_ms - 90.0).abs() < f64::EPSILON);
    }

    #[test]
    fn percentiles_of_equal_weights_are_the_nearest_rank() {
        let figures = figures((1..=20).map(|ms| sample(ms * 1_000, 1_000, false)).collect()).unwrap();
        assert!((figures.p50_ms - 10.0).abs() < f64::EPSILON);
        assert!((figures.p95_ms - 19.0).abs() < f64::EPSILON);
    }

    #[test]
    fn no_samples_give_no_figures_and_a_silent_app() {
        assert_eq!(figures(Vec::new()), None);
        assert_eq!(state(AppId::A1, None), "silent");
    }
}
