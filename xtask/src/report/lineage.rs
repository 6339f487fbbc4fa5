//! `a8_data_lineage.md`: how a sale and a purchase come from the request that made them to A8's tiles, to the cent.

use std::fmt::Write as _;

use common::verdict::Ruling;
use serde_json::Value;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, Head, text};
use crate::record::{Funnel, RunView, StudentWalk};

/// Claims about where data went.
const ABOUT: [&str; 6] = [".events", ".hands_over", ".money", ".test_revenue", ".metrics", ".telemetry.phase2"];

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut out = Head::of(view).markdown("Data lineage");
    out.push_str(
        "Each figure of the command center, back to the request that made it. What the probe did, what the app's own \
         transaction log says and what A8 shows are three sources; a line passes only where they agree.\n\n",
    );
    rulings(&mut out, view);
    let walks = view.students.iter().flat_map(|students| &students.walks);
    match walks.filter(|walk| walk.seen.is_some()).max_by_key(|walk| walk.passed.len()) {
        Some(walk) => purchase(&mut out, walk),
        None => out.push_str("## A student's purchase\n\nNo walk got as far as the dashboard in this run.\n\n"),
    }
    for funnel in view.funnels.iter().filter(|funnel| funnel.id == "b2b") {
        sale(&mut out, funnel);
    }
    vec![Artifact::report("a8_data_lineage.md", out)]
}

fn rulings(out: &mut String, view: &RunView) {
    let about = |ruling: &&Ruling| ABOUT.iter().any(|part| ruling.claim.id.contains(part));
    let rows = view.rulings.iter().filter(about).map(|ruling| {
        vec![State::of(ruling).to_string(), code(&ruling.claim.id), cell(&ruling.claim.text), cell(&ruling.explanation)]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        out.push_str("No claim about lineage was tried in this run.\n\n");
        return;
    }
    out.push_str(&table(&["", "claim", "what it says", "what was seen"], "<<<<", rows));
}

fn purchase(out: &mut String, walk: &StudentWalk) {
    let Some(seen) = &walk.seen else { return };
    let _ = writeln!(
        out,
        "## A student's purchase\n\nTrace {}, A7 → A1 → A5 → A3 → A2 → A8.\n",
        code(&walk.trace_id.to_string())
    );
    let rows = walk.hops.iter().enumerate().map(|(at, hop)| {
        vec![(at + 1).to_string(), hop.app.to_string(), code(&hop.request), hop.status.to_string(), text::ms(hop.ms)]
    });
    out.push_str(&table(&["", "app", "request of the probe", "status", "ms"], "><<>>", rows));
    let rows = seen.events.iter().map(|(name, times)| vec![code(name), times.to_string()]);
    let _ = writeln!(out, "A2 keeps {} of its events. In A8's lineage:\n", seen.kept_by_a2);
    out.push_str(&table(&["event", "times"], "<>", rows));
    let order = seen.log.pointer("/orders/0").unwrap_or(&Value::Null);
    let of_order = |field: &str| order.get(field).map_or_else(|| "nothing".to_owned(), plain);
    let in_a8 = |field: &str| seen.finance.get(field).map_or_else(|| "nothing".to_owned(), plain);
    let live = seen.live_settlements.map_or_else(|| "no tile".to_owned(), |n| n.to_string());
    let rows = [
        ("the price, in cents", "50".to_owned(), of_order("amount_minor"), in_a8("gross_minor")),
        ("settlements", "1".to_owned(), of_order("state"), in_a8("settlements")),
        ("settlements in live figures", "0".to_owned(), "test mode".to_owned(), live),
    ];
    let rows = rows.map(|(what, expected, log, tile)| vec![what.to_owned(), expected, cell(&log), cell(&tile)]);
    out.push_str(&table(&["", "expected", "A5's transaction log", "A8's finance tile"], "<>>>", rows));
}

fn sale(out: &mut String, funnel: &Funnel) {
    let _ = writeln!(
        out,
        "## A provider's sale\n\nTrace {}, {}.\n",
        code(&funnel.trace_id.to_string()),
        cell(&funnel.path)
    );
    let rows = funnel.money.iter().map(|line| {
        let seen = line.seen_minor.map_or_else(|| "nothing".to_owned(), |minor| minor.to_string());
        vec![cell(&line.what), line.expected_minor.to_string(), seen]
    });
    out.push_str(&table(&["", "expected (cents)", "A8's finance tile"], "<>>", rows));
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
