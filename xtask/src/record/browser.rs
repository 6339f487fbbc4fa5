//! Journeys in a real browser.

use common::ids::{AppId, TraceId};
use serde::{Deserialize, Serialize};

/// The browser tests of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BrowserRun {
    pub(crate) cases: Vec<BrowserCase>,
    /// Why the tests could not be run, and what would enable them.
    pub(crate) missing: Option<String>,
    pub(crate) took_s: f64,
}

/// One test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BrowserCase {
    /// `b2c_funnel.spec.ts`.
    pub(crate) file: String,
    /// The phase whose claims it decides.
    pub(crate) phase: u8,
    /// The sentence it is called by.
    pub(crate) title: String,
    /// `passed`, `failed`, `skipped`.
    pub(crate) outcome: String,
    /// The first error's words, or why it was skipped.
    pub(crate) why: Option<String>,
    pub(crate) took_ms: u64,
    pub(crate) trace_id: Option<TraceId>,
    pub(crate) hops: Vec<BrowserHop>,
    /// What went wrong, worked out from the hops: which request, which cookie or redirect.
    pub(crate) cause: Option<String>,
    /// The app that the cause names.
    pub(crate) blames: Option<AppId>,
    /// Screenshot, trace and HAR of a failure, below the folder of the specs.
    pub(crate) evidence: Vec<String>,
}

/// One request of the browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BrowserHop {
    pub(crate) app: Option<AppId>,
    pub(crate) method: String,
    /// Path without the values of the query.
    pub(crate) path: String,
    pub(crate) status: Option<u16>,
    pub(crate) ms: Option<f64>,
    /// Where the answer redirects, without the values of the query.
    #[serde(default)]
    pub(crate) redirects_to: Option<String>,
    /// Cookies that the answer sets: names and attributes.
    #[serde(default)]
    pub(crate) set_cookies: Vec<String>,
}
