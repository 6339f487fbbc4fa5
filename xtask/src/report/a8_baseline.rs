//! `a8_baseline_load.md`: the known issue A8-PERF-001, measured cold, warm and with its flag.

use std::fmt::Write as _;

use super::markdown::{cell, code, table};
use super::{Artifact, Head, text};
use crate::record::{KnownIssue, RunView};

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut out = Head::of(view).markdown("A8 under load");
    let own: Vec<_> = view.known_issues.iter().filter(|issue| issue.app == common::ids::AppId::A8).collect();
    if own.is_empty() {
        out.push_str("No known issue of A8 was measured in this run.\n");
    }
    for issue in own {
        section(&mut out, issue);
    }
    vec![Artifact::report("a8_baseline_load.md", out)]
}

fn section(out: &mut String, issue: &KnownIssue) {
    let _ = writeln!(out, "## {}: {}\n", issue.id, cell(&issue.title));
    let rows = issue.measurements.iter().map(|measured| {
        let latency = &measured.latency;
        vec![
            format!("**{}**", cell(&measured.label)),
            format!("{} ms", text::ms(latency.p50_ms)),
            format!("**{} ms**", text::ms(latency.p95_ms)),
            text::p95_interval(latency),
            format!("{} ms", text::ms(latency.p99_ms)),
            format!("{} ms", text::ms(latency.max_ms)),
            text::count(measured.requests),
            text::count(measured.errors),
            format!("{} ms", text::ms(latency.limit_ms)),
        ]
    });
    let head = ["state", "P50", "P95", "95 % interval", "P99", "max", "requests", "errors", "limit"];
    out.push_str(&table(&head, "<>>>>>>>>", rows));
    for measured in &issue.measurements {
        let _ = writeln!(out, "- **{}**: {}", cell(&measured.label), cell(&measured.note));
        if !measured.slowest.is_empty() {
            let ids: Vec<_> = measured.slowest.iter().map(|id| code(&id.to_string())).collect();
            let _ = writeln!(out, "  Slowest: {}", ids.join(", "));
        }
    }
    let _ = writeln!(out, "\n### Proposal\n\n{}\n", cell(&issue.proposal));
}
