//! The claims that a report is about: their table with what shows each, and what is left to do for those that were not
//! tried.

use std::fmt::Write as _;

use common::ids::{AppId, TraceId};
use common::verdict::{Ruling, Verdict};

use super::head::Head;
use super::markdown::{cell, code, table};
use super::select::traces;
use super::state::State;
use super::text;
use crate::record::RunView;

/// Traces that are shown of one claim.
const TRACES: usize = 3;
/// What stands for all claims about outages where they were not tried.
const OUTAGES: &str = "a3.resilience";

/// The rulings on these claims, in the order of the claims. What ends in `.` stands for all that begin so.
pub(super) fn named<'a>(view: &'a RunView, ids: &[&str]) -> Vec<&'a Ruling> {
    let of = |id: &&str| {
        let fits = |ruling: &&Ruling| match id.ends_with('.') {
            true => ruling.claim.id.starts_with(id),
            false => ruling.claim.id == *id,
        };
        view.rulings.iter().filter(fits).collect::<Vec<_>>()
    };
    ids.iter().flat_map(of).collect()
}

/// The ruling on a claim, or the one that stands for it where the outages were not tried.
pub(super) fn ruled<'a>(view: &'a RunView, id: &str) -> Option<&'a Ruling> {
    let of = |id: &str| view.rulings.iter().find(|ruling| ruling.claim.id == id);
    of(id).or_else(|| of(OUTAGES).filter(|ruling| id.starts_with(OUTAGES) && !ruling.verdict.is_pass()))
}

/// A table: verdict, claim, what it says, what was seen, and where that is shown.
pub(super) fn rows(view: &RunView, rulings: &[&Ruling]) -> String {
    let rows = rulings.iter().map(|ruling| {
        let claim = &ruling.claim;
        vec![
            State::of(ruling).to_string(),
            code(&claim.id),
            cell(&claim.text),
            cell(&ruling.explanation),
            shown_by(view, ruling),
        ]
    });
    table(&["", "claim", "what it says", "what was seen", "shown by"], "<<<<<", rows)
}

/// The report of the app, and traces.
fn shown_by(view: &RunView, ruling: &Ruling) -> String {
    let traces = evidence(view, ruling);
    let mut parts = vec![verdict_of(ruling.claim.app)];
    parts.extend(traces.iter().take(TRACES).map(|id| code(&id.to_string())));
    parts.join("<br>")
}

/// A link to the report with all claims of an app.
pub(super) fn verdict_of(app: AppId) -> String {
    link(&format!("{}_slo_verdict.md", app.lower()))
}

/// A link to a file beside this one.
pub(super) fn link(file: &str) -> String {
    format!("[{file}]({file})")
}

/// Traces that show what a ruling says: those that break it first, then those of its check's assertions.
pub(super) fn evidence(view: &RunView, ruling: &Ruling) -> Vec<TraceId> {
    let findings = view.checks.iter().filter(|(_, check)| check.id == ruling.claim.id);
    let of_check = findings.flat_map(|(_, check)| &check.findings).filter_map(|finding| finding.trace_id);
    once(traces(ruling).iter().copied().chain(of_check))
}

/// Each trace once, at the place of the first.
pub(super) fn once(traces: impl Iterator<Item = TraceId>) -> Vec<TraceId> {
    let mut all: Vec<TraceId> = Vec::new();
    for trace in traces {
        if !all.contains(&trace) {
            all.push(trace);
        }
    }
    all
}

/// The worst of them; `None` of none.
pub(super) fn worst(rulings: &[&Ruling]) -> Option<State> {
    rulings.iter().map(|ruling| State::of(ruling)).max()
}

/// `12 claims: 1 fail, 11 pass`, worst first.
pub(super) fn tally(rulings: &[&Ruling]) -> String {
    let count = |state: State| rulings.iter().filter(|ruling| State::of(ruling) == state).count();
    let some = State::ALL.into_iter().map(|state| (count(state), state)).filter(|(n, _)| *n > 0);
    let parts: Vec<_> = some.map(|(n, state)| format!("{n} {}", state.word().to_lowercase())).collect();
    format!("{}: {}", text::plural(rulings.len(), "claim"), parts.join(", "))
}

