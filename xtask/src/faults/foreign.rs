//! A catalogue that others bring, as YAML.

use std::path::Path;

use super::Case;

/// Reads the file.
///
/// # Errors
/// Every mistake in it at once, by line.
pub(super) fn read(file: &Path) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("--catalog {}: {error}", file.display()))?;
    drop(text);
    Err(format!("--catalog {}: not read yet", file.display()))
}
