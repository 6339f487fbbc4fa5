//! One side of a comparison: what was measured, under which conditions, and what speaks against judging by it.

use std::collections::BTreeMap;

use common::ids::AppId;
use common::load::PackedSamples;
use common::slo::{Flaw, Reason, Stability};
use serde::{Deserialize, Serialize};

use crate::history::{Conditions, EndpointKey, keyed, was_stopped};
use crate::record::{RouteFigures, RunStarted, RunView};

/// What one side is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SideHead {
    /// As it was asked for: a run, `baseline:default`, a target.
    pub(crate) label: String,
    /// The run, or `target@session`.
    pub(crate) run: String,
    pub(crate) started_at: String,
    /// Where, how long, and what was loaded together.
    pub(crate) conditions: Conditions,
    /// What each app said it is, where it was asked.
    pub(crate) releases: BTreeMap<AppId, String>,
}

/// One side.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) head: SideHead,
    pub(crate) endpoints: Vec<Measured>,
    pub(crate) notes: Vec<String>,
    /// True if its samples are kept nowhere else.
    pub(crate) keep_samples: bool,
}

/// What one side measured of one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) key: EndpointKey,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    /// The autocorrelation time of latencies, from these alone.
    pub(crate) tau: f64,
    /// The P99 of how late requests were sent, in milliseconds.
    pub(crate) lag_p99_ms: f64,
    /// Every latency in send order.
    pub(crate) samples: PackedSamples,
    /// When they were taken: one span for a run, one for each block of a session.
    pub(crate) spans: Vec<Span>,
    /// Why no verdict can be made of it; absent for a stable load.
    pub(crate) obstacle: Option<Obstacle>,
}

/// A stretch of time and how many of the samples are from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) started_at: String,
    pub(crate) duration_s: f64,
    pub(crate) samples: usize,
}

/// Why no verdict can be made of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Obstacle {
    pub(crate) reason: Reason,
    pub(crate) why: String,
}

impl Side {
    /// The side with these apps alone; with all of them if none is named.
    pub(crate) fn of_apps(mut self, apps: &[AppId]) -> Self {
        self.endpoints.retain(|measured| apps.is_empty() || apps.contains(&measured.key.app));
        self
    }
}

impl Obstacle {
    pub(crate) fn new(reason: Reason, why: impl Into<String>) -> Self {
        Self { reason, why: why.into() }
    }
}

impl Measured {
    /// What a run measured. Of a claim that was measured a second time, the first measurement counts.
    fn of(view: &RunView, key: EndpointKey, figures: &RouteFigures) -> Self {
        Self {
            key,
            requests: figures.requests,
            errors: figures.errors,
            tau: figures.tau,
            lag_p99_ms: figures.generator.lag_p99_ms,
            spans: vec![Span {
                started_at: figures.started_at.clone(),
                duration_s: figures.duration_s,
                samples: figures.samples.0.len(),
            }],
            samples: figures.samples.clone(),
            obstacle: obstacle(view, figures),
        }
    }

    /// True if a verdict can be made of it.
    pub(crate) fn is_stable(&self) -> bool {
        self.obstacle.is_none()
    }

    /// What makes it the same endpoint on both sides, whatever the workload's digest.
    pub(crate) fn place(&self) -> (AppId, &str, &str) {
        (self.key.app, &self.key.scenario, &self.key.route)
    }
}

/// Takes a run that ended as a side.
///
/// # Errors
/// When it did not end, or never began.
pub(crate) fn of_run(label: &str, view: &RunView) -> Result<Side, String> {
    let Some(started) = &view.started else {
        return Err(format!("{label} broke off before it began: there is nothing to compare"));
    };
    if view.finished.is_none() {
        let run = &started.run_id;
        return Err(format!("run {run} did not end: go on with it by `cargo xtask ecosystem --resume {run}`"));
    }
    Ok(of_view(label, view, started))
}

