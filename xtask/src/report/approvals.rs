//! `hitl_approvals.log`: what was asked of people, what they decided and what it was used for, as a chain of its own.

use common::ledger;
use serde_json::json;

use super::{Artifact, Head};
use crate::record::RunView;

/// The name of the file.
pub(crate) const APPROVALS_LOG: &str = "hitl_approvals.log";
/// The kind of its first line, which says what it is about.
pub(crate) const APPROVALS: &str = "approvals_of_run";

/// The one file: a first line that tells the run, and a line for each entry.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let at = view.started.as_ref().map_or("", |run| run.at.as_str());
    let head = json!({
        "head": Head::of(view),
        "plan_digest": view.started.as_ref().map(|run| run.plan_digest()),
        "entries": view.approvals.len(),
    });
    let entries = view.approvals.iter().map(|noted| {
        let body = serde_json::to_value(&noted.entry).expect("an entry has text keys only and fails no serialiser");
        (noted.at.as_str(), noted.entry.kind(), body)
    });
    let lines = ledger::chain(std::iter::once((at, APPROVALS, head)).chain(entries));
    vec![Artifact::report(APPROVALS_LOG, lines.expect("kinds are written as they may be, and bodies are values"))]
}
