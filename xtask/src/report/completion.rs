//! `a8_second_confirmation.md`: is the ecosystem complete? Each criterion is met only by claims that passed, from two sources
//! where they have two.

mod criteria;
mod issue;
mod leave;
mod needs;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use common::ids::TraceId;
use common::verdict::Grade;

use super::markdown::{cell, code, table};
use super::{Artifact, Head, claims, head};
use crate::record::RunView;

/// Traces that are shown of one criterion.
const TRACES: usize = 5;

/// How a criterion stands. Ordered from good to bad: the worst of what it rests on decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Met,
    NotTried,
    Held,
    Undecided,
    NotMet,
}

/// One criterion of the run.
#[derive(Debug, Clone)]
pub(super) struct Criterion {
    pub(super) text: &'static str,
    /// What it rests on, each with how it stands.
    pub(super) rests: Vec<Rest>,
    /// Files beside this report.
    pub(super) files: Vec<&'static str>,
    pub(super) traces: Vec<TraceId>,
}

/// One thing that a criterion rests on.
#[derive(Debug, Clone)]
pub(super) struct Rest {
    /// A claim's id, or what was looked for.
    pub(super) what: String,
    pub(super) standing: Standing,
    pub(super) why: String,
}

impl Standing {
    /// The word with its sign.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Met => "✓ met",
            Self::NotTried => "– not tried",
            Self::Held => "‖ held",
            Self::Undecided => "? undecided",
            Self::NotMet => "✗ not met",
        }
    }
}

impl Criterion {
    /// The worst of all that it rests on; resting on nothing is not tried.
    pub(super) fn standing(&self) -> Standing {
        self.rests.iter().map(|rest| rest.standing).max().unwrap_or(Standing::NotTried)
    }
}

/// Every criterion, in the order in which they are told.
pub(super) fn of(view: &RunView) -> Vec<Criterion> {
    criteria::all(view)
}

/// True only if every criterion is met and the run itself is READY.
pub(super) fn is_complete(view: &RunView, criteria: &[Criterion]) -> bool {
    let met = !criteria.is_empty() && criteria.iter().all(|criterion| criterion.standing() == Standing::Met);
    met && head::grade(view) == Grade::Ready
}

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let criteria = of(view);
    let mut out = Head::of(view).markdown("Second confirmation");
    verdict(&mut out, view, &criteria);
    let rows = criteria.iter().map(row);
    out.push_str(&table(&["", "criterion", "rests on", "artifacts", "traces"], "<<<<<", rows));
    for criterion in &criteria {
        detail(&mut out, criterion);
    }
    out.push_str(
        "## How it is decided\n\nNothing is measured here: each line is what the claims of this run say. The worst of them decides, \
         and one that was not ruled on is not tried. Smoke service levels, what funnels leave in A8 and A2, and every cent count \
         only if a second source agreed record by record; with one source alone they are undecided. READY stands here only if \
         every criterion is met and the run's own grade is READY.\n",
    );
    vec![Artifact::report("a8_second_confirmation.md", out)]
}

fn verdict(out: &mut String, view: &RunView, criteria: &[Criterion]) {
    let met = criteria.iter().filter(|criterion| criterion.standing() == Standing::Met).count();
    let all = criteria.len();
    if is_complete(view, criteria) {
        let _ = writeln!(out, "**READY**: all {all} criteria are met.\n");
        return;
    }
    if met == all {
        let _ = writeln!(
            out,
            "**NOT CONFIRMED**: all {all} criteria are met, but the run is {}: {}\n",
            head::grade(view).as_str(),
            head::meaning(view)
        );
        return;
    }
    let _ = writeln!(out, "**NOT CONFIRMED**: {met} of {all} criteria met.\n");
}

fn row(criterion: &Criterion) -> Vec<String> {
    let good = criterion.rests.iter().filter(|rest| rest.standing == Standing::Met).count();
    let files: Vec<_> = criterion.files.iter().map(|file| claims::link(file)).collect();
    let traces: Vec<_> = criterion.traces.iter().take(TRACES).map(|trace| code(&trace.to_string())).collect();
    vec![
        format!("**{}**", criterion.standing().as_str()),
        cell(criterion.text),
        format!("{good} of {}", criterion.rests.len()),
        files.join("<br>"),
        if traces.is_empty() { "–".into() } else { traces.join("<br>") },
    ]
}

/// What a criterion rests on, worst first; what stands alike for the same reason is told together.
fn detail(out: &mut String, criterion: &Criterion) {
    let _ = writeln!(out, "## {}: {}\n", criterion.standing().as_str(), cell(criterion.text));
    let mut alike: Vec<(&Rest, Vec<String>)> = Vec::new();
    for rest in &criterion.rests {
        match alike.iter_mut().find(|(first, _)| (first.standing, &first.why) == (rest.standing, &rest.why)) {
            Some((_, names)) => names.push(code(&rest.what)),
            None => alike.push((rest, vec![code(&rest.what)])),
        }
    }
    alike.sort_by_key(|(first, _)| std::cmp::Reverse(first.standing));
    for (first, names) in alike {
        let _ = writeln!(out, "- {} {}: {}", first.standing.as_str(), names.join(", "), cell(&first.why));
    }
    out.push('\n');
}
