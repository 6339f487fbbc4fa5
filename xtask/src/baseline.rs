//! A run that later ones are compared with, kept so that it can be compared even when the run itself is gone.
//!
//! A baseline is one file of two lines: the first names the format and the SHA-256 of the second (its line feed not
//! included), the second is the baseline as JSON. `sed -n 2p FILE | tr -d '\n' | openssl dgst -sha256` checks it by hand.

#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use common::ids::RunId;
use common::ledger;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::compare::{Measured, Side, SideHead, of_run};
use crate::history::{self, History};
use crate::run::{RunStore, StoreError};

pub(crate) use text::render;

/// The first line says this.
const FORMAT: &str = "handshake-baseline/1";

/// Why a baseline cannot be saved or used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BaselineError {
    /// The run is not there, or its ledger is damaged.
    #[error(transparent)]
    Run(#[from] StoreError),
    /// The run says nothing that could be compared.
    #[error("{0}")]
    Unfit(String),
    /// There is none of that name.
    #[error("there is no baseline {name} below {}: save one with `cargo xtask baseline save --name {name}`", folder.display())]
    Unknown { name: BaselineName, folder: PathBuf },
    /// It is not as it was written.
    #[error("the baseline {} is damaged: {why}; save it again with `cargo xtask baseline save`", path.display())]
    Damaged { path: PathBuf, why: String },
    /// It cannot be written or read.
    #[error("the baseline {} cannot be {what}: {source}", path.display())]
    Io { path: PathBuf, what: &'static str, source: std::io::Error },
}

/// The name of a baseline: letters, digits, dashes and underscores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaselineName(String);

impl Default for BaselineName {
    /// The one that runs are compared with.
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for BaselineName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is no name of a baseline: up to 64 letters, digits, dashes and underscores"))
        }
    }
}

impl fmt::Display for BaselineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is kept of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) name: String,
    pub(crate) saved_at: String,
    pub(crate) run_id: RunId,
    /// How many lines the run's ledger had, and the hash of the last one.
    pub(crate) ledger_lines: usize,
    pub(crate) ledger_head: String,
    pub(crate) head: SideHead,
    pub(crate) endpoints: Vec<Measured>,
    /// What the runs of its kind said up to and with this one.
    pub(crate) history: History,
}

/// The first line of the file.
#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    sha256: String,
}

impl Baseline {
    /// Takes what is to be kept from a run.
    ///
    /// # Errors
    /// When the run cannot be read, did not end, or has no stable endpoint.
    pub(crate) fn of(store: &RunStore, run: &RunId, name: &BaselineName, now: String) -> Result<Self, BaselineError> {
        let view = store.view(run)?;
        let side = of_run(run.as_str(), &view).map_err(BaselineError::Unfit)?;
        if !side.endpoints.iter().any(Measured::is_stable) {
            let measured = side.endpoints.len();
            return Err(BaselineError::Unfit(format!(
                "run {run} has no stable endpoint among the {measured} it measured, so nothing can be compared with it: \
                 make a run on a quieter machine, or a longer one with --profile standard"
            )));
        }
        let checked = ledger::verify(&store.folder(run).join(ledger::LEDGER_FILE)).map_err(StoreError::from)?;
        Ok(Self {
            name: name.to_string(),
            saved_at: now,
            run_id: run.clone(),
            ledger_lines: checked.lines,
            ledger_head: checked.head,
            history: history::read(store, &side.head.conditions, |other| other <= run),
            head: side.head,
            endpoints: side.endpoints,
        })
    }

    /// How many endpoints can be compared with it.
    pub(crate) fn stable(&self) -> usize {
        self.endpoints.iter().filter(|measured| measured.is_stable()).count()
    }

    /// One side of a comparison.
    pub(crate) fn side(self, label: &str) -> Side {
        Side {
            head: SideHead { label: label.to_owned(), ..self.head },
            endpoints: self.endpoints,
            notes: Vec::new(),
            keep_samples: true,
        }
    }

    /// Writes it below `folder`, in place of an older one of its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, folder: &Path) -> Result<PathBuf, BaselineError> {
        let path = folder.join(format!("{}.baseline", self.name));
        let failed = |source| BaselineError::Io { path: path.clone(), what: "written", source };
        let body = serde_json::to_string(self).map_err(std::io::Error::from).map_err(failed)?;
        let head = Head { format: FORMAT.to_owned(), sha256: digest(&body) };
        let head = serde_json::to_string(&head).map_err(std::io::Error::from).map_err(failed)?;
        std::fs::create_dir_all(folder).map_err(failed)?;
        let partial = path.with_extension("partial");
        std::fs::write(&partial, format!("{head}\n{body}\n")).map_err(failed)?;
        std::fs::rename(&partial, &path).map_err(failed)?;
        Ok(path)
    }

    /// Reads the one of this name.
    ///
    /// # Errors
    /// When there is none, or it is not as it was written.
    pub(crate) fn load(folder: &Path, name: &BaselineName) -> Result<Self, BaselineError> {
        let path = folder.join(format!("{name}.baseline"));
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BaselineError::Unknown { name: name.clone(), folder: folder.to_owned() });
            }
            Err(source) => return Err(BaselineError::Io { path, what: "read", source }),
        };
        parse(&text).map_err(|why| BaselineError::Damaged { path, why })
    }
}

fn parse(text: &str) -> Result<Baseline, String> {
    let (head, rest) = text.split_once('\n').ok_or("it has no second line")?;
    let body = rest.strip_suffix('\n').ok_or("its end is missing")?;
    let head: Head = serde_json::from_str(head).map_err(|error| format!("its first line: {error}"))?;
    if head.format != FORMAT {
        return Err(format!("its format is {:?}, and this version reads {FORMAT:?}", head.format));
    }
    let seen = digest(body);
    if seen != head.sha256 {
        return Err(format!("its SHA-256 is {seen}, and {} was written", head.sha256));
    }
    serde_json::from_str(body).map_err(|error| format!("its second line: {error}"))
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
