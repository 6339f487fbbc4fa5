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
    /// The attempts that A3 lists, beside the requests that the fault proxies refused.
    #[serde(default)]
    pub(crate) attempts: AttemptsCompared,
    /// The same while 503 came with a time to wait.
    pub(crate) retry_after: BackoffFindings,
    pub(crate) own: OwnOutage,
    pub(crate) crash: CrashOutage,
    /// All runs that were asked for, and what became of them.
    pub(crate) runs: RunsSeen,
    /// What the harness could not do, so that the drive ended before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broke_off: Option<String>,
}

/// Outages of one party that A3 calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartyOutage {
    /// The breaker's name, `a7`.
    pub(crate) party: String,
    /// Who answers there; A3 itself, on whose port the stand-ins for e-mail and the communications center live.
    pub(crate) app: AppId,
    /// The route that answered 503.
    pub(crate) route: String,
    pub(crate) cycles: Vec<Cycle>,
    /// The median time from the end of the outage until the breaker was closed, in milliseconds, at 95 % confidence.
    pub(crate) recovery: QuantileEstimate,
    /// The breaker's changes as A3 lists them, beside what A8 was told.
    pub(crate) compared: BreakerComparison,
    /// Requests to the party after the last outage, and how many failed.
    pub(crate) after: Share,
}

/// Failed attempts from two sources: A3's list of its attempts, and the fault proxies' record of what they refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttemptsCompared {
    /// Attempts that A3 lists as answered 503.
    pub(crate) listed: u64,
    /// Requests that the proxies answered 503.
    pub(crate) refused: u64,
    /// Known to both: same party, same trace, and the request arrived while the attempt was under way.
    pub(crate) matched: u64,
    /// Listed by A3, and no proxy refused such a request.
    pub(crate) never_refused: u64,
    /// Refused, and A3 lists no such attempt.
    pub(crate) unlisted: u64,
    /// What differs, in words; the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) examples: Vec<String>,
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
    /// Runs that were asked for afterwards and followed to their end, and how many were not taken at once or did not
    /// complete.
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
    /// Why A3 did not start again, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_started: Option<String>,
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
    /// Runs that A3 took, and that had not completed in their time after the last outage.
    #[serde(default)]
    pub(crate) unfinished: Vec<TraceId>,
}