/// The first lines of a report that is about some claims: the worst verdict, how many came out how, and, for what waits or
/// was not tried, the command that would show it.
pub(super) fn verdict(rulings: &[&Ruling], about: &str, again: &str) -> String {
    let Some(state) = worst(rulings) else {
        return format!("**NOT TRIED**: no claim about {about} was tried in this run. {} tries them.\n\n", code(again));
    };
    let mut out = format!("**{state}**: {}.\n\n", tally(rulings));
    for ruling in rulings.iter().filter(|ruling| ruling.verdict.is_fail()) {
        let _ = writeln!(out, "- {} {}: {}", State::of(ruling), code(&ruling.claim.id), cell(&ruling.explanation));
    }
    let mut said: Vec<String> = Vec::new();
    for line in rulings.iter().filter_map(|ruling| to_do(ruling)) {
        if !said.contains(&line) {
            said.push(line);
        }
    }
    for line in &said {
        let _ = writeln!(out, "- {line}");
    }
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    out
}

/// What would decide a claim that was held or not tried.
fn to_do(ruling: &Ruling) -> Option<String> {
    match &ruling.verdict {
        Verdict::Held { action, grant } => {
            Some(format!("{} waits for a person: {}. Grant it: {}", State::Held, cell(action), code(grant)))
        }
        Verdict::Skipped { reason } => Some(format!("{}: {}", State::Skipped, cell(reason))),
        Verdict::Inconclusive { observed, required, .. } => Some(format!(
            "{} {}: there is {}, needed: {}",
            State::Inconclusive,
            code(&ruling.claim.id),
            cell(observed),
            cell(required)
        )),
        Verdict::Pass { .. } | Verdict::Fail { .. } => None,
    }
}

/// The head of a report about these claims, verdict first.
pub(super) fn head(view: &RunView, title: &str, rulings: &[&Ruling], about: &str, again: &str) -> String {
    Head::of(view).markdown(title) + &verdict(rulings, about, again)
}

/// A section of the claims that were not ruled on, each with the command that tries it; empty if all were.
pub(super) fn not_tried(view: &RunView, ids: &[&str]) -> String {
    let lines = open(view, ids);
    if lines.is_empty() { String::new() } else { format!("## Not tried\n\n{lines}") }
}

/// A line for each claim that was not ruled on; empty if all were.
pub(super) fn open(view: &RunView, ids: &[&str]) -> String {
    let mut out = String::new();
    for id in ids.iter().filter(|id| named(view, &[id]).is_empty()) {
        let name = if id.ends_with('.') { format!("{id}…") } else { (*id).to_owned() };
        let what = match ruled(view, id) {
            Some(ruling) => format!("{}, as {}", State::of(ruling), code(&ruling.claim.id)),
            None => format!("not tried; {} tries it", code(&again(id))),
        };
        let _ = writeln!(out, "- {}: {what}", code(&name));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// The command that tries a claim.
fn again(id: &str) -> String {
    let app = id.split('.').next().unwrap_or_default();
    match id {
        _ if id.starts_with(OUTAGES) || id.ends_with(".effects") => "cargo xtask suite resiliency".to_owned(),
        "a3.autonomy" | "a3.autonomy.simulated" => "cargo xtask suite learning".to_owned(),
        _ => format!("cargo xtask suite {app} --check {id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{correction, fixture, resiliency, signal_path};
    use crate::suites;

    #[test]
    fn every_check_that_a_report_would_have_tried_is_one_of_a_suite() {
        let ids = correction::ids().into_iter().chain(signal_path::ids()).chain(resiliency::CLAIMS);
        for id in ids {
            let command = again(id);
            let Some((_, check)) = command.split_once(" --check ") else { continue };
            let app = check.split('.').next().and_then(|app| app.parse().ok()).unwrap();
            assert!(suites::suite(app).check(check).is_some(), "{command}");
        }
    }

    #[test]
    fn a_claim_about_outages_is_held_with_all_of_them_and_passed_with_none_but_itself() {
        let held = fixture::held();
        assert_eq!(ruled(&held, "a3.resilience.backoff").map(State::of), Some(State::Held));
        assert!(ruled(&held, "a3.floor_holds").is_none());
        let mut view = fixture::view();
        let whole = view.rulings.iter().find(|ruling| ruling.claim.id == "a3.resilience.recovers").unwrap().clone();
        view.rulings = vec![whole];
        view.rulings[0].claim.id = "a3.resilience".into();
        assert!(view.rulings[0].verdict.is_pass() && ruled(&view, "a3.resilience.backoff").is_none());
    }

    #[test]
    fn nothing_ruled_is_not_tried_and_never_a_pass() {
        let text = verdict(&[], "outages", "cargo xtask suite resiliency");
        assert!(text.starts_with("**NOT TRIED**") && !text.contains("PASS"), "{text}");
    }
}
