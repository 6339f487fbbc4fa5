//! How the pages are found and what they bring: `growth_validation.json`, `growth_hygiene_checklist.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use common::check::{CheckReport, Finding};
use common::ids::AppId;
use common::verdict::Ruling;
use serde::Serialize;
use serde_json::Value;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, Head, json};
use crate::record::RunView;

#[derive(Serialize)]
struct Validation<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// A8's growth figures over the time of the walks, computed from events; `null` if nobody walked.
    business_metrics: &'a Value,
    rulings: Vec<&'a Ruling>,
    checks: Vec<&'a CheckReport>,
}

/// Both files.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let metrics = view.students.as_ref().and_then(|walks| walks.growth.get("business_metrics"));
    let of_growth = |ruling: &&Ruling| ruling.claim.phase == 5 && ruling.claim.app != AppId::A5;
    let validation = Validation {
        schema: "handshake-growth/1",
        head: Head::of(view),
        business_metrics: metrics.unwrap_or(&Value::Null),
        rulings: view.rulings.iter().filter(of_growth).collect(),
        checks: checks(view).collect(),
    };
    vec![
        Artifact::report("growth_validation.json", json(&validation)),
        Artifact::report("growth_hygiene_checklist.md", checklist(view)),
    ]
}

fn checks(view: &RunView) -> impl Iterator<Item = &CheckReport> {
    let of_growth = |(phase, report): &&(u8, CheckReport)| *phase == 5 && report.app != AppId::A5;
    view.checks.iter().filter(of_growth).map(|(_, report)| report)
}

fn checklist(view: &RunView) -> String {
    let mut out = Head::of(view).markdown("Growth hygiene");
    out.push_str(
        "What a crawler finds on every page that the sitemap lists, and what the growth figures are made of. A line is \
         ticked only if it was looked at in this run and held everywhere.\n\n",
    );
    let mut any = false;
    for report in checks(view) {
        any = true;
        let ruling = view.rulings.iter().find(|ruling| ruling.claim.id == report.id);
        let state = ruling.map_or(State::Skipped, State::of);
        let tick = if state == State::Pass { "x" } else { " " };
        let _ = writeln!(out, "- [{tick}] **{}** {} ({state})", code(&report.id), cell(&report.claim));
        for (rule, (held, broken)) in by_rule(&report.findings) {
            let tick = if broken.is_empty() { "x" } else { " " };
            let count = if broken.is_empty() {
                format!("{held} of {held}")
            } else {
                format!("{held} hold, {} do not", broken.len())
            };
            let _ = writeln!(out, "  - [{tick}] {}: {count}", cell(&rule));
        }
    }
    if !any {
        out.push_str("Nothing about growth was looked at in this run, so no line is ticked.\n");
        return out;
    }
    let broken: Vec<_> = checks(view).flat_map(|report| report.findings.iter().filter(|f| !f.holds)).collect();
    if !broken.is_empty() {
        out.push_str("\n## To mend\n\n");
        let rows = broken.into_iter().map(|f| vec![cell(&f.what), code(&f.expected), code(&f.seen)]);
        out.push_str(&table(&["where", "expected", "seen"], "<<<", rows));
    }
    out
}

/// How often each rule held, and where it did not. A finding of many pages begins with the name of its rule and a colon.
fn by_rule(findings: &[Finding]) -> BTreeMap<String, (usize, Vec<&Finding>)> {
    let mut rules: BTreeMap<String, (usize, Vec<&Finding>)> = BTreeMap::new();
    for finding in findings {
        let rule = finding.what.split_once(':').map_or(finding.what.as_str(), |(rule, _)| rule);
        let entry = rules.entry(rule.to_owned()).or_default();
        if finding.holds {
            entry.0 += 1;
        } else {
            entry.1.push(finding);
        }
    }
    rules
}
