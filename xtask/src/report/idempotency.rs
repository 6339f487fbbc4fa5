//! `idempotency_validation.md`: what showed in this run that one key has one effect, and what was not tried.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use common::history::{Anomaly, Fault};
use common::ids::AppId;
use common::verdict::Ruling;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, Head, text};
use crate::record::{EFFECT_APPS, EffectsCell, EffectsReport, RunView};

/// The checks that repeat or race a request, or kill what answered it.
pub(super) const CHECKS: [&str; 13] = [
    "a1.code_once",
    "a1.refresh",
    "a2.acknowledged_is_kept",
    "a2.one_key_one_event",
    "a3.one_key_one_page",
    "a3.one_key_one_run",
    "a5.replayed_webhook_credits_once",
    "a6.register",
    "a6.settle_once",
    "a7.beacons",
    "a7.lead",
    "a7.publish_once",
    "a8.counts_once",
];

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut out = Head::of(view).markdown("Idempotency");
    out.push_str(
        "One key has one effect: across repetitions, races, answers that got lost, and crashes. Checks repeat and race \
         single requests; the histories below are of concurrent clients whose app was killed and disturbed meanwhile.\n\n",
    );
    out.push_str("## Checks\n\n");
    let rulings: Vec<&Ruling> = tried(view).collect();
    if rulings.is_empty() {
        out.push_str("No check of idempotency was tried in this run.\n\n");
    } else {
        out.push_str(&checks(&rulings));
    }
    out.push_str("## Effects under faults\n\n");
    match &view.effects {
        Some(report) => out.push_str(&effects(report)),
        None => out.push_str("No app was killed or disturbed while effects were under way in this run.\n\n"),
    }
    out.push_str("## Not tried\n\n");
    for line in not_tried(view, &rulings) {
        let _ = writeln!(out, "- {line}");
    }
    vec![Artifact::report("idempotency_validation.md", out)]
}

fn tried(view: &RunView) -> impl Iterator<Item = &Ruling> {
    let is_one = |ruling: &&Ruling| CHECKS.contains(&ruling.claim.id.as_str());
    view.rulings.iter().filter(is_one)
}

fn checks(rulings: &[&Ruling]) -> String {
    let rows = rulings.iter().map(|ruling| {
        vec![State::of(ruling).to_string(), code(&ruling.claim.id), cell(&ruling.claim.text), cell(&ruling.explanation)]
    });
    table(&["", "check", "what it says", "what was seen"], "<<<<", rows)
}

/// The cells of a drive, and what is wrong in them.
pub(super) fn effects(report: &EffectsReport) -> String {
    let mut out = format!(
        "Seed {}, {} intents in each cell, began {}, took {}. Events have {} to arrive.\n\n",
        report.seed,
        report.intents,
        text::moment(&report.started_at),
        text::duration(report.took_s),
        text::duration(report.arrival_limit_s),
    );
    for defect in &report.defects {
        let _ = writeln!(out, "Told to misbehave: {}.\n", code(defect));
    }
    out.push_str(&cells(report.cells.iter()));
    for broken in report.cells.iter().filter(|cell| !cell.holds()) {
        let _ = writeln!(out, "### {} under {}\n\nAgain: {}\n", broken.app, broken.fault, code(&broken.again));
        for why in broken.shows_nothing() {
            let _ = writeln!(out, "- Shows nothing: {why}.");
        }
        let anomalies = broken.checked.anomalies.iter().map(anomaly).collect::<Vec<_>>();
        let _ = writeln!(out, "{}", anomalies.join(""));
    }
    out
}

/// A table of cells.
pub(super) fn cells<'a>(cells: impl Iterator<Item = &'a EffectsCell>) -> String {
    let rows = cells.map(|one| {
        let checked = &one.checked;
        let kinds: Vec<String> = one.by_kind.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        let disturbed: u64 = one.disturbed.values().sum();
        vec![
            one.app.to_string(),
            code(one.fault.as_str()),
            text::count(checked.intents),
            text::count(checked.operations),
            text::count(checked.acknowledged),
            text::count(checked.unknown),
            text::count(checked.refused),
            text::count(checked.crashes),
            text::count(disturbed),
            text::count(checked.effects),
            match (one.holds(), kinds.is_empty()) {
                (true, _) => "none".to_owned(),
                (false, true) => "shows nothing".to_owned(),
                (false, false) => kinds.join(", "),
            },
        ]
    });
    let heads = [
        "app",
        "fault",
        "intents",
        "attempts",
        "acknowledged",
        "unknown",
        "refused",
        "kills",
        "disturbed",
        "effects read",
        "anomalies",
    ];
    table(&heads, "<<>>>>>>>><", rows)
}

fn anomaly(anomaly: &Anomaly) -> String {
    let mut out = format!("- **{}**: {}", anomaly.kind, cell(&anomaly.what));
    if let Some(trace) = anomaly.trace_id {
        let _ = write!(out, ", trace {}", code(&trace.to_string()));
    }
    out.push('\n');
    for line in &anomaly.shown_by {
        let _ = writeln!(out, "  - {}", code(&serde_json::to_string(line).unwrap_or_default()));
    }
    out
}

/// What this run does not show.
fn not_tried(view: &RunView, rulings: &[&Ruling]) -> Vec<String> {
    let done: BTreeSet<&str> = rulings.iter().map(|ruling| ruling.claim.id.as_str()).collect();
    let mut lines: Vec<String> =
        CHECKS.iter().filter(|id| !done.contains(**id)).map(|id| format!("The check {}.", code(id))).collect();
    let cells: BTreeSet<(AppId, Fault)> =
        view.effects.iter().flat_map(|report| &report.cells).map(|cell| (cell.app, cell.fault)).collect();
    for app in EFFECT_APPS {
        let missing: Vec<&str> =
            Fault::ALL.iter().filter(|fault| !cells.contains(&(app, **fault))).map(|fault| fault.as_str()).collect();
        if !missing.is_empty() {
            lines.push(format!("Effects of {app} under {}.", missing.join(", ")));
        }
    }
    lines.push("Effects of A1, A4, A7 and A8 under faults: no clients write histories of theirs.".to_owned());
    lines.push("A crash of the machine: apps are killed, and what the system had taken from them stays.".to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites;

    #[test]
    fn every_check_that_the_report_looks_for_is_one_of_a_suite() {
        for id in CHECKS {
            let app = id.split('.').next().and_then(|app| app.parse().ok()).unwrap();
            assert!(suites::suite(app).check(id).is_some(), "{id}");
        }
    }

    #[test]
    fn a_check_that_was_tried_is_in_the_table_and_not_among_what_was_not() {
        let mut view = crate::report::fixture::view();
        view.rulings[0].claim.id = "a6.settle_once".into();
        let text = String::from_utf8(render(&view).remove(0).bytes).unwrap();
        assert!(text.contains("| `a6.settle_once` |"), "{text}");
        assert!(!text.contains("The check `a6.settle_once`."), "{text}");
    }

    #[test]
    fn a_run_that_tried_nothing_says_so_of_each_check_and_each_fault() {
        let text = String::from_utf8(render(&RunView::default()).remove(0).bytes).unwrap();
        assert!(text.contains("No check of idempotency was tried in this run."), "{text}");
        assert!(text.contains("No app was killed or disturbed while effects were under way in this run."), "{text}");
        assert!(CHECKS.iter().all(|id| text.contains(&format!("The check `{id}`."))), "{text}");
        assert!(
            text.contains("Effects of A5 under none, kill, duplicate, delay, commit_then_503, together."),
            "{text}"
        );
    }
}
