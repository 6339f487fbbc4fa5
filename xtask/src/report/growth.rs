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
            let count = match (&held[..], broken.len()) {
                ([one], 0) => only(one),
                (_, 0) => format!("{0} of {0}", held.len()),
                (_, some) => format!("{} hold, {some} do not", held.len()),
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

/// What is told of a rule that one finding tells for all pages: `every page may be indexed (262 of 262)`.
fn only(finding: &Finding) -> String {
    let (_, text) = finding.what.split_once(": ").unwrap_or(("", "holds"));
    if finding.seen.contains(" of ") { format!("{} ({})", cell(text), cell(&finding.seen)) } else { cell(text) }
}

/// What was found of each rule, held and broken. A finding of many pages begins with the name of its rule and a colon.
fn by_rule(findings: &[Finding]) -> BTreeMap<String, (Vec<&Finding>, Vec<&Finding>)> {
    let mut rules: BTreeMap<String, (Vec<&Finding>, Vec<&Finding>)> = BTreeMap::new();
    for finding in findings {
        let rule = finding.what.split_once(':').map_or(finding.what.as_str(), |(rule, _)| rule);
        let (held, broken) = rules.entry(rule.to_owned()).or_default();
        if finding.holds { held.push(finding) } else { broken.push(finding) }
    }
    rules
}
