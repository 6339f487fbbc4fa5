//! The second source: what the probe sent, joined record by record with what the command center received.
//!
//! Each app decides by the trace id which requests it reports ([`crate::telemetry::keeps`]), and the probe decides the
//! same way, so both know which records must be there. Only full agreement lets a claim pass.

mod arrival;
mod ask;
mod breakers;
mod counts;
mod join;
mod tile;
mod txlog;

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, TraceId};
use crate::telemetry::Event;
use crate::verdict::{Agreement, SecondSource};

pub use arrival::Arrival;
pub use ask::{Patience, compare_load, compare_log};
pub use breakers::{BreakerComparison, BreakerMove, BreakerRules, compare_breaker, reported_moves};
pub use counts::CountComparison;
pub use join::{Rules, join};
pub use tile::{Sent, Tile, TileComparison, TileRow, compare_tile};
pub use txlog::{LogComparison, Logged, MAX_LOOKED, TransactionLog, known, sample};

/// An event as the command center gives it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenEvent {
    /// Its place in the order of arrival.
    pub seq: u64,
    /// When it arrived, by the command center's clock.
    pub received_at_ms: i64,
    /// What was reported.
    pub event: Event,
}

/// Something the two sources do not agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discrepancy {
    /// Where to look.
    pub trace_id: TraceId,
    /// What differs.
    pub what: String,
}

/// How the two sources compare for one route of one app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The app.
    pub app: AppId,
    /// The route, `POST /register`.
    pub route: String,
    /// 1, or 2 for a fresh measurement after the first one differed.
    #[serde(default = "first")]
    pub attempt: u8,
    /// Records of the probe that the command center must know.
    pub expected: u64,
    /// Found there once, with equal figures.
    pub matched: u64,
    /// Not found there.
    pub lost: u64,
    /// Found there more than once.
    pub duplicated: u64,
    /// Arrived after the limit of 60 s.
    pub late: u64,
    /// Found with another status or another duration.
    pub disagreeing: u64,
    /// How long after the events they arrived; absent in records of versions that did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
    /// How the command center's tile compares, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tile: Option<TileComparison>,
    /// What the app's own transaction log has of acknowledged writes, where it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogComparison>,
    /// The first discrepancies of each kind.
    pub examples: Vec<Discrepancy>,
}

fn first() -> u8 {
    1
}

impl Reconciliation {
    /// Records that the two sources do not tell alike.
    #[must_use]
    pub fn anomalies(&self) -> u64 {
        self.lost + self.late + self.duplicated + self.disagreeing
    }

    /// What the second source says about this route.
    #[must_use]
    pub fn second_source(&self) -> SecondSource {
        let route = format!("{} {}", self.app, self.route);
        if let Some(what) = self.log.as_ref().and_then(|log| log.gap(&route)) {
            return SecondSource::Gap { what };
        }
        if self.lost + self.late > 0 {
            let (lost, expected, late) = (self.lost, self.expected, self.late);
            let what = format!("A8 lacks {lost} of {expected} sampled requests of {route} and got {late} late");
            let share = self.arrival.as_ref().filter(|_| late > 0).and_then(Arrival::in_words);
            return SecondSource::Gap { what: share.map_or(what.clone(), |share| format!("{what}: {share}")) };
        }
        if self.duplicated + self.disagreeing > 0 {
            let example = self.examples.first().map(|e| format!(", e.g. trace {}: {}", e.trace_id, e.what));
            let what = format!(
                "A8 has {} of {} sampled requests of {route} twice and {} with other figures{}",
                self.duplicated,
                self.expected,
                self.disagreeing,
                example.unwrap_or_default()
            );
            return SecondSource::Disagrees { what };
        }
        if let Some(what) = self.log.as_ref().and_then(|log| log.disagreement(&route)) {
            return SecondSource::Disagrees { what };
        }
        if let Some(what) = self.tile.as_ref().and_then(|tile| tile.stale.as_ref()) {
            return SecondSource::Gap { what: format!("A8's tile of {route} is stale: {what}") };
        }
        if let Some(what) = self.tile.as_ref().and_then(|tile| tile.disagreement.as_ref()) {
            return SecondSource::Disagrees { what: format!("A8's tile of {route} differs: {what}") };
        }
        match NonZeroU64::new(self.matched) {
            Some(matched) => SecondSource::Agrees(Agreement { source: self.source(), matched }),
            None => SecondSource::Absent { why: format!("no request of {route} was in the sample that A8 gets") },
        }
    }

    /// Who tells the same as the probe.
    fn source(&self) -> String {
        let log = self.log.as_ref().filter(|log| log.writes > 0).map(|log| format!(" and {}", log.source));
        format!("A8's request events{}", log.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
