//! What a drive leaves behind: a history for each cell, and the result.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::history::History;

use crate::record::{EffectsCell, EffectsReport};

/// Writes a cell's history, a line of JSON each: what was wanted, what was tried, what was read.
pub(super) fn history(folder: &Path, seed: u64, cell: &EffectsCell, history: &History) -> Result<(), String> {
    let mut text = String::new();
    for line in history.lines() {
        let line = serde_json::to_string(&line).map_err(|error| error.to_string())?;
        let _ = writeln!(text, "{line}");
    }
    write(folder, &format!("{}_{}_{seed}.ndjson", cell.app.lower(), cell.fault), text.as_bytes()).map(drop)
}

/// Writes the result.
pub(super) fn report(folder: &Path, report: &EffectsReport) -> Result<PathBuf, String> {
    let mut bytes = serde_json::to_vec_pretty(report).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    write(folder, "effects.json", &bytes)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let file = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&file, bytes))
        .map_err(|error| format!("cannot write {}: {error}: give another folder with --output", file.display()))?;
    Ok(file)
}
