//! `report.html`: one page that needs nothing else, not even JavaScript.

mod agent;
mod app;
mod bars;
mod geometry;
mod plot;
mod rest;
mod score;
mod shapes;

use askama::Template;
use common::ids::{AppId, TraceId};
use common::verdict::{Grade, Ruling};

use super::head::{self, Counts};
use super::select::{Column, apps, decided, traces, undecided};
use super::state::State;
use super::{Artifact, Head, text};
use crate::record::RunView;

/// All that the page shows, as text.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    head: Head,
    grade_class: &'static str,
    meaning: String,
    timing: String,
    command: String,
    version: String,
    resumed: u32,
    tally: Vec<(String, u32)>,
    scored: Option<score::Scored>,
    missing: Vec<String>,
    phases: Vec<PhaseRow>,
    failed: Vec<Claim>,
    waiting: Vec<Claim>,
    columns: Vec<&'static str>,
    matrix: Vec<MatrixRow>,
    issues: Vec<rest::Issue>,
    shapes: Vec<shapes::Shape>,
    apps: Vec<app::Section>,
    learned: Option<agent::Learned>,
    outages: Option<agent::Outages>,
    safety: Vec<agent::ClaimLine>,
    leaves: Vec<agent::Leave>,
    reconciliations: Vec<rest::Reconciled>,
    funnels: Vec<rest::Journey>,
    generators: Vec<rest::GeneratorRow>,
    inventory: Vec<rest::InventoryRow>,
    secrets: Vec<(String, bool, String)>,
    notes: Vec<(u8, String, String)>,
    legend: Vec<(String, &'static str)>,
}

struct PhaseRow {
    phase: u8,
    title: String,
    took: String,
    /// Share of the longest phase, in percent.
    share: String,
}

/// A claim that a reader should see first.
struct Claim {
    anchor: String,
    badge: String,
    id: String,
    app: String,
    text: String,
    explanation: String,
    /// What would decide it, or how to grant it, where the explanation does not say so.
    next: Option<String>,
    rerun: String,
    traces: Vec<TraceLink>,
}

struct MatrixRow {
    app: AppId,
    title: &'static str,
    badge: String,
    cells: Vec<(String, String)>,
}

/// A trace and where it leads.
struct TraceLink {
    id: String,
    /// The anchor on the page, where the request is shown.
    here: Option<String>,
    /// The lineage in the command center of the target.
    lineage: Option<String>,
}

/// What the parts of the page have in common.
struct Site<'a> {
    view: &'a RunView,
    /// Base URL of the target's A8, with a slash at its end.
    a8: Option<String>,
}

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let html = page(view).render().expect("the page is text, and memory takes it");
    vec![Artifact::report("report.html", html)]
}

fn page(view: &RunView) -> Page {
    let site = Site::of(view);
    let started = view.started.as_ref();
    Page {
        head: Head::of(view),
        grade_class: grade_class(head::grade(view)),
        meaning: head::meaning(view),
        timing: head::timing(view),
        command: started.map(|run| format!("cargo xtask {}", run.command)).unwrap_or_default(),
        version: started.map_or_else(|| "unknown".into(), |run| run.version.clone()),
        resumed: view.resumed,
        tally: tally(Counts::of(view, None)),
        scored: score::scored(view),
        missing: view.missing_for_ready.clone(),
        phases: phases(view),
        failed: decided(view).map(|ruling| site.claim(ruling)).collect(),
        waiting: undecided(view).map(|ruling| site.claim(ruling)).collect(),
        columns: Column::ALL.map(Column::title).into(),
        matrix: apps(view).into_iter().map(|app| matrix_row(view, app)).collect(),
        issues: view.known_issues.iter().map(|issue| site.issue(issue)).collect(),
        shapes: view.shapes.iter().map(|shape| site.shape(shape)).collect(),
        apps: site.sections(),
        learned: site.learned(),
        outages: site.outages(),
        safety: site.safety(),
        leaves: site.leaves(),
        reconciliations: view.reconciliations.iter().map(|(phase, entry)| site.reconciled(*phase, entry)).collect(),
        funnels: view.funnels.iter().map(|funnel| site.journey(funnel)).collect(),
        generators: rest::generators(view),
        inventory: rest::inventory(view),
        secrets: secrets(view),
        notes: notes(view),
        legend: State::ALL.map(|state| (state_badge(state), state.meaning())).into(),
    }
}

fn grade_class(grade: Grade) -> &'static str {
    match grade {
        Grade::Ready => "pass",
        Grade::Conditional => "inconclusive",
        Grade::NotReady => "fail",
    }
}

