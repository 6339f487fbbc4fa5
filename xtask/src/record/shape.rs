//! What the record keeps of a shaped load: ramp, spike, soak or burst.

use a2_ingest::proof::Proof;
use common::ids::AppId;
use serde::{Deserialize, Serialize};

use super::RouteFigures;

/// One shaped load as it went.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShapeRun {
    pub(crate) phase: u8,
    pub(crate) app: AppId,
    /// `a2_ramp`.
    pub(crate) id: String,
    /// `from 10 to 60 users`.
    pub(crate) title: String,
    /// How long it lasts in full, in seconds.
    pub(crate) full_s: f64,
    pub(crate) figures: RouteFigures,
    pub(crate) points: Vec<ShapePoint>,
    pub(crate) stages: Vec<StageFigures>,
    /// Where the app no longer kept up; absent if it did to the end.
    pub(crate) knee: Option<Knee>,
    /// What became of each event, where that is asked.
    pub(crate) stored: Option<Proof>,
}

/// One second of a shaped load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShapePoint {
    pub(crate) t_s: u32,
    /// Virtual users at the end of the second.
    pub(crate) users: u32,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) p95_ms: f64,
}

/// One stage of a shaped load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StageFigures {
    /// `ramp-up`, `steady`, `ramp-down`.
    pub(crate) stage: String,
    pub(crate) from_s: u32,
    pub(crate) until_s: u32,
    /// The most virtual users in it.
    pub(crate) users: u32,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// The P95 of its worst second: percentiles of seconds are not put together.
    pub(crate) worst_p95_ms: f64,
}

/// The second from which an app no longer kept up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Knee {
    pub(crate) t_s: u32,
    pub(crate) users: u32,
    pub(crate) requests: u64,
    pub(crate) p95_ms: f64,
    /// `P95 above 125 ms for 2 seconds`.
    pub(crate) why: String,
}
