//! Where runs and reports lie.

use std::path::{Path, PathBuf};

use common::ids::RunId;
use common::ledger::{self, LEDGER_FILE, LedgerError};

use crate::record::{Record, RunView};
use crate::report::Artifact;

/// Why a run cannot be found, read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is none.
    #[error("there is no run below {}: start one with `cargo xtask ecosystem`", .0.display())]
    NoRun(PathBuf),
    /// It is not there.
    #[error("there is no run {run} below {}", root.display())]
    Unknown { run: RunId, root: PathBuf },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A line of the ledger is not one of ours.
    #[error("line {line} of {} is no record of this version: {why}", path.display())]
    Line { path: PathBuf, line: usize, why: String },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// The folder of all runs.
#[derive(Debug, Clone)]
pub(crate) struct RunStore(pub(crate) PathBuf);

impl RunStore {
    /// The folder of one run.
    pub(crate) fn folder(&self, run: &RunId) -> PathBuf {
        self.0.join(run.as_str())
    }

    /// A folder beside that of the runs.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.parent().map_or_else(|| PathBuf::from(name), |parent| parent.join(name))
    }

    /// The runs that recorded something, oldest first; none where there is no folder.
    pub(crate) fn all(&self) -> Vec<RunId> {
        let entries = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let recorded =
            entries.filter(|entry| entry.path().join(LEDGER_FILE).metadata().is_ok_and(|ledger| ledger.len() > 0));
        let mut runs: Vec<RunId> = recorded.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        runs.sort();
        runs
    }

    /// The newest run that recorded something.
    pub(crate) fn newest(&self) -> Result<RunId, StoreError> {
        self.all().pop().ok_or_else(|| StoreError::NoRun(self.0.clone()))
    }

    /// The run that is meant: the one named, or the newest.
    pub(crate) fn find(&self, run: Option<RunId>) -> Result<RunId, StoreError> {
        let Some(run) = run else { return self.newest() };
        if self.folder(&run).join(LEDGER_FILE).is_file() {
            Ok(run)
        } else {
            Err(StoreError::Unknown { run, root: self.0.clone() })
        }
    }

    /// Reads a run.
    pub(crate) fn view(&self, run: &RunId) -> Result<RunView, StoreError> {
        view(&self.folder(run).join(LEDGER_FILE))
    }
}

/// Reads the records of a ledger.
pub(crate) fn view(path: &Path) -> Result<RunView, StoreError> {
    let lines = ledger::read(path)?;
    let own = lines.into_iter().enumerate().filter(|(_, line)| line.kind != "ledger_recovered");
    let records = own.map(|(at, line)| {
        serde_json::from_value::<Record>(line.body).map_err(|error| StoreError::Line {
            path: path.to_owned(),
            line: at + 1,
            why: error.to_string(),
        })
    });
    Ok(RunView::of(records.collect::<Result<Vec<_>, _>>()?))
}

/// Writes deliverables below `root`: each to a temporary file first, so that none is ever half there.
pub(crate) fn write(root: &Path, artifacts: &[Artifact]) -> Result<(), StoreError> {
    for artifact in artifacts {
        let path = root.join(&artifact.path);
        let failed = |source| StoreError::Write { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let partial = path.with_extension("partial");
        std::fs::write(&partial, &artifact.bytes).map_err(failed)?;
        std::fs::rename(&partial, &path).map_err(failed)?;
    }
    Ok(())
}
