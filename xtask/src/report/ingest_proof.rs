//! `a2_ingest_lineage_proof.md`: what A2 acknowledged beside what is there, in A2 and in A8.

use std::fmt::Write as _;

use common::ids::AppId;
use common::verdict::Ruling;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, Head, idempotency, text};
use crate::record::{RunView, ShapeRun};

/// Claims about what A2 keeps and hands over.
const ABOUT: [&str; 7] = [
    "acknowledged_is_kept",
    "event_found_again",
    "one_key_one_event",
    "nothing_lost",
    "in_a2",
    "reaches_a2",
    "hands_over",
];

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut out = Head::of(view).markdown("Ingest and lineage of A2");
    out.push_str(
        "An event that A2 acknowledged is durable: it is committed before the answer, it is there after `kill -9`, and \
         A8 hears of it once.\n\n",
    );
    claims(&mut out, view);
    bursts(&mut out, view);
    logs(&mut out, view);
    crashes(&mut out, view);
    vec![Artifact::report("a2_ingest_lineage_proof.md", out)]
}

fn claims(out: &mut String, view: &RunView) {
    let about = |ruling: &&Ruling| ABOUT.iter().any(|part| ruling.claim.id.contains(part));
    let rows: Vec<_> = view
        .rulings
        .iter()
        .filter(about)
        .map(|ruling| {
            let claim = &ruling.claim;
            vec![State::of(ruling).to_string(), code(&claim.id), cell(&claim.text), cell(&ruling.explanation)]
        })
        .collect();
    out.push_str("## Claims\n\n");
    if rows.is_empty() {
        out.push_str("No claim about what A2 keeps was tried in this run.\n\n");
        return;
    }
    out.push_str(&table(&["", "claim", "what it says", "what was seen"], "<<<<", rows));
}

/// Loads whose every event was looked for.
fn bursts(out: &mut String, view: &RunView) {
    out.push_str("## Under load\n\n");
    let proved: Vec<&ShapeRun> = view.shapes.iter().filter(|shape| shape.stored.is_some()).collect();
    if proved.is_empty() {
        out.push_str("No load was run whose events were looked for one by one.\n\n");
        return;
    }
    let rows = proved.iter().filter_map(|shape| {
        let proof = shape.stored.as_ref()?;
        let counts =
            [proof.acknowledged, proof.found, proof.lost, proof.twice, proof.altered, proof.in_a8, proof.missing_in_a8];
        let late = [text::count(proof.late_in_a8), text::delay(Some(proof.arrival_max_ms))];
        let lasted = format!("{} of {}", text::duration(shape.figures.duration_s), text::duration(shape.full_s));
        Some([code(&shape.id), lasted].into_iter().chain(counts.map(text::count)).chain(late).collect())
    });
    let heads = [
        "load",
        "lasted",
        "acknowledged",
        "found once",
        "lost",
        "twice",
        "altered",
        "in A8",
        "missing in A8",
        "late in A8",
        "slowest arrival",
    ];
    out.push_str(&table(&heads, "<>>>>>>>>>>", rows));
    for shape in &proved {
        for example in shape.stored.iter().flat_map(|proof| &proof.examples) {
            let trace = code(&example.trace_id.to_string());
            let _ =
                writeln!(out, "- {} iteration {}, trace {trace}: {}", shape.id, example.iteration, cell(&example.what));
        }
    }
    out.push('\n');
}

/// What A2's lineage has of the writes that were sent to it.
fn logs(out: &mut String, view: &RunView) {
    let of_a2 = view.reconciliations.iter().filter(|(_, one)| one.app == AppId::A2);
    let rows: Vec<_> = of_a2
        .filter_map(|(phase, one)| {
            let log = one.log.as_ref().filter(|log| log.writes > 0)?;
            let counts = [log.writes, log.records, log.found, log.lost, log.duplicated, log.altered];
            let head = [phase.to_string(), code(&one.route)];
            Some(head.into_iter().chain(counts.map(text::count)).collect::<Vec<_>>())
        })
        .collect();
    out.push_str("## Acknowledged writes in A2's lineage\n\n");
    if rows.is_empty() {
        out.push_str("No write was looked for in A2's lineage.\n\n");
        return;
    }
    let heads = ["phase", "route", "writes", "records", "found once", "lost", "twice", "altered"];
    out.push_str(&table(&heads, "><>>>>>>", rows));
}

fn crashes(out: &mut String, view: &RunView) {
    out.push_str("## Across crashes and lost answers\n\n");
    let own: Vec<_> =
        view.effects.iter().flat_map(|report| &report.cells).filter(|cell| cell.app == AppId::A2).collect();
    if own.is_empty() {
        out.push_str("A2 was not killed while it took events in this run: `cargo xtask effects --app a2` does it.\n");
        return;
    }
    out.push_str(&idempotency::cells(own.into_iter()));
}
