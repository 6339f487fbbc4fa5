//! `summary.json`: the run for programs, verdict first. Its schema is versioned and committed as a snapshot.

mod agent;

use std::collections::BTreeMap;

use common::verdict::{Aspect, Grade, Ruling, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use super::decisions::{self, AnswerCounts};
use super::head::{Counts, graded};
use super::select::{apps, decided, traces, undecided};
use super::{Artifact, Head, head, json};
use crate::record::{RunView, ShapeRun};

/// The summary of a run, `handshake-summary/1`.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "handshake-summary/1")]
pub(super) struct Summary {
    /// `handshake-summary/1`.
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// The grade in a sentence.
    meaning: String,
    /// The process's exit code; absent if the run did not end.
    exit_code: Option<u8>,
    /// How many claims came out how.
    tally: Counts,
    /// What stands between this run and READY.
    missing_for_ready: Vec<String>,
    /// Claims that decide and were shown to be broken.
    failed: Vec<Claim>,
    /// Claims that decide and were not shown, held back or not tried.
    undecided: Vec<Claim>,
    /// Known issues that showed again, by id.
    known_issues: Vec<String>,
    /// Each app by its short name.
    apps: BTreeMap<String, App>,
    /// Service levels with their figures.
    service_levels: Vec<Level>,
    /// Ramp, spike, soak and burst with their figures.
    shapes: Vec<Shape>,
    /// What A3 showed of its learning; absent if it was not asked.
    learning: Option<agent::Learning>,
    /// What outages showed; absent if none was made.
    resiliency: Option<agent::Resiliency>,
    /// What was asked of people.
    approvals: AnswerCounts,
    /// The criteria of `a8_second_confirmation.md`.
    completion: agent::Completion,
    run: Run,
    /// The other reports of the run, as paths below the output root.
    reports: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct App {
    /// `READY`, `CONDITIONAL`, `NOT READY`; absent if nothing was tried on it.
    grade: Option<&'static str>,
    tally: Counts,
}

#[derive(Serialize, JsonSchema)]
struct Claim {
    id: String,
    app: String,
    phase: u8,
    claim: String,
    /// `FAIL`, `INCONCLUSIVE`, `HELD`, `SKIPPED`.
    verdict: &'static str,
    explanation: String,
    /// The command that shows it again.
    rerun: String,
    /// What there is of what is needed; for inconclusive claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    observed: Option<String>,
    /// What would decide it; for inconclusive claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<String>,
    /// How to grant it; for held claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    /// Traces that show it, worst first.
    trace_ids: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct Level {
    id: String,
    app: String,
    phase: u8,
    /// `latency` or `errors`.
    about: &'static str,
    /// `PASS`, `FAIL`, `INCONCLUSIVE`, `HELD`, `SKIPPED`.
    verdict: &'static str,
    /// False if it does not decide.
    gate: bool,
    /// Samples.
    n: u64,
    /// Errors, or samples over the limit.
    bad: u64,
    /// Limit of the P95; for latency.
    limit_ms: Option<f64>,
    p95_ms: Option<f64>,
    p95_lower_ms: Option<f64>,
    p95_upper_ms: Option<f64>,
    /// Limit of the share that is bad, in percent.
    limit_pct: Option<f64>,
    /// The share that was bad, in percent.
    bad_pct: Option<f64>,
    bad_lower_pct: Option<f64>,
    bad_upper_pct: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct Shape {
    /// `a2_burst`.
    id: String,
    app: String,
    title: String,
    /// How long it lasted.
    duration_s: f64,
    /// How long it lasts in full.
    full_s: f64,
    requests: u64,
    errors: u64,
    p95_ms: f64,
    limit_ms: f64,
    most_users: u32,
    /// The users at which the app no longer kept up; absent if it did to the end.
    knee_users: Option<u32>,
    /// Events that were acknowledged; where it was asked what became of them.
    acknowledged: Option<u64>,
    /// Those of them that were found again once and as sent.
    found_again: Option<u64>,
    lost: Option<u64>,
    twice: Option<u64>,
    /// Those of them that the second source has once.
    in_second_source: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct Run {
    command: Option<String>,
    /// The harness's own version.
    version: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
    took_s: Option<f64>,
    cores: Option<u32>,
    /// How often it was resumed.
    resumed: u32,
    phases: Vec<Phase>,
}

#[derive(Serialize, JsonSchema)]
struct Phase {
    phase: u8,
    title: String,
    started_at: String,
    /// Absent if it did not end.
    took_s: Option<f64>,
}

/// The one file. `others` are the reports that it lists.
pub(super) fn render(view: &RunView, others: &[Artifact]) -> Vec<Artifact> {
    let mut summary = summary(view);
    summary.reports = others.iter().map(|artifact| artifact.path.clone()).collect();
    vec![Artifact::report("summary.json", json(&summary))]
}

fn summary(view: &RunView) -> Summary {
    let apps = apps(view).into_iter().map(|app| {
        let grade = graded(view, app).map(Grade::as_str);
        (app.to_string(), App { grade, tally: Counts::of(view, Some(app)) })
    });
    Summary {
        schema: "handshake-summary/1",
        head: Head::of(view),
        meaning: head::meaning(view),
        exit_code: view.finished.as_ref().map(|(_, _, code)| *code),
        tally: Counts::of(view, None),
        missing_for_ready: view.missing_for_ready.clone(),
        failed: decided(view).map(claim).collect(),
        undecided: undecided(view).map(claim).collect(),
        known_issues: view.rollup.as_ref().map(|rollup| rollup.known_issues.clone()).unwrap_or_default(),
        apps: apps.collect(),
        service_levels: view.rulings.iter().filter_map(level).collect(),
        shapes: view.shapes.iter().map(shape).collect(),
        learning: agent::learning(view),
        resiliency: agent::resiliency(view),
        approvals: decisions::counts(view),
        completion: agent::completion(view),
        run: run(view),
        reports: Vec::new(),
    }
}

fn claim(ruling: &Ruling) -> Claim {
    let (mut seen, mut needed, mut granted) = (None, None, None);
    match &ruling.verdict {
        Verdict::Inconclusive { observed, required, .. } => {
            (seen, needed) = (Some(observed.clone()), Some(required.clone()));
        }
        Verdict::Held { grant, .. } => granted = Some(grant.clone()),
        Verdict::Pass { .. } | Verdict::Fail { .. } | Verdict::Skipped { .. } => {}
    }
    Claim {
        id: ruling.claim.id.clone(),
        app: ruling.claim.app.to_string(),
        phase: ruling.claim.phase,
        claim: ruling.claim.text.clone(),
        verdict: ruling.verdict.as_str(),
        explanation: ruling.explanation.clone(),
        rerun: ruling.rerun.clone(),
        observed: seen,
        required: needed,
        grant: granted,
        trace_ids: traces(ruling).iter().map(ToString::to_string).collect(),
    }
}

fn level(ruling: &Ruling) -> Option<Level> {
    let about = match Aspect::of(ruling) {
        Aspect::Latency => "latency",
        Aspect::Errors => "errors",
        _ => return None,
    };
    let figures = ruling.verdict.figures();
    let latency = figures.and_then(|figures| figures.latency.as_ref());
    let judged = figures.and_then(|figures| figures.judgement.as_ref());
    let pct = |share: f64| share * 100.0;
    Some(Level {
        id: ruling.claim.id.clone(),
        app: ruling.claim.app.to_string(),
        phase: ruling.claim.phase,
        about,
        verdict: ruling.verdict.as_str(),
        gate: ruling.claim.gate,
        n: figures.map_or(0, |figures| figures.n.get()),
        bad: figures.map_or(0, |figures| figures.bad),
        limit_ms: latency.map(|latency| latency.limit_ms),
        p95_ms: latency.map(|latency| latency.p95_ms),
        p95_lower_ms: latency.and_then(|latency| latency.p95_lower_ms),
        p95_upper_ms: latency.and_then(|latency| latency.p95_upper_ms),
        limit_pct: judged.map(|judged| pct(judged.limit)),
        bad_pct: judged.and_then(|judged| judged.point).map(pct),
        bad_lower_pct: judged.map(|judged| pct(judged.interval.lower)),
        bad_upper_pct: judged.map(|judged| pct(judged.interval.upper)),
    })
}

fn shape(of: &ShapeRun) -> Shape {
    let (figures, stored) = (&of.figures, of.stored.as_ref());
    Shape {
        id: of.id.clone(),
        app: of.app.to_string(),
        title: of.title.clone(),
        duration_s: figures.duration_s,
        full_s: of.full_s,
        requests: figures.requests,
        errors: figures.errors,
        p95_ms: figures.response.p95_ms,
        limit_ms: figures.response.limit_ms,
        most_users: of.points.iter().map(|point| point.users).max().unwrap_or(0),
        knee_users: of.knee.as_ref().map(|knee| knee.users),
        acknowledged: stored.map(|proof| proof.acknowledged),
        found_again: stored.map(|proof| proof.found),
        lost: stored.map(|proof| proof.lost),
        twice: stored.map(|proof| proof.twice),
        in_second_source: stored.map(|proof| proof.in_a8),
    }
}

fn run(view: &RunView) -> Run {
    let started = view.started.as_ref();
    let phases = view.phases.iter().map(|phase| Phase {
        phase: phase.phase,
        title: phase.title.clone(),
        started_at: phase.started_at.clone(),
        took_s: phase.took_s,
    });
    Run {
        command: started.map(|run| run.command.clone()),
        version: started.map(|run| run.version.clone()),
        started_at: started.map(|run| run.at.clone()),
        finished_at: view.finished.as_ref().map(|(at, ..)| at.clone()),
        took_s: view.finished.as_ref().map(|(_, took_s, _)| *took_s),
        cores: started.map(|run| run.cores),
        resumed: view.resumed,
        phases: phases.collect(),
    }
}

/// The JSON Schema (draft 2020-12) of the summary.
#[cfg(test)]
pub(crate) fn schema() -> serde_json::Value {
    schemars::schema_for!(Summary).to_value()
}
