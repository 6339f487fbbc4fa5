//! What came of outages: of those whom A3 calls, of A3 itself, and of its process.

use common::ids::{AppId, TraceId};
use common::reconcile::BreakerComparison;
use common::slo::{BackoffFindings, QuantileEstimate};
use serde::{Deserialize, Serialize};

/// Everything that one drive of outages showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resilience {
    pub(crate) started_at: String,
    pub(crate) took_s: f64,
    /// How long an open breaker lets nothing through, as the apps of the drive were told.
    pub(crate) breaker_open_ms: u64,
    /// What embedded apps were told to do wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) defects: Vec<String>,
    pub(crate) parties: Vec<PartyOutage>,
    /// Pauses between attempts while somebody answered 503.
    pub(crate) backoff: BackoffFindings,
    /// The same while 503 came with a time to wait.
    pub(crate) retry_after: BackoffFindings,
    pub(crate) own: OwnOutage,
    pub(crate) crash: CrashOutage,
    /// All runs that were asked for, and what became of them.
    pub(crate) runs: RunsSeen,
}

/// Outages of one party that A3 calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartyOutage {
    /// The breaker's name, `a7`.
    pub(crate) party: String,
    pub(crate) app: AppId,
    /// The route that answered 503.
    pub(crate) route: String,
    pub(crate) cycles: Vec<Cycle>,
    /// The median time from the end of the outage until the breaker was closed, in milliseconds, at 95 % confidence.
    pub(crate) recovery: QuantileEstimate,
    /// The breaker's changes as A3 lists them, beside what A8 was told.
    pub(crate) compared: BreakerComparison,
    /// Requests after the last outage, and how many failed.
    pub(crate) after: Share,
}

/// One outage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    /// Requests that were answered 503.
    pub(crate) refused: u64,
    /// From the first 503 rule until the breaker was open; absent if it never was.
    pub(crate) opened_after_ms: Option<u64>,
    /// Whether a trial was let through while the party still failed, and failed too.
    pub(crate) trial_failed: bool,
    /// From the end of the outage until the breaker was closed; absent if it never was.
    pub(crate) closed_after_ms: Option<u64>,
}

/// How many of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
}

/// 503 in front of A3: some requests never reached it, some did and were answered 503 all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OwnOutage {
    pub(crate) asked: u64,
    pub(crate) answered_503: u64,
    /// Asked again under the same key until they were taken.
    pub(crate) taken: u64,
    pub(crate) after: Share,
}

/// A3 killed in the middle of runs, and started again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CrashOutage {
    /// Runs that A3 had acknowledged when it was killed.
    pub(crate) acknowledged: u64,
    /// Of those, the ones that completed after the start.
    pub(crate) completed: u64,
    /// From the start until the last of them had ended.
    pub(crate) settled_after_ms: Option<u64>,
}

/// What A8, A2 and A3 tell of all runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunsSeen {
    pub(crate) asked: u64,
    pub(crate) completed: u64,
    /// Traces whose page was published more than once, or whose event A2 stored more than once.
    pub(crate) twice: Vec<TraceId>,
    /// Completed runs that left no page or no event.
    pub(crate) without_effect: Vec<TraceId>,
}
