//! The command center's own figures beside the probe's: how old they are, their P95, their counts.

use serde::{Deserialize, Serialize};

use super::counts::{CountComparison, Counted, Others};
use super::{Reconciliation, Rules, SeenEvent};
use crate::clock;
use crate::ids::AppId;
use crate::load::{LoadReport, StepReport, TraceRecord};
use crate::slo::{Quantile, estimate};
use crate::telemetry::{is_reported, sample_rate};

/// The SLO-matrix tile, as far as it is compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tile {
    /// When it was computed, RFC 3339, as it says itself.
    #[serde(default)]
    pub as_of: Option<String>,
    /// One row for each route.
    #[serde(default)]
    pub rows: Vec<TileRow>,
}

/// One row of it.
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
    /// Requests that they stand for, each weighted by the inverse of its sample rate.
    #[serde(default)]
    pub requests: Option<u64>,
    /// Of these, answered with a status of 500 or more.
    #[serde(default)]
    pub errors: Option<u64>,
    /// P95 of the window, weighted likewise, in milliseconds.
    pub p95_ms: f64,
}

/// The figures of a tile beside those of the probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TileComparison {
    /// P95 that the tile shows, in milliseconds.
    pub tile_p95_ms: f64,
    /// P95 of what the app told the probe for the same requests, in milliseconds.
    pub probe_p95_ms: f64,
    /// What differs beyond the allowance; absent if nothing does.
    pub disagreement: Option<String>,
    /// How long before the end of the load it was computed, in milliseconds; below 0 if after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<i64>,
    /// Why it is too old to be compared, or why nobody can tell; absent if it is new enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<String>,
    /// Its counts; absent where the probe cannot tell each of its requests apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<CountComparison>,
}

impl TileComparison {
    /// True if the tile is neither stale nor shows other figures.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.stale.is_none() && self.disagreement.is_none()
    }
}

/// Beyond the interval, P95s may differ by this share in percent and this many microseconds: the window of the tile
/// holds the warm-up too, and perhaps a few requests that the probe did not send.
const ALLOWANCE: (u64, u64) = (5, 200);

/// What a load sent, as far as tiles are compared with it.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// Its requests one by one: those that are reported.
    pub(super) records: &'a [TraceRecord],
    /// The counts of its steps.
    pub(super) steps: &'a [StepReport],
    /// When its last answer ended, by the probe's clock.
    pub(super) ended_at_ms: i64,
}

impl<'a> Sent<'a> {
    /// What this load sent.
    #[must_use]
    pub fn of(report: &'a LoadReport) -> Self {
        let ended_at_ms = report.traces.iter().map(|record| record.at_unix_ms).max();
        Self {
            records: &report.traces,
            steps: &report.steps,
            ended_at_ms: ended_at_ms.unwrap_or(report.started_at_unix_ms),
        }
    }

    /// These records alone, whose counts nobody knows.
    #[must_use]
    pub fn records(records: &'a [TraceRecord]) -> Self {
        let ended_at_ms = records.iter().map(|record| record.at_unix_ms).max().unwrap_or(0);
        Self { records, steps: &[], ended_at_ms }
    }
}

/// Compares a tile with what the probe knows of the same route; `seen` are the events of the tile's window.
///
/// Its P95 is compared with the interval of what the app itself told the probe for the same requests (order statistics,
/// 95 %); without a bound on a side, that side is not compared. Its counts are compared with all requests that the probe
/// sent.
pub fn compare_tile(entry: &mut Reconciliation, sent: Sent<'_>, seen: &[SeenEvent], tile: &Tile, rules: Rules) {
    let (age_ms, stale) = match age(tile.as_of.as_deref(), sent.ended_at_ms) {
        Ok(age_ms) if age_ms > rules.stale_ms => {
            (Some(age_ms), Some(format!("it was computed {age_ms} ms before the load ended")))
        }
        Ok(age_ms) => (Some(age_ms), None),
        Err(why) => (None, Some(why)),
    };
    let of_route = |row: &&TileRow| row.app_id == entry.app && format!("{} {}", row.method, row.route) == entry.route;
    let compared = match tile.rows.iter().find(of_route) {
        Some(row) => compare_row(entry, sent, seen, row),
        None => {
            TileComparison { disagreement: Some("it has no row for this route".into()), ..TileComparison::default() }
        }
    };
    entry.tile = Some(TileComparison { age_ms, stale, ..compared });
}

