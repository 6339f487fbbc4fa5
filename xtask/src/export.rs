//! The scenarios in the formats of other tools, and in words for people on call. Each format is a module beside `k6`: a pure rendering, compared with
//! the committed files.

pub(crate) mod k6;
pub(crate) mod runbooks;

use std::path::{Path, PathBuf};

/// A file of an export: its name below the folder of the format, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// A scenario has something that the format cannot say.
    #[error("{scenario}: {what}")]
    Inexpressible { scenario: String, what: String },
    /// The scenario itself is broken.
    #[error(transparent)]
    Scenario(#[from] common::scenario::ScenarioError),
    /// An expected scenario is not in the suites.
    #[error("{script} is made of scenario {scenario:?}, which no suite has: correct its list in xtask/src/export")]
    NoSuchScenario { script: String, scenario: String },
    /// The folder cannot be read or written.
    #[error("cannot read or write {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// Writes the files and returns those that changed.
pub(crate) fn write(folder: &Path, files: &[Exported]) -> Result<Vec<String>, ExportError> {
    let drift = drift(folder, files)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    for file in files.iter().filter(|file| drift.contains(&file.name)) {
        let path = folder.join(&file.name);
        std::fs::write(&path, &file.text).map_err(failed(&path))?;
    }
    Ok(drift)
}

/// The names of files that are missing or have another text than the scenarios give.
pub(crate) fn drift(folder: &Path, files: &[Exported]) -> Result<Vec<String>, ExportError> {
    let mut names = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        match std::fs::read_to_string(&path) {
            Ok(text) if text == file.text => {}
            Ok(_) => names.push(file.name.clone()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => names.push(file.name.clone()),
            Err(source) => return Err(ExportError::File { path, source }),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_changed_file_is_drift_until_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.js", "b.js"].map(|name| Exported { name: name.into(), text: "1\n".into() });
        assert_eq!(drift(folder.path(), &files).unwrap(), ["a.js", "b.js"]);
        assert_eq!(write(folder.path(), &files).unwrap().len(), 2);
        assert!(drift(folder.path(), &files).unwrap().is_empty());
        std::fs::write(folder.path().join("b.js"), "2\n").unwrap();
        assert_eq!(drift(folder.path(), &files).unwrap(), ["b.js"]);
    }
}