/// Takes what a run has measured so far as a side.
pub(crate) fn of_view(label: &str, view: &RunView, started: &RunStarted) -> Side {
    let releases = view.inventory.apps.iter().filter_map(|app| Some((app.contract.app, app.release.clone()?)));
    Side {
        head: SideHead {
            label: label.to_owned(),
            run: started.run_id.to_string(),
            started_at: started.at.clone(),
            conditions: Conditions::of(started),
            releases: releases.collect(),
        },
        endpoints: keyed(view).into_iter().map(|(key, figures)| Measured::of(view, key, figures)).collect(),
        notes: Vec::new(),
        keep_samples: false,
    }
}

/// What of both sides' conditions differs, in one sentence; `None` where they are the same.
pub(super) fn difference(before: &Side, after: &Side) -> Option<String> {
    let (old, new) = (&before.head.conditions, &after.head.conditions);
    let pairs = [
        ("target", &old.target, &new.target),
        ("profile", &old.profile, &new.profile),
        ("command", &old.command, &new.command),
    ];
    let differ: Vec<_> = pairs
        .iter()
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| format!("{what} `{old}` before and `{new}` after"))
        .collect();
    let what = differ.join(", ");
    (!differ.is_empty()).then(|| format!("the sides were not measured alike: {what}; compare runs of the same kind"))
}

/// Which apps are of another release after than before; nothing is wrong with that, it is what is compared.
pub(super) fn releases(before: &Side, after: &Side) -> Vec<String> {
    let pairs = before.head.releases.iter().filter_map(|(app, old)| Some((app, old, after.head.releases.get(app)?)));
    let changed = pairs.filter(|(_, old, new)| old != new);
    changed.map(|(app, old, new)| format!("{app} is release {old} before and {new} after")).collect()
}

fn obstacle(view: &RunView, figures: &RouteFigures) -> Option<Obstacle> {
    if was_stopped(view, figures) {
        return Some(Obstacle::new(Reason::Stopped, "the load was stopped before its end"));
    }
    if figures.executor.contains("unpaced") {
        return Some(Obstacle::new(Reason::ClosedLoop, "users waited for answers before they asked again"));
    }
    if let Some(fault) = &figures.generator.fault {
        return Some(Obstacle::new(Reason::HarnessFault, fault));
    }
    if figures.samples.is_empty() {
        return Some(Obstacle::new(Reason::TooFew, "the record keeps no single latencies of this load"));
    }
    match &figures.window {
        None => Some(Obstacle::new(Reason::UndecidedStability, "the load was not meant to be even")),
        Some(window) => match window.stability {
            Stability::Stable => None,
            Stability::Undecided => Some(Obstacle::new(window.reason(), "it was not shown that the load was even")),
            Stability::Unstable => Some(Obstacle::new(window.reason(), uneven(&window.flaws))),
        },
    }
}

fn uneven(flaws: &[Flaw]) -> String {
    let names = flaws.iter().map(|flaw| match flaw {
        Flaw::Length => "it was too short".to_owned(),
        Flaw::Silence { minute } => format!("telemetry was silent in slice {}", minute + 1),
        Flaw::Unsent { minute } => format!("less was sent than planned in slice {}", minute + 1),
        Flaw::Lag => "requests were sent late".to_owned(),
        Flaw::Disturbed { minute } => format!("something was changed in slice {}", minute + 1),
        Flaw::Shift { quantile, from, to } => {
            format!("the P{} moved between thirds {} and {}", percent(quantile.as_f64()), from + 1, to + 1)
        }
        Flaw::OddMinute { minute } => format!("slice {} is unlike the others", minute + 1),
        Flaw::Errors { third } => format!("too many requests failed in third {}", third + 1),
    });
    let mut names: Vec<_> = names.collect();
    names.dedup();
    let more = names.len().saturating_sub(2);
    names.truncate(2);
    let rest = if more == 0 { String::new() } else { format!(", and {more} more") };
    format!("the load was uneven: {}{rest}", names.join(", "))
}

fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}
