//! `egrs.json`: the score of the ecosystem as an interval, of what it is made, and how it changed.

use std::collections::BTreeMap;

use common::slo::{GradeReason, Objective, Score};
use common::verdict::Statement;
use serde::Serialize;

use super::{Artifact, Head, json, undecided};
use crate::record::{Change, RunView};

#[derive(Serialize)]
struct File<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// Why the grade is what it is.
    reason: GradeReason,
    /// In points of 100: what is undecided all failing, and all passing.
    score: Score,
    apps: BTreeMap<&'a str, App<'a>>,
    failed_gates: &'a [String],
    undecided: Vec<Undecided>,
    /// Since the last run of the same kind; absent for the first.
    change: Option<&'a Change>,
    /// How many claims that decide were judged together.
    judged_together: u64,
}

#[derive(Serialize)]
struct App<'a> {
    grade: Option<&'static str>,
    score: Option<Score>,
    objectives: &'a [Objective],
}

/// What stands between the worst and the best score.
#[derive(Serialize)]
struct Undecided {
    claim: String,
    verdict: &'static str,
    samples_needed: Option<u64>,
    observed: Option<String>,
    required: Option<String>,
}

/// The one file; none for a run that was not rolled up.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let Some(rollup) = &view.rollup else { return Vec::new() };
    let grade =
        |name: &str| rollup.apps.iter().find(|(app, _)| app.lower() == name).map(|(_, (grade, _))| grade.as_str());
    let apps = rollup.services.iter().enumerate().map(|(at, service)| {
        let (grade, score) = (grade(&service.name), rollup.egrs.services.get(at).copied());
        (service.name.as_str(), App { grade, score, objectives: &service.objectives })
    });
    let open = undecided(view).map(Statement::from).map(|of| Undecided {
        claim: of.id,
        verdict: of.verdict,
        samples_needed: of.samples_needed,
        observed: of.observed,
        required: of.required,
    });
    let file = File {
        schema: "handshake-egrs/1",
        head: Head::of(view),
        reason: rollup.egrs.reason,
        score: rollup.egrs.score,
        apps: apps.collect(),
        failed_gates: &rollup.egrs.failed_gates,
        undecided: open.collect(),
        change: view.change.as_ref(),
        judged_together: rollup.judged_together,
    };
    vec![Artifact::report("egrs.json", json(&file))]
}
