//! Did a change make endpoints slower? Two recorded runs, a run and a baseline, or two targets that take turns now.
//!
//! [`side`] says what one side measured, [`judge`] rules on each endpoint, [`evidence`] adds second opinions that decide
//! nothing, [`interleaved`] measures two targets in one session; the rest writes down what came out.

mod evidence;
mod histograms;
mod interleaved;
mod judge;
mod outcome;
mod rows;
mod side;
#[cfg(test)]
mod tests;
mod text;

use common::ids::AppId;
use common::load::PackedSamples;
use common::slo::{ChangePoint, Decision, Quantile, Reason, Regression};
use serde::Serialize;

use crate::history::History;
pub(crate) use evidence::Evidence;
pub(crate) use interleaved::{Lane, Session, interleave};
pub(crate) use outcome::{artifacts, csv, folder, outcome};
pub(crate) use side::{Measured, Side, SideHead, of_run, of_view};
pub(crate) use text::{bounded, plain, render};

/// Which quantiles are compared; the second decides.
pub(crate) const METRICS: [Quantile; 3] = [Quantile::P50, Quantile::P95, Quantile::P99];
/// Its place in [`METRICS`].
const GATE: usize = 1;

/// How two sides are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How<'a> {
    /// In blocks that took turns.
    Interleaved,
    /// One after the other; what differs between runs anyway is in the history.
    Sequential { history: &'a History },
}

/// What came out, as `comparison.json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    /// `interleaved` or `sequential`.
    pub(crate) design: &'static str,
    pub(crate) before: SideHead,
    pub(crate) after: SideHead,
    pub(crate) compared_at: String,
    /// The harness's own version.
    pub(crate) version: String,
    /// What the draws of the bootstrap began with.
    pub(crate) seed: Option<u64>,
    pub(crate) counts: Counts,
    /// What both sides measured, then what one of them did, each by app.
    pub(crate) endpoints: Vec<EndpointComparison>,
    pub(crate) notes: Vec<String>,
}

/// How many endpoints came out how; those on one side only are undecided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) pass: usize,
    pub(crate) fail: usize,
    pub(crate) inconclusive: usize,
    /// Passes that are nevertheless shown to be slower than before.
    pub(crate) slower_within_limit: usize,
}

/// One endpoint before and after.
#[derive(Debug, Serialize)]
pub(crate) struct EndpointComparison {
    pub(crate) app: AppId,
    pub(crate) scenario: String,
    pub(crate) route: String,
    /// The P95 decides: PASS, FAIL or INCONCLUSIVE with its reason.
    #[serde(flatten)]
    pub(crate) decision: Decision,
    /// Why, in words; absent for a pass or a failure.
    pub(crate) why: Option<String>,
    pub(crate) before: Option<OneSide>,
    pub(crate) after: Option<OneSide>,
    /// False until three stable runs tell how much samples of this endpoint depend on each other.
    pub(crate) independence_established: bool,
    pub(crate) metrics: Vec<MetricComparison>,
    pub(crate) evidence: Option<Evidence>,
    /// Changes of the P95 over the runs before this one, oldest first; absent below ten runs.
    pub(crate) change_points: Option<Vec<ChangePoint>>,
}

/// What one side did.
#[derive(Debug, Serialize)]
pub(crate) struct OneSide {
    /// The run, or `target@session`.
    pub(crate) run: String,
    pub(crate) scenario_digest: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// The P99 of how late requests were sent, in milliseconds.
    pub(crate) lag_p99_ms: f64,
    /// Every latency, where no ledger keeps them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) samples: Option<PackedSamples>,
}

/// One quantile before and after.
#[derive(Debug, Serialize)]
pub(crate) struct MetricComparison {
    /// `p50`, `p95`, `p99`.
    pub(crate) metric: &'static str,
    #[serde(flatten)]
    pub(crate) regression: Regression,
}

impl Comparison {
    /// Compares what was measured, without second opinions.
    pub(crate) fn of(sides: &[Side; 2], how: How<'_>, at: String) -> Self {
        let [before, after] = sides;
        let config = side::difference(before, after);
        let mut endpoints = judge::endpoints(before, after, how, config.as_deref());
        endpoints.sort_by_key(|endpoint| (endpoint.before.is_none(), endpoint.after.is_none(), endpoint.app));
        let (design, mut notes) = match how {
            How::Interleaved => ("interleaved", Vec::new()),
            How::Sequential { history } => ("sequential", history.skipped.clone()),
        };
        notes.extend(config);
        notes.extend(side::releases(before, after));
        notes.extend([before, after].into_iter().flat_map(|side| side.notes.clone()));
        Self {
            design,
            before: before.head.clone(),
            after: after.head.clone(),
            compared_at: at,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: None,
            counts: Counts::of(&endpoints),
            endpoints,
            notes,
        }
    }

    /// Adds second opinions on every endpoint that both sides measured; they change no decision.
    pub(crate) fn with_evidence(mut self, sides: &[Side; 2], seed: u64) -> Self {
        self.seed = Some(seed);
        evidence::add(&mut self.endpoints, sides, seed);
        self
    }

    /// What only one side measured: the one before, or the one after.
    pub(crate) fn only(&self, before: bool) -> Vec<String> {
        let alone = |endpoint: &&EndpointComparison| !endpoint.is_pair() && endpoint.before.is_some() == before;
        self.endpoints.iter().filter(alone).map(named).collect()
    }

    /// True if two measurements of one endpoint could be held against each other.
    pub(crate) fn has_pairs(&self) -> bool {
        let config = Decision::Undecided(Reason::Config);
        self.endpoints.iter().any(|endpoint| endpoint.is_pair() && endpoint.decision != config)
    }
}

impl Counts {
    fn of(endpoints: &[EndpointComparison]) -> Self {
        let mut counts = Self::default();
        for endpoint in endpoints {
            match endpoint.decision {
                Decision::Pass => counts.pass += 1,
                Decision::Fail => counts.fail += 1,
                Decision::Undecided(_) => counts.inconclusive += 1,
            }
            counts.slower_within_limit += usize::from(endpoint.gate().is_some_and(|gate| gate.regression.warn));
        }
        counts
    }
}

impl EndpointComparison {
    /// The quantile that decides.
    pub(crate) fn gate(&self) -> Option<&MetricComparison> {
        self.metrics.get(GATE)
    }

    /// True if both sides measured it.
    pub(crate) fn is_pair(&self) -> bool {
        self.before.is_some() && self.after.is_some()
    }

    /// True if it is shown to be slower than before at all.
    pub(crate) fn is_slower(&self) -> bool {
        self.gate().and_then(|gate| gate.regression.ratio.lower).is_some_and(|lower| lower > 1.0)
    }
}

/// `A6 POST /register (a6_register)`.
pub(crate) fn named(endpoint: &EndpointComparison) -> String {
    format!("{} {} ({})", endpoint.app, endpoint.route, endpoint.scenario)
}
