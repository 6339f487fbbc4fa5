//! What earlier runs of the same kind say of each endpoint: how much its samples depend on each other, how much its
//! tail differs from run to run, and how often its app was up. Pure but for [`read`].

mod read;
#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use common::ids::{AppId, RunId};
use common::slo::{BetweenRuns, NEVER_US, Quantile, Stability, nearest_rank};
use serde::{Deserialize, Serialize};

use crate::record::{RouteFigures, RunStarted, RunView};

pub(crate) use read::read;

/// No more runs than this are read.
pub(crate) const HISTORY_RUNS: usize = 20;
/// So many of the newest stable runs bound how much samples depend on each other; fewer do not establish it.
const TAU_RUNS: usize = 3;
/// What differs from run to run is taken from the newest of these.
const BETWEEN_RUNS: usize = 10;

/// What makes runs comparable: where, how long, and what was loaded beside each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    /// `embedded`, `staging`, …
    pub(crate) target: String,
    /// `quick`, `standard`, `full`.
    pub(crate) profile: String,
    /// `ecosystem` loads apps side by side, `suite a6` one alone.
    pub(crate) command: String,
    /// What embedded apps were told to do wrong: a misbehaving app says nothing of a sound one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) defects: Vec<String>,
}

impl Conditions {
    /// Those of a run.
    pub(crate) fn of(started: &RunStarted) -> Self {
        Self {
            target: started.target.clone(),
            profile: started.profile.clone(),
            command: started.command.clone(),
            defects: started.defects.clone(),
        }
    }
}

/// One route under one workload, the workload as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct EndpointKey {
    pub(crate) app: AppId,
    pub(crate) scenario: String,
    /// `POST /register`; the second step of a workload that asks the same route is `POST /register #2`.
    pub(crate) route: String,
    /// SHA-256 of the scenario as data.
    pub(crate) scenario_digest: String,
}

impl EndpointKey {
    /// That of figures which are the only ones of their route and workload.
    pub(crate) fn of(figures: &RouteFigures) -> Self {
        Self {
            app: figures.app,
            scenario: figures.scenario.clone(),
            route: figures.route.clone(),
            scenario_digest: figures.scenario_digest.clone(),
        }
    }

    /// The same key with a number, if it is among those that are `taken`.
    pub(crate) fn apart_from<'a>(self, taken: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let numbered = (1..).map(|n| match n {
            1 => self.clone(),
            n => Self { route: format!("{} #{n}", self.route), ..self.clone() },
        });
        let mut free = numbered.filter(|key| taken.clone().all(|other| other != key));
        free.next().unwrap_or(self.clone())
    }
}

/// The first measurements of a run, each with its key, in the order of the record.
pub(crate) fn keyed(view: &RunView) -> Vec<(EndpointKey, &RouteFigures)> {
    let mut keyed: Vec<(EndpointKey, &RouteFigures)> = Vec::new();
    for figures in view.figures.iter().filter(|figures| figures.attempt == 1) {
        let key = EndpointKey::of(figures).apart_from(keyed.iter().map(|(key, _)| key));
        keyed.push((key, figures));
    }
    keyed
}

/// What earlier runs say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct History {
    pub(crate) conditions: Conditions,
    /// The runs that were read, newest first; each ended.
    pub(crate) runs: Vec<RunId>,
    /// Runs that could not be used, and why.
    pub(crate) skipped: Vec<String>,
    /// Endpoints with at least one stable run.
    pub(crate) endpoints: Vec<EndpointHistory>,
    pub(crate) uptime: Vec<Uptime>,
}

/// What stable runs say of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointHistory {
    #[serde(flatten)]
    pub(crate) key: EndpointKey,
    /// How many stable runs there are.
    pub(crate) runs: u32,
    /// Their ids, newest first.
    pub(crate) run_ids: Vec<RunId>,
    /// The P95 of each in microseconds, by nearest rank, in the same order.
    pub(crate) p95_us: Vec<u64>,
    /// The largest autocorrelation time of the latencies in the newest three; absent below three runs: independence is not
    /// established.
    pub(crate) tau_latency: Option<f64>,
    /// The same of "this request failed".
    pub(crate) tau_errors: Option<f64>,
}

/// How often an app answered its health routes, over all runs that were read, even or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Uptime {
    pub(crate) app: AppId,
    pub(crate) runs: u32,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    /// The largest autocorrelation time of "this request failed" in any of them.
    pub(crate) tau_errors: f64,
}

impl History {
    /// Gathers what runs of these conditions say, newest first. Others are left out, and so are those that did not end.
    pub(crate) fn of(conditions: &Conditions, views: impl IntoIterator<Item = RunView>) -> Self {
        let mut gathered = Gathered::default();
        let mut history = Self {
            conditions: conditions.clone(),
            runs: Vec::new(),
            skipped: Vec::new(),
            endpoints: Vec::new(),
            uptime: Vec::new(),
        };
        for view in views {
            let Some(started) = view.started.as_ref().filter(|started| Conditions::of(started) == *conditions) else {
                continue;
            };
            if view.finished.is_none() {
                history.skipped.push(format!("run {} is left out: it did not end", started.run_id));
                continue;
            }
            gathered.take(&started.run_id, &view);
            history.runs.push(started.run_id.clone());
        }
        history.endpoints = gathered.endpoints.into_iter().map(|(key, runs)| settled(key, runs)).collect();
        history.uptime = gathered.uptime.into_values().collect();
        history
    }

