//! The journeys across apps: `<id>_funnel_results.json`, and `billing_logic_verification.md` with every cent.

use std::fmt::Write as _;

use common::check::{CheckReport, Finding};
use common::verdict::Ruling;
use serde::Serialize;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, Head, json, text};
use crate::record::{Funnel, RunView};

#[derive(Serialize)]
struct Results<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    funnels: Vec<&'a Funnel>,
    rulings: Vec<&'a Ruling>,
}

/// Results of B2B, and the proof of the billing logic.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    vec![
        Artifact::report("b2b_funnel_results.json", json(&results(view, "b2b"))),
        Artifact::report("billing_logic_verification.md", billing(view)),
    ]
}

fn results<'a>(view: &'a RunView, id: &str) -> Results<'a> {
    Results {
        schema: "handshake-funnel/1",
        head: Head::of(view),
        funnels: view.funnels.iter().filter(|funnel| funnel.id == id).collect(),
        rulings: view.rulings.iter().filter(|ruling| ruling.claim.phase == 3).collect(),
    }
}

fn billing(view: &RunView) -> String {
    let mut out = Head::of(view).markdown("Billing logic");
    out.push_str(
        "Provider fee 3 %, AI markup 4x. Every expectation below is a literal number of cents, never computed by the \
         app's own function.\n\n",
    );
    let checks: Vec<_> =
        view.checks.iter().map(|(_, report)| report).filter(|report| about_money(&report.id)).collect();
    if view.funnels.iter().all(|funnel| funnel.money.is_empty()) && checks.is_empty() {
        out.push_str("No amount was seen in this run, so nothing about billing is shown.\n");
        return out;
    }
    for funnel in view.funnels.iter().filter(|funnel| !funnel.money.is_empty()) {
        amounts(&mut out, funnel);
    }
    for report in checks {
        let _ = writeln!(out, "## {}\n", code(&report.id));
        check(&mut out, report, view);
    }
    out
}

fn about_money(id: &str) -> bool {
    ["billing", "fee", "markup", "quote", "settle", "money", "ledger"].iter().any(|word| id.contains(word))
}

fn amounts(out: &mut String, funnel: &Funnel) {
    let _ = writeln!(out, "## {}: {}\n", funnel.id, cell(&funnel.title));
    let visible = funnel.visible_after_ms.map_or_else(
        || "A8 never showed the money.".to_owned(),
        |ms| format!("A8 showed the money {} ms after the last hop.", text::count(ms.unsigned_abs())),
    );
    let _ = writeln!(out, "{}, trace {}. {visible}\n", cell(&funnel.path), code(&funnel.trace_id.to_string()));
    let rows = funnel.money.iter().map(|line| {
        let same = line.seen_minor == Some(line.expected_minor);
        let seen = |show: &dyn Fn(i64) -> String| line.seen_minor.map_or_else(|| "nothing".into(), show);
        vec![
            if same { State::Pass.sign().into() } else { format!("**{}**", State::Fail.sign()) },
            cell(&line.what),
            text::money(line.expected_minor, &line.currency),
            seen(&|minor| text::money(minor, &line.currency)),
            line.expected_minor.to_string(),
            seen(&|minor| minor.to_string()),
        ]
    });
    let head = ["", "amount", "expected", "seen", "expected (minor)", "seen (minor)"];
    out.push_str(&table(&head, "<<>>>>", rows));
    if !funnel.findings.is_empty() {
        out.push_str(&findings(&funnel.findings));
    }
}

fn check(out: &mut String, report: &CheckReport, view: &RunView) {
    let state = view.rulings.iter().find(|ruling| ruling.claim.id.ends_with(&report.id)).map(State::of);
    let state = state.map_or_else(String::new, |state| format!("{state}: "));
    let _ = writeln!(out, "{state}{}\n", cell(&report.claim));
    match &report.skipped {
        Some(reason) => {
            let _ = writeln!(out, "Not tried: {}\n", cell(reason));
        }
        None => out.push_str(&findings(&report.findings)),
    }
}

/// A table of assertions, expected beside seen.
pub(super) fn findings(findings: &[Finding]) -> String {
    let rows = findings.iter().map(|finding| {
        vec![
            if finding.holds { State::Pass.sign().into() } else { format!("**{}**", State::Fail.sign()) },
            cell(&finding.what),
            code(&finding.expected),
            code(&finding.seen),
            finding.trace_id.map(|id| code(&id.to_string())).unwrap_or_default(),
        ]
    });
    table(&["", "assertion", "expected", "seen", "trace"], "<<<<<", rows)
}
