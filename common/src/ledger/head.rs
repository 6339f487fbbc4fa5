//! `ledger.head`: how many lines were safe on disk at the last sync, so that lines cut off at the end are missed.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::LedgerError;

/// Holds how many lines were safe on disk, and the hash of the last one.
pub const HEAD_FILE: &str = "ledger.head";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) lines: u64,
    pub(super) hash: String,
}

/// Replaces the head in one step.
pub(super) fn write(dir: &Path, lines: u64, hash: &str) -> Result<(), LedgerError> {
    let path = dir.join(HEAD_FILE);
    let fresh = dir.join("ledger.head.new");
    let text = format!("{{\"lines\":{lines},\"hash\":\"{hash}\"}}\n");
    let save = || {
        let mut file = File::create(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_data()?;
        std::fs::rename(&fresh, &path)
    };
    save().map_err(|source| LedgerError::io("save", &path, source))
}

/// The head beside a record, if there is one; a text if it cannot be understood.
pub(super) fn read(ledger: &Path) -> Result<Option<Head>, String> {
    let path = ledger.with_file_name(HEAD_FILE);
    match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("{HEAD_FILE} is damaged: {error}"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{HEAD_FILE} cannot be read: {error}")),
    }
}