/// How long before the end of the load the tile was computed.
fn age(as_of: Option<&str>, ended_at_ms: i64) -> Result<i64, String> {
    let as_of = as_of.ok_or_else(|| "it does not say when it was computed".to_owned())?;
    let at = clock::parse_rfc3339(as_of).map_err(|_| format!("when it was computed cannot be read: {as_of:?}"))?;
    Ok(ended_at_ms.saturating_sub(at))
}

fn compare_row(entry: &Reconciliation, sent: Sent<'_>, seen: &[SeenEvent], row: &TileRow) -> TileComparison {
    let own = sent.records.iter().filter(|record| {
        let reported = record.status.is_some_and(|status| is_reported(record.trace_id, status));
        reported && record.app == entry.app && record.route == entry.route
    });
    let (probe_p95_ms, other_p95) = compare_p95(&own.collect::<Vec<_>>(), row);
    let counted = Counted::of(sent, entry.app, &entry.route);
    let counts = counted.map(|counted| {
        let others = Others::of(seen, entry.app, &entry.route, &counted);
        CountComparison::of(&counted, others, row)
    });
    let other_counts = counts.as_ref().and_then(CountComparison::disagreement);
    let differing: Vec<_> = [other_p95, other_counts].into_iter().flatten().collect();
    TileComparison {
        tile_p95_ms: row.p95_ms,
        probe_p95_ms,
        disagreement: (!differing.is_empty()).then(|| differing.join("; ")),
        counts,
        ..TileComparison::default()
    }
}

/// The probe's P95 in milliseconds, and what differs. An app that tells the probe nothing cannot have taken longer than
/// the probe waited.
fn compare_p95(own: &[&TraceRecord], row: &TileRow) -> (f64, Option<String>) {
    let told = own.iter().filter_map(|record| Some((record.app_us?, weight(record)))).collect::<Vec<_>>();
    let waited = || own.iter().map(|record| (record.service_us, weight(record))).collect();
    let is_told = !told.is_empty();
    let (sorted, tau) = reweighted(if is_told { told } else { waited() });
    let seen = estimate(&sorted, Quantile::P95, 0.95, tau);
    let tile_us = row.p95_ms * 1_000.0;
    let wide = |us: u64, up: bool| {
        let slack = us * ALLOWANCE.0 / 100 + ALLOWANCE.1;
        as_f64(if up { us.saturating_add(slack) } else { us.saturating_sub(slack) })
    };
    let not_below = !is_told || seen.lower.is_none_or(|lower| tile_us >= wide(lower, false));
    let not_above = seen.upper.is_none_or(|upper| tile_us <= wide(upper, true));
    let probe_p95_ms = as_f64(seen.value.unwrap_or(0)) / 1_000.0;
    let source = if is_told { "told the probe" } else { "kept the probe waiting" };
    let disagreement = (!(not_below && not_above && tile_us.is_finite()))
        .then(|| format!("it shows P95 {:.3} ms where the same requests {source} {probe_p95_ms:.3} ms", row.p95_ms));
    (probe_p95_ms, disagreement)
}

/// How many requests a reported one stands for.
fn weight(record: &TraceRecord) -> u64 {
    let rate = record.status.map_or(1.0, sample_rate);
    (1_u64..=1_000).find(|weight| as_f64(*weight) * rate > 1.0 - 1e-9).unwrap_or(1)
}

/// The sample, ascending, with each value as often as its request stands for, and by how much that overstates what it
/// is worth: `Σw² / Σw` (Kish 1965). Equal weights change nothing and are left out.
fn reweighted(mut weighted: Vec<(u64, u64)>) -> (Vec<u64>, f64) {
    weighted.sort_unstable();
    let first = weighted.first().map_or(1, |(_, weight)| *weight);
    if weighted.iter().all(|(_, weight)| *weight == first) {
        return (weighted.into_iter().map(|(us, _)| us).collect(), 1.0);
    }
    let (sum, squares) = weighted.iter().fold((0, 0), |(sum, squares), (_, w)| (sum + w, squares + w * w));
    let times = |w: u64| usize::try_from(w).unwrap_or(1);
    let sorted = weighted.into_iter().flat_map(|(us, w)| std::iter::repeat_n(us, times(w))).collect();
    (sorted, as_f64(squares) / as_f64(sum))
}

fn as_f64(us: u64) -> f64 {
    u32::try_from(us).map_or(f64::from(u32::MAX), f64::from)
}
