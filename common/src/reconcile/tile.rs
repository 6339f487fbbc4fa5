//! The command center's own figures beside the probe's.

use serde::{Deserialize, Serialize};

use super::{Reconciliation, TileComparison};
use crate::ids::AppId;
use crate::load::TraceRecord;
use crate::slo::{Quantile, estimate};
use crate::telemetry::is_reported;

/// One row of the SLO-matrix tile, as far as it is compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TileRow {
    /// The app.
    pub app_id: AppId,
    /// The method.
    pub method: String,
    /// The route pattern.
    pub route: String,
    /// Reported requests of the window.
    pub samples: u64,
    /// P95 of the window, in milliseconds.
    pub p95_ms: f64,
}

/// Beyond the interval, figures may differ by this share and this many microseconds: the window of the tile may hold
/// a few requests that the probe did not send.
const ALLOWANCE: (u64, u64) = (5, 200);

/// Compares the tile's P95 with the interval of what the app itself told the probe for the same requests.
///
/// The interval is the order-statistic one (95 %); without a bound on a side, that side is not compared.
pub fn compare_tile(entry: &mut Reconciliation, records: &[TraceRecord], row: Option<&TileRow>) {
    let own = records.iter().filter(|record| {
        let reported = record.status.is_some_and(|status| is_reported(record.trace_id, status));
        reported && record.app == entry.app && record.route == entry.route
    });
    let mut told: Vec<u64> = own.filter_map(|record| record.app_us).collect();
    told.sort_unstable();
    let Some(row) = row else {
        entry.tile = Some(TileComparison {
            tile_p95_ms: 0.0,
            probe_p95_ms: 0.0,
            disagreement: Some("it has no row for this route".into()),
        });
        return;
    };
    if told.is_empty() {
        return;
    }
    let seen = estimate(&told, Quantile::P95, 0.95, 1.0);
    let tile_us = row.p95_ms * 1_000.0;
    let wide = |us: u64, up: bool| {
        let slack = us * ALLOWANCE.0 / 100 + ALLOWANCE.1;
        as_f64(if up { us.saturating_add(slack) } else { us.saturating_sub(slack) })
    };
    let not_below = seen.lower.is_none_or(|lower| tile_us >= wide(lower, false));
    let not_above = seen.upper.is_none_or(|upper| tile_us <= wide(upper, true));
    let probe_p95_ms = as_f64(seen.value.unwrap_or(0)) / 1_000.0;
    let disagreement = (!(not_below && not_above)).then(|| {
        format!("it shows P95 {:.3} ms where the same requests told the probe {probe_p95_ms:.3} ms", row.p95_ms)
    });
    entry.tile = Some(TileComparison { tile_p95_ms: row.p95_ms, probe_p95_ms, disagreement });
}

fn as_f64(us: u64) -> f64 {
    u32::try_from(us).map_or(f64::from(u32::MAX), f64::from)
}