    /// The same, but with what another history says of endpoints that it has more runs of.
    pub(crate) fn or_richer(mut self, other: Option<Self>) -> Self {
        for own in other.into_iter().flat_map(|other| other.endpoints) {
            match self.endpoints.iter_mut().find(|endpoint| endpoint.key == own.key) {
                Some(endpoint) if endpoint.runs >= own.runs => {}
                Some(endpoint) => *endpoint = own,
                None => self.endpoints.push(own),
            }
        }
        self
    }

    /// What is known of an endpoint.
    pub(crate) fn endpoint(&self, key: &EndpointKey) -> Option<&EndpointHistory> {
        self.endpoints.iter().find(|endpoint| endpoint.key == *key)
    }
}

impl EndpointHistory {
    /// How much the P95 differs from run to run, from the newest ten; `None` below two runs.
    pub(crate) fn between_runs(&self) -> Option<BetweenRuns> {
        let newest = &self.p95_us[..self.p95_us.len().min(BETWEEN_RUNS)];
        BetweenRuns::of(&newest.iter().map(|us| as_f64(*us)).collect::<Vec<_>>())
    }
}

/// What a stable run says of an endpoint.
#[derive(Debug)]
struct StableRun {
    run: RunId,
    p95_us: u64,
    tau_latency: f64,
    tau_errors: f64,
}

#[derive(Debug, Default)]
struct Gathered {
    endpoints: BTreeMap<EndpointKey, Vec<StableRun>>,
    uptime: BTreeMap<AppId, Uptime>,
}

impl Gathered {
    fn take(&mut self, run: &RunId, view: &RunView) {
        let keyed = keyed(view);
        for (key, figures) in &keyed {
            if is_smoke(figures) {
                self.add_uptime(figures);
            }
            if let Some(stable) = stable(run, view, figures) {
                self.endpoints.entry(key.clone()).or_default().push(stable);
            }
        }
        for (app, uptime) in &mut self.uptime {
            let seen = keyed.iter().any(|(_, figures)| figures.app == *app && is_smoke(figures));
            uptime.runs += u32::from(seen);
        }
    }

    fn add_uptime(&mut self, figures: &RouteFigures) {
        let app = figures.app;
        let fresh = Uptime { app, runs: 0, requests: 0, failures: 0, tau_errors: 1.0 };
        let uptime = self.uptime.entry(app).or_insert(fresh);
        uptime.requests += figures.requests;
        uptime.failures += figures.errors;
        uptime.tau_errors = uptime.tau_errors.max(figures.tau_errors);
    }
}

fn is_smoke(figures: &RouteFigures) -> bool {
    figures.phase == 1 && figures.scenario == format!("{}_smoke", figures.app.lower())
}

/// What a run says of an endpoint if its load was whole and even.
fn stable(run: &RunId, view: &RunView, figures: &RouteFigures) -> Option<StableRun> {
    let even = figures.window.as_ref().is_some_and(|window| window.stability == Stability::Stable);
    if !even || was_stopped(view, figures) {
        return None;
    }
    let mut samples = figures.samples.to_us();
    samples.sort_unstable();
    let p95_us = nearest_rank(&samples, Quantile::P95).filter(|us| (1..NEVER_US).contains(us))?;
    Some(StableRun { run: run.clone(), p95_us, tau_latency: figures.tau, tau_errors: figures.tau_errors })
}

/// True if the load was ended before its time: the run has a note of it.
pub(crate) fn was_stopped(view: &RunView, figures: &RouteFigures) -> bool {
    let opening = format!("{} was stopped: ", figures.scenario);
    view.notes.iter().any(|(phase, _, text)| *phase == figures.phase && text.starts_with(&opening))
}

fn settled(key: EndpointKey, runs: Vec<StableRun>) -> EndpointHistory {
    let newest = runs.get(..TAU_RUNS);
    let largest = |of: fn(&StableRun) -> f64| newest.map(|runs| runs.iter().map(of).fold(1.0, f64::max));
    EndpointHistory {
        key,
        runs: u32::try_from(runs.len()).unwrap_or(u32::MAX),
        tau_latency: largest(|run| run.tau_latency),
        tau_errors: largest(|run| run.tau_errors),
        p95_us: runs.iter().map(|run| run.p95_us).collect(),
        run_ids: runs.into_iter().map(|run| run.run).collect(),
    }
}

/// Microseconds as the statistics of runs take them; exact below 71 minutes, and never above that here.
fn as_f64(us: u64) -> f64 {
    u32::try_from(us).map_or(f64::from(u32::MAX), f64::from)
}
