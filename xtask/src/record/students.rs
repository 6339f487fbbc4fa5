//! Students' walks through the B2C funnel, and what the apps know of each.

use std::collections::BTreeMap;

use common::ids::TraceId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Hop;

/// All walks of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudentWalks {
    pub(crate) scenario: String,
    pub(crate) scenario_digest: String,
    pub(crate) started_at: String,
    pub(crate) walks: Vec<StudentWalk>,
    /// Why not a single request came to an end.
    pub(crate) unreached: Option<String>,
    /// A8's growth tile over the time of the walks.
    pub(crate) growth: Value,
}

/// One walk.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StudentWalk {
    pub(crate) trace_id: TraceId,
    /// Steps that gave what was expected, in order; the last one of a walk that came through is the last of the scenario.
    pub(crate) passed: Vec<String>,
    pub(crate) hops: Vec<Hop>,
    /// What was seen of it afterwards; absent if it did not get as far as the dashboard.
    pub(crate) seen: Option<StudentSeen>,
}

/// What the apps know of one walk.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct StudentSeen {
    /// Events in A8's lineage: `A5 checkout_completed`, with how often each is there.
    pub(crate) events: BTreeMap<String, u64>,
    /// Events of the trace that A2 keeps.
    pub(crate) kept_by_a2: u64,
    /// A5's own transaction log of the trace.
    pub(crate) log: Value,
    /// A8's finance tile for the trace, in the namespace of the run.
    pub(crate) finance: Value,
    /// Settlements of the trace in A8's finance tile of live figures.
    pub(crate) live_settlements: Option<u64>,
    /// Milliseconds from the end of the walks until everything was there; absent if it never was.
    pub(crate) after_ms: Option<i64>,
}

impl StudentWalks {
    /// True if there were walks and none got to its dashboard.
    pub(crate) fn nobody_signed_up(&self) -> bool {
        !self.walks.is_empty() && self.walks.iter().all(|walk| !walk.passed("dashboard"))
    }
}

impl StudentWalk {
    /// True if the walk got past a step.
    pub(crate) fn passed(&self, step: &str) -> bool {
        self.passed.iter().any(|name| name == step)
    }

    /// The request at which the walk broke.
    pub(crate) fn broke(&self) -> Option<&Hop> {
        self.hops.iter().find(|hop| !hop.ok)
    }
}
