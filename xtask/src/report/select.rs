//! Which records of a run belong together: by app, by column of the matrix, by state.

use std::collections::BTreeSet;

use common::ids::{AppId, TraceId};
use common::verdict::{Aspect, Ruling, SecondSource, Verdict};

use super::state::State;
use super::text::{count, ms};
use crate::record::RunView;

/// The apps that took part, in order.
pub(crate) fn apps(view: &RunView) -> Vec<AppId> {
    let mut apps: BTreeSet<_> = view.started.iter().flat_map(|run| run.apps.keys().copied()).collect();
    apps.extend(view.inventory.apps.iter().map(|app| app.contract.app));
    apps.extend(view.rulings.iter().map(|ruling| ruling.claim.app));
    apps.into_iter().collect()
}

/// Failures that decide, in the order of the run.
pub(crate) fn decided(view: &RunView) -> impl Iterator<Item = &Ruling> {
    view.rulings.iter().filter(|ruling| State::of(ruling) == State::Fail)
}

/// What decides and is inconclusive, held or skipped, in the order of the run.
pub(crate) fn undecided(view: &RunView) -> impl Iterator<Item = &Ruling> {
    view.rulings.iter().filter(|ruling| ruling.claim.gate && !ruling.verdict.is_pass() && !ruling.verdict.is_fail())
}

/// The traces that a ruling shows.
pub(crate) fn traces(ruling: &Ruling) -> &[TraceId] {
    match &ruling.verdict {
        Verdict::Fail { traces, .. } => traces,
        _ => &[],
    }
}

/// A column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Smoke,
    LoadErrors,
    LoadLatency,
    Checks,
    SecondSource,
}

/// What stands at one place of the matrix.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// Absent if nothing of the kind was tried.
    pub(crate) state: Option<State>,
    pub(crate) line: String,
}

impl Column {
    /// All, in order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Smoke, Self::LoadErrors, Self::LoadLatency, Self::Checks, Self::SecondSource];

    /// Its head.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Smoke => "Smoke",
            Self::LoadErrors => "Load: errors",
            Self::LoadLatency => "Load: P95",
            Self::Checks => "Checks",
            Self::SecondSource => "Second source",
        }
    }

    fn holds(self, ruling: &Ruling) -> bool {
        let claim = &ruling.claim;
        match self {
            Self::Smoke => claim.phase == 1 && claim.kind == "slo",
            Self::LoadErrors => claim.phase == 2 && Aspect::of(ruling) == Aspect::Errors,
            Self::LoadLatency => claim.phase == 2 && Aspect::of(ruling) == Aspect::Latency,
            Self::Checks => claim.kind == "check",
            Self::SecondSource => false,
        }
    }

    /// What this column says of an app: the worst state, and how many claims passed.
    pub(crate) fn cell(self, view: &RunView, app: AppId) -> Cell {
        if self == Self::SecondSource {
            return second_source(view, app);
        }
        let own: Vec<_> = view.rulings.iter().filter(|r| r.claim.app == app && self.holds(r)).collect();
        let Some(state) = own.iter().map(|ruling| State::of(ruling)).max() else {
            return Cell { state: None, line: "not tried".into() };
        };
        let passed = own.iter().filter(|ruling| ruling.verdict.is_pass()).count();
        let mut line = format!("{passed} of {}", own.len());
        if self == Self::LoadLatency
            && let Some(worst) = tightest(&own)
        {
            line = format!("{line}; worst {} of {} ms", ms(worst.p95_ms), ms(worst.limit_ms));
        }
        Cell { state: Some(state), line }
    }
}

fn tightest<'a>(rulings: &[&'a Ruling]) -> Option<&'a common::verdict::LatencyFigures> {
    let latencies = rulings.iter().filter_map(|ruling| ruling.verdict.figures()?.latency.as_ref());
    latencies.filter(|l| l.limit_ms > 0.0).max_by(|a, b| (a.p95_ms / a.limit_ms).total_cmp(&(b.p95_ms / b.limit_ms)))
}

fn second_source(view: &RunView, app: AppId) -> Cell {
    let own: Vec<_> = view.reconciliations.iter().map(|(_, entry)| entry).filter(|entry| entry.app == app).collect();
    let state = own.iter().map(|entry| match entry.second_source() {
        SecondSource::Agrees(_) => State::Pass,
        SecondSource::Absent { .. } => State::Skipped,
        SecondSource::Disagrees { .. } | SecondSource::Gap { .. } => State::Inconclusive,
    });
    let state = state.max();
    let line = if state.is_none() {
        "not compared".into()
    } else {
        let sum = |of: fn(&common::reconcile::Reconciliation) -> u64| own.iter().map(|entry| of(entry)).sum::<u64>();
        format!("{} of {} records", count(sum(|e| e.matched)), count(sum(|e| e.expected)))
    };
    Cell { state, line }
}
