//! The detection matrix, as a document, as lines for a terminal and as JSON.

use std::collections::BTreeMap;

use super::{Matrix, Outcome, Seen};
use crate::report::{cell, code, duration, plural};

/// The document that is committed as docs/fault-matrix.md.
pub(super) fn markdown(matrix: &Matrix) -> String {
    let mut out = String::from(
        "# Fault matrix\n\nWritten by `cargo xtask faults`, which seeds every fault of the catalogue in turn and looks whether \
         the check that is named for it notices, and whom it blames. A fault that is missed is a gap of the harness.\n\n",
    );
    out.push_str(&format!("**{}**\n\n", headline(matrix)));
    out.push_str(
        "| fault | what it does | where | caught by | blamed | seconds | shown by |\n|---|---|---|---|---|---|---|\n",
    );
    for outcome in &matrix.outcomes {
        out.push_str(&row(outcome));
    }
    out.push_str("\n## Healthy controls\n\n");
    if matrix.controls.is_empty() {
        out.push_str("None were asked for: `--healthy N`.\n");
    } else {
        out.push_str(
            "What a catch needs must not show in healthy ecosystems, asked with the patience of a trial. Of a run, all claims \
             that decide are asked.\n\n| | asked | how many | assertions | not tried | false alarms |\n|---|---|---|---|---|---|\n",
        );
        for (at, control) in matrix.controls.iter().enumerate() {
            let alarms =
                if control.false_alarms.is_empty() { "none".to_owned() } else { control.false_alarms.join("; ") };
            out.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                at + 1,
                cell(&control.of),
                control.checks,
                if control.assertions > 0 { control.assertions.to_string() } else { String::new() },
                cell(&control.skipped.join("; ")),
                cell(&alarms)
            ));
        }
    }
    out.push_str(
        "\nSeconds count from the first request of the check, or from the start of the run, until the fault was shown. \
         `(alone)`: only that app was looked at, so that no other could be blamed.\n",
    );
    out
}

fn row(outcome: &Outcome) -> String {
    let blamed = match &outcome.seen {
        Seen::Caught if outcome.alone => format!("{} (alone)", outcome.blames),
        Seen::Caught => outcome.blames.to_string(),
        Seen::WronglyBlamed { app } => format!("**{app}**, should be {}", outcome.blames),
        Seen::Missed => "**missed**".to_owned(),
        Seen::NotTried { why } => format!("not tried: {why}"),
    };
    let after = outcome.detected_after_s.map(|s| format!("{s:.1}")).unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {} | {after} | {} |\n",
        code(&outcome.id),
        cell(&outcome.breaks),
        cell(&outcome.place),
        code(&outcome.caught_by),
        cell(&blamed),
        cell(&short(&outcome.shown_by))
    )
}

/// A line that fits a table; ids that change with every run are left out.
fn short(text: &str) -> String {
    let text = text.split(" (trace ").next().unwrap_or_default();
    let mut cut: String = text.chars().take(120).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

fn headline(matrix: &Matrix) -> String {
    let (all, caught, rightly) = (matrix.outcomes.len(), matrix.caught(), matrix.rightly());
    let controls = matrix.controls.len();
    let alarms = matrix.false_alarms();
    format!(
        "{caught} of {} caught, {rightly} rightly blamed, {} of them where several apps could be; {alarms} false {} in {}; {}",
        plural(all, "fault"),
        matrix.told_apart(),
        if alarms == 1 { "alarm" } else { "alarms" },
        plural(controls, "healthy control"),
        duration(matrix.took_s)
    )
}

/// What is printed at the end: the sum, each app's, and what is to be mended.
pub(super) fn terminal(matrix: &Matrix) -> String {
    let mut out = format!("{}\n", headline(matrix));
    let mut apps: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for outcome in &matrix.outcomes {
        let entry = apps.entry(outcome.blames).or_default();
        entry.0 += usize::from(outcome.seen == Seen::Caught);
        entry.1 += 1;
    }
    for (app, (rightly, all)) in apps {
        out.push_str(&format!("  {app} {rightly:>3} of {all}\n"));
    }
    for outcome in matrix.outcomes.iter().filter(|outcome| outcome.seen != Seen::Caught) {
        out.push_str(&format!("{}\n", outcome.line()));
        out.push_str(&format!("         again: cargo xtask faults --only {}\n", outcome.id));
    }
    for alarm in matrix.controls.iter().flat_map(|control| &control.false_alarms) {
        out.push_str(&format!("  FALSE ALARM {alarm}\n"));
    }
    out
}

pub(super) fn json(matrix: &Matrix) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(matrix).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
