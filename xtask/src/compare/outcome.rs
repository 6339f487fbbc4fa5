//! What a comparison leaves behind: the table, the whole of it as data, histograms; and the exit code.

use common::verdict::Outcome;

use super::rows::{COLUMNS, rows};
use super::{Comparison, Side, histograms};
use crate::report::{Artifact, REPORTS};

/// Where its files lie below the output root.
pub(crate) fn folder() -> String {
    format!("{REPORTS}/comparison")
}

/// Every file of a comparison.
///
/// # Errors
/// When it cannot be written as CSV, JSON or a histogram log.
pub(crate) fn artifacts(comparison: &Comparison, sides: &[Side; 2]) -> Result<Vec<Artifact>, String> {
    let mut json = serde_json::to_vec_pretty(comparison).map_err(|error| error.to_string())?;
    json.push(b'\n');
    let file = |name: &str, bytes| Artifact { path: format!("{}/{name}", folder()), bytes };
    let mut files = vec![file("comparison.csv", csv(comparison)?), file("comparison.json", json)];
    for (name, side) in ["before", "after"].into_iter().zip(sides) {
        let logs = histograms::logs(side)?;
        files.extend(logs.into_iter().map(|(log, bytes)| file(&format!("histograms/{name}/{log}"), bytes)));
    }
    Ok(files)
}

/// The table as CSV with its header.
///
/// # Errors
/// When a row cannot be written.
pub(crate) fn csv(comparison: &Comparison) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(|error| error.to_string())?;
    for row in rows(comparison) {
        writer.write_record(&row).map_err(|error| error.to_string())?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

/// How it ends: a regression is proven, nothing could be compared, something is undecided, or all passed.
pub(crate) fn outcome(comparison: &Comparison) -> Outcome {
    if comparison.counts.fail > 0 {
        Outcome::SloBreached
    } else if !comparison.has_pairs() {
        Outcome::NothingRan
    } else if comparison.counts.inconclusive > 0 {
        Outcome::Conditional
    } else {
        Outcome::Ready
    }
}