fn tally(counts: Counts) -> Vec<(String, u32)> {
    let of = |state| match state {
        State::Pass => counts.pass,
        State::Fail => counts.fail,
        State::Known => counts.known,
        State::Inconclusive => counts.inconclusive,
        State::Held => counts.held,
        State::Skipped => counts.skipped,
    };
    State::ALL.into_iter().map(|state| (state_badge(state), of(state))).collect()
}

/// A word with its shape and colour.
fn badge(class: &str, word: &str) -> String {
    format!(
        "<span class=\"badge {class}\"><svg aria-hidden=\"true\" viewBox=\"0 0 16 16\"><use href=\"#i-{class}\"/></svg>{word}</span>"
    )
}

fn state_badge(state: State) -> String {
    badge(state.class(), state.word())
}

fn phases(view: &RunView) -> Vec<PhaseRow> {
    let longest = view.phases.iter().filter_map(|phase| phase.took_s).fold(0.001, f64::max);
    let row = |phase: &crate::record::PhaseView| PhaseRow {
        phase: phase.phase,
        title: phase.title.clone(),
        took: phase.took_s.map_or_else(|| "did not end".into(), text::duration),
        share: format!("{:.1}", phase.took_s.unwrap_or(0.0) / longest * 100.0),
    };
    view.phases.iter().map(row).collect()
}

fn matrix_row(view: &RunView, app: AppId) -> MatrixRow {
    let cells = Column::ALL.map(|column| {
        let cell = column.cell(view, app);
        (cell.state.map_or_else(|| "<span class=\"none\">not tried</span>".into(), state_badge), cell.line)
    });
    MatrixRow { app, title: app.title(), badge: grade_badge(view, app), cells: cells.into() }
}

fn grade_badge(view: &RunView, app: AppId) -> String {
    match head::graded(view, app) {
        Some(grade) => badge(grade_class(grade), grade.as_str()),
        None => badge("skipped", "NOT TRIED"),
    }
}

fn secrets(view: &RunView) -> Vec<(String, bool, String)> {
    let row = |s: &crate::record::SecretPresence| (s.name.clone(), s.present, s.needed_for.clone());
    view.inventory.secrets.iter().map(row).collect()
}

fn notes(view: &RunView) -> Vec<(u8, String, String)> {
    let row = |(phase, app, text): &(u8, Option<AppId>, String)| {
        (*phase, app.map(|app| app.to_string()).unwrap_or_default(), text.clone())
    };
    view.notes.iter().map(row).collect()
}

impl<'a> Site<'a> {
    fn of(view: &'a RunView) -> Self {
        let base = view.started.as_ref().and_then(|run| run.apps.get(&AppId::A8));
        let web = base.filter(|base| base.starts_with("http://") || base.starts_with("https://"));
        Self { view, a8: web.map(|base| format!("{}/", base.trim_end_matches('/'))) }
    }

    fn anchor(&self, ruling: &Ruling) -> String {
        let at = self.view.rulings.iter().position(|other| other.claim.id == ruling.claim.id);
        format!("claim-{}", at.unwrap_or_default())
    }

    fn trace(&self, id: TraceId) -> TraceLink {
        let shown = self
            .view
            .figures
            .iter()
            .any(|figures| figures.slowest.iter().chain(&figures.failed).any(|exemplar| exemplar.trace_id == id));
        TraceLink {
            id: id.to_string(),
            here: shown.then(|| format!("trace-{id}")),
            lineage: self.a8.as_ref().map(|base| format!("{base}lineage?trace_id={id}")),
        }
    }

    fn claim(&self, ruling: &Ruling) -> Claim {
        use common::verdict::Verdict;
        let next = match &ruling.verdict {
            Verdict::Inconclusive { required, .. } => Some(format!("needed: {required}")),
            Verdict::Held { action, grant } => Some(format!("{action}: {grant}")),
            Verdict::Skipped { reason } => Some(reason.clone()),
            Verdict::Pass { .. } | Verdict::Fail { .. } => None,
        };
        Claim {
            anchor: self.anchor(ruling),
            badge: state_badge(State::of(ruling)),
            id: ruling.claim.id.clone(),
            app: ruling.claim.app.to_string(),
            text: ruling.claim.text.clone(),
            explanation: ruling.explanation.clone(),
            next: next.filter(|next| !ruling.explanation.contains(next.trim_start_matches("needed: "))),
            rerun: ruling.rerun.clone(),
            traces: traces(ruling).iter().take(5).map(|id| self.trace(*id)).collect(),
        }
    }
}
