//! A drive on a terminal.

use std::fmt::Write as _;

use crate::compare::plain;
use crate::record::{EffectsCell, EffectsReport};

/// The most anomalies of a cell that are told in full.
const TOLD: usize = 3;

/// `a2 kill: 60 intents in 74 attempts, 58 acknowledged, 2 unknown, 3 kills, no anomaly`.
pub(super) fn line(cell: &EffectsCell) -> String {
    let checked = &cell.checked;
    let anomalies = match cell.anomalies() {
        0 if cell.not_started.is_some() || cell.broke_off.is_some() => cell.shows_nothing().join(", "),
        0 => "no anomaly".to_owned(),
        _ => format!("ANOMALIES: {}", kinds(cell)),
    };
    format!(
        "{} {}: {} intents in {} attempts, {} acknowledged, {} unknown, {} kills, {anomalies}",
        cell.app.lower(),
        cell.fault,
        checked.intents,
        checked.operations,
        checked.acknowledged,
        checked.unknown,
        checked.crashes,
    )
}

fn kinds(cell: &EffectsCell) -> String {
    let kinds: Vec<String> = cell.by_kind.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    kinds.join(", ")
}

/// The table, then what is wrong and how to see it again.
pub(super) fn render(report: &EffectsReport) -> String {
    let mut table = plain([
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
    ]);
    for cell in &report.cells {
        let checked = &cell.checked;
        let counts = [
            checked.intents,
            checked.operations,
            checked.acknowledged,
            checked.unknown,
            checked.refused,
            checked.crashes,
            cell.disturbed.values().sum(),
            checked.effects,
        ];
        let anomalies = if cell.anomalies() == 0 { "0".to_owned() } else { kinds(cell) };
        let row = [cell.app.to_string(), cell.fault.to_string()].into_iter();
        table.add_row(row.chain(counts.map(|n| n.to_string())).chain([anomalies]));
    }
    let mut out = format!("{table}\n");
    for cell in report.cells.iter().filter(|cell| !cell.holds()) {
        let _ = writeln!(out, "\n{} under {} does not hold; again: {}", cell.app, cell.fault, cell.again);
        for why in cell.shows_nothing() {
            let _ = writeln!(out, "  {why}");
        }
        for anomaly in cell.checked.anomalies.iter().take(TOLD) {
            let _ = writeln!(out, "  {anomaly}");
            for line in &anomaly.shown_by {
                let _ = writeln!(out, "      {}", serde_json::to_string(line).unwrap_or_default());
            }
        }
    }
    let verdict = if report.holds() { "every effect happened once" } else { "NOT every effect happened once" };
    let _ = write!(out, "\n{verdict}; seed {}, {:.1} s", report.seed, report.took_s);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_drive_with_a_settlement_that_happened_twice_reads_like_this() {
        let report = fixture::view().effects.unwrap();
        let lines: Vec<String> = report.cells.iter().map(line).collect();
        insta::assert_snapshot!(format!("{}\n\n{}", lines.join("\n"), render(&report)));
    }

    #[test]
    fn a_cell_whose_fault_did_not_come_about_shows_nothing() {
        let mut report = fixture::view().effects.unwrap();
        report.cells.truncate(1);
        assert!(report.holds());
        report.cells[0].checked.crashes = 0;
        assert!(!report.holds());
        assert!(render(&report).contains("the fault did not come about"));
        report.cells.clear();
        assert!(!report.holds(), "no cell is no proof");
    }
}
