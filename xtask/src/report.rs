//! What a run leaves behind to read: one renderer a deliverable, each a pure function of [`RunView`]. Reports compute
//! nothing; whatever they show is in the ledger.

mod a8_baseline;
mod app_files;
mod approvals;
mod auth_trace;
mod baseline;
mod browser;
mod claims;
mod completion;
mod correction;
mod decisions;
mod egrs;
#[cfg(test)]
pub(crate) mod fixture;
mod funnel;
mod growth;
mod head;
mod html;
mod idempotency;
mod ingest_proof;
mod inventory;
mod junit;
mod lineage;
mod markdown;
mod matrix;
mod needs;
mod perf_summary;
mod proposals;
mod resiliency;
mod second;
mod select;
mod signal_path;
mod state;
mod statement;
mod streams;
mod students;
mod summary;
#[cfg(test)]
mod tests;
mod text;

use serde::Serialize;

use crate::record::RunView;

pub(crate) use approvals::{APPROVALS, APPROVALS_LOG};
pub(crate) use decisions::unapproved;
pub(crate) use head::{Counts, Head, grade, graded, meaning, timing};
pub(crate) use markdown::{cell, code};
pub(crate) use matrix::glance;
pub(crate) use needs::{alike, needs};
pub(crate) use select::{apps, decided, undecided};
pub(crate) use state::State;
pub(crate) use statement::{github, terminal};
pub(crate) use streams::dialect_lines;
pub(crate) use text::{duration, ms, pct, plural, printable, range};

/// Where reports lie below the output root.
pub(crate) const REPORTS: &str = "tests/perf/reports";
/// Where evidence lies below the output root.
pub(crate) const EVIDENCE: &str = "tests/perf/evidence";

/// A file of a run, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Artifact {
    /// Below the output root, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl Artifact {
    fn report(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: format!("{REPORTS}/{name}"), bytes: bytes.into() }
    }

    fn evidence(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: format!("{EVIDENCE}/{name}"), bytes: bytes.into() }
    }
}

/// Every deliverable of the run, in the order of their paths. The same view gives the same bytes.
pub(crate) fn render_all(view: &RunView) -> Vec<Artifact> {
    let mut artifacts = Vec::new();
    artifacts.extend(inventory::render(view));
    artifacts.extend(baseline::render(view));
    artifacts.extend(matrix::render(view));
    artifacts.extend(perf_summary::render(view));
    artifacts.extend(a8_baseline::render(view));
    artifacts.extend(app_files::render(view));
    artifacts.extend(auth_trace::render(view));
    artifacts.extend(streams::render(view));
    artifacts.extend(funnel::render(view));
    artifacts.extend(students::render(view));
    artifacts.extend(browser::render(view));
    artifacts.extend(growth::render(view));
    artifacts.extend(lineage::render(view));
    artifacts.extend(idempotency::render(view));
    artifacts.extend(ingest_proof::render(view));
    artifacts.extend(proposals::render(view));
    artifacts.extend(approvals::render(view));
    artifacts.extend(resiliency::render(view));
    artifacts.extend(correction::render(view));
    artifacts.extend(signal_path::render(view));
    artifacts.extend(completion::render(view));
    artifacts.extend(egrs::render(view));
    artifacts.extend(statement::render(view));
    artifacts.extend(junit::render(view));
    artifacts.extend(html::render(view));
    artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    artifacts.extend(summary::render(view, &artifacts));
    artifacts.sort_by(|a, b| a.path.cmp(&b.path));
    artifacts
}

/// Indented JSON with a line end.
fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a report has text keys only and fails no serialiser");
    bytes.push(b'\n');
    bytes
}
