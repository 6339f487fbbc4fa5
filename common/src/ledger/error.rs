//! What can go wrong with a record.

use std::io;
use std::path::{Path, PathBuf};

/// Why a record cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The run has a record already.
    #[error("{path} exists already; resume that run or start one with another id", path = path.display())]
    Exists {
        /// The record.
        path: PathBuf,
    },
    /// Another process appends to it.
    #[error("{path} is in use by another process; wait until that run has ended", path = path.display())]
    Locked {
        /// The record.
        path: PathBuf,
    },
    /// Whole lines are changed or missing.
    #[error("{path}:{line}: {what}; the record was changed after it was written, so start a new run", path = path.display())]
    Corrupt {
        /// The record.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A kind of another form.
    #[error("{0:?} is no kind of line; use 1 to 64 lower-case letters, digits, underscores and dots")]
    Kind(String),
    /// A body without a JSON form.
    #[error("the body of a {kind} line has no JSON form: {source}")]
    Body {
        /// The kind.
        kind: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A line could not be written.
    #[error("cannot write line {seq} of {path}: {source}; lines before it are intact, free some space and resume the run", path = path.display())]
    Write {
        /// The record.
        path: PathBuf,
        /// The line's position, from 0.
        seq: u64,
        /// Why.
        source: io::Error,
    },
    /// An earlier failure left a part of a line that could not be removed.
    #[error("{path} ends in a part of a line since an earlier failure; resume the run to recover it", path = path.display())]
    Broken {
        /// The record.
        path: PathBuf,
    },
    /// Any other trouble with files.
    #[error("cannot {doing} {path}: {source}; check that it is there and that you may read and write it", path = path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl LedgerError {
    pub(super) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}
