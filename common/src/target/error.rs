//! What can be wrong with a target file, all of it at once.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// One mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// Counted from 1.
    pub line: u64,
    /// Keys from the top, `environments.staging.apps.a6`; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

/// Every mistake in a configuration file, by line; shown one per line as `targets.yaml:12: path: message; hint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigErrors {
    /// The name of the file.
    pub file: String,
    /// By line, never empty.
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            let path = if error.path.is_empty() { String::new() } else { format!("{}: ", error.path) };
            write!(f, "{newline}{}:{}: {path}{}; {}", self.file, error.line, error.message, error.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Why there is no environment to run against.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The file cannot be read.
    #[error("cannot read the target file {path}: {source}; run from the root of the workspace or name the file", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has mistakes.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// No environment of that name.
    #[error("no environment {name:?} in the target file; it has {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Those there are.
        known: String,
    },
}
