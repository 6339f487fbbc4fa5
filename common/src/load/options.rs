//! How a load is run, apart from what it sends; and why it cannot be.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::guard::{ApprovedVus, Refusal};
use crate::ids::AppId;
use crate::scenario::{Record, Scenario, ScenarioError};
use crate::units::Micros;

use super::live::LiveWindow;
use super::thresholds::Baseline;
use super::transport::TrustError;
use super::watch::StopOptions;

/// Gets each second of a load while it runs.
pub type OnWindow = Arc<dyn Fn(&LiveWindow) + Send + Sync>;

/// How a load is run.
#[derive(Clone)]
pub struct LoadOptions {
    /// Threads that send, 1 or more; never more than virtual users.
    pub threads: u32,
    /// Runs before the scenario's duration; nothing in it counts.
    pub warm_up: Duration,
    /// From the begin of a request to the end of its answer; longer is a timeout.
    pub request_timeout: Duration,
    /// How long after the end of the schedule iterations that were due may still begin.
    pub drain: Duration,
    /// How long after the end of the schedule requests may still be under way; longer are cut off.
    pub graceful_stop: Duration,
    /// The same after an early stop.
    pub stop_grace: Duration,
    /// Limits that exact counts are kept for, in addition to those of the scenario's thresholds.
    pub limits: Vec<Micros>,
    /// More of them by step, as the limit of its route's SLO.
    pub step_limits: BTreeMap<String, Vec<Micros>>,
    /// Tells each request apart in the report ([`super::StepReport::acknowledged`]), up to 500,000, so that what they
    /// stored can be looked for one by one.
    pub keep_acknowledged: bool,
    /// The records of the scenario's feeder.
    pub records: Vec<Record>,
    /// Whole journeys that are kept of a scenario with several requests, from its start on; up to 20 failed ones are kept
    /// beyond them.
    pub journeys: usize,
    /// Cancelled, it stops the load: nothing new begins, and what is under way ends within `stop_grace`.
    pub stop: CancellationToken,
    /// Gets each second once all threads have told theirs. It runs in [`super::run`]'s task and must not block.
    pub on_window: Option<OnWindow>,
    /// What relative thresholds are compared with.
    pub baseline: Baseline,
    /// Conditions that end the load early; without them only thresholds with `abort_on_fail` do.
    pub stops: Option<StopOptions>,
    /// A person's leave for more virtual users than are free.
    pub approved: Option<ApprovedVus>,
    #[cfg(test)]
    pub(crate) before_iteration: Option<fn(u64)>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            warm_up: Duration::ZERO,
            request_timeout: Duration::from_secs(10),
            drain: Duration::from_secs(1),
            graceful_stop: Duration::from_secs(12),
            stop_grace: Duration::from_secs(2),
            limits: [120, 150, 200].map(Micros::from_ms).into(),
            step_limits: BTreeMap::new(),
            keep_acknowledged: false,
            records: Vec::new(),
            journeys: 20,
            stop: CancellationToken::new(),
            on_window: None,
            baseline: Baseline::default(),
            stops: None,
            approved: None,
            #[cfg(test)]
            before_iteration: None,
        }
    }
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("threads", &self.threads)
            .field("warm_up", &self.warm_up)
            .field("request_timeout", &self.request_timeout)
            .field("limits", &self.limits)
            .field("step_limits", &self.step_limits)
            .finish_non_exhaustive()
    }
}

impl LoadOptions {
    pub(super) fn check(&self, scenario: &Scenario) -> Result<(), LoadError> {
        if self.threads == 0 {
            return Err(LoadError::Options("`threads` is 0; it must be at least 1".to_owned()));
        }
        if self.request_timeout.is_zero() {
            return Err(LoadError::Options("`request_timeout` is 0; every request would time out".to_owned()));
        }
        let slow = self.stops.iter().flat_map(|stops| stops.slow.values());
        if let Some(limit) = slow.into_iter().find(|limit| !self.limits.contains(limit)) {
            let limit = limit.as_ms();
            return Err(LoadError::Options(format!(
                "a stop condition is about answers above {limit} ms, and `limits` does not count them"
            )));
        }
        let unknown = self.step_limits.keys().find(|name| scenario.steps.iter().all(|step| step.name != **name));
        unknown.map_or(Ok(()), |name| {
            Err(LoadError::Options(format!("`step_limits` names no step of the scenario: {name:?}")))
        })
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The scenario cannot be run as written.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The guard does not let it out.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The options make no sense.
    #[error("load options: {0}")]
    Options(String),
    /// The data does not fit the feeder.
    #[error("data of the feeder: {0}")]
    Data(String),
    /// A request cannot be made from its template.
    #[error("step {step:?}: {what}")]
    Request {
        /// The step.
        step: String,
        /// What is wrong.
        what: String,
    },
    /// Certificates cannot be checked.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A target does not take connections.
    #[error("{app} at {authority} cannot be reached: {why}; start it or correct its base URL in the target file")]
    Unreachable {
        /// The app.
        app: AppId,
        /// Host and port.
        authority: String,
        /// What the system says.
        why: String,
    },
    /// A target's TLS does not hold.
    #[error(
        "TLS with {app} at {authority} failed: {why}; if a private authority signed its certificate, name that in \
         `tls.ca_file` of the target file"
    )]
    Tls {
        /// The app.
        app: AppId,
        /// Host and port.
        authority: String,
        /// What is wrong.
        why: String,
    },
    /// More connections than files may be open.
    #[error("the load needs {needed} open files, and {limit} are allowed; raise the limit with `ulimit -n {needed}`")]
    OpenFiles {
        /// Allowed.
        limit: u64,
        /// Needed.
        needed: u64,
    },
    /// A generator thread could not be started.
    #[error("a generator thread could not be started: {0}")]
    Thread(std::io::Error),
    /// Nothing came to an end.
    #[error(
        "scenario {scenario:?} has no samples: {started} iterations began after the warm-up ({warm_up} requests in it), and no \
         request came to an end; let it run longer or look at the target"
    )]
    NoSamples {
        /// The scenario.
        scenario: String,
        /// Iterations begun after the warm-up.
        started: u64,
        /// Requests of the warm-up.
        warm_up: u64,
    },
}
