//! The record of a run: append-only NDJSON whose lines are chained by SHA-256, so that any later change shows.
//!
//! A line is `{"seq":0,"at":"…","prev":"sha256:…","kind":"…","body":{…},"hash":"sha256:…"}` and a line feed, without spaces
//! between the parts. `hash` is the SHA-256 of the line without its last 82 bytes (`,"hash":"sha256:…"}`), closed by `}`
//! again; `prev` is the `hash` of the line before, or [`GENESIS`]. The bytes as they stand in the file
//! are hashed, nothing is serialised again, so that a line can be checked by hand:
//! `printf '%s}' "$(sed -n 1p ledger.ndjson | head -c -83)" | openssl dgst -sha256` (83: the line feed goes too).
//!
//! The chain alone cannot show that whole lines are missing at its end; for that, `ledger.head` beside it names how many
//! lines were safe on disk at the last [`Ledger::sync`], and the hash of the last one.

mod error;
mod head;
mod line;
mod sink;
mod verify;

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::ids::RunId;
use sink::Sink;

pub use error::LedgerError;
pub use head::HEAD_FILE;
pub use line::{GENESIS, Line, chain};
pub use verify::{Flaw, Problem, Verification, read, verify};

/// The name of the record in the folder of a run.
pub const LEDGER_FILE: &str = "ledger.ndjson";

/// Holds what was cut off when a torn last line was recovered.
pub const TORN_FILE: &str = "ledger.torn";

/// The position of a line, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

/// What [`Ledger::resume`] had to cut off; recorded as a line of kind `ledger_recovered` too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovered {
    /// Bytes after the last whole line.
    pub torn_bytes: usize,
    /// The file beside the record that holds them now.
    pub moved_to: PathBuf,
}

/// The open record of a run. No other process can append while it is open.
#[derive(Debug)]
pub struct Ledger {
    dir: PathBuf,
    sink: Box<dyn Sink>,
    clock: Clock,
    next: u64,
    last_hash: String,
    length: u64,
    recovered: Option<Recovered>,
    broken: bool,
}

impl Ledger {
    /// Starts the record of a run in the new file `<root>/<run>/ledger.ndjson`.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] when the run has a record already, [`LedgerError::Io`] when it cannot be made.
    pub fn create(root: &Path, run: &RunId) -> Result<Self, LedgerError> {
        let dir = root.join(run.as_str());
        let path = dir.join(LEDGER_FILE);
        std::fs::create_dir_all(&dir).map_err(|source| LedgerError::io("make the folder of", &path, source))?;
        let file = match OpenOptions::new().read(true).append(true).create_new(true).open(&path) {
            Ok(file) => file,
            Err(source) if source.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(LedgerError::Exists { path });
            }
            Err(source) => return Err(LedgerError::io("create", &path, source)),
        };
        lock(&file, &path)?;
        sync_dir(&dir);
        Ok(Self::open(dir, Box::new(file), 0, GENESIS.to_owned(), 0))
    }

    /// Goes on with the record in the folder of a run. A last line that broke off is moved to `ledger.torn`, and a line of
    /// kind `ledger_recovered` says so; see [`Ledger::recovered`].
    ///
    /// # Errors
    /// [`LedgerError::Locked`] while another process appends, [`LedgerError::Corrupt`] when whole lines are changed or
    /// missing, [`LedgerError::Io`] when there is no record.
    pub fn resume(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(LEDGER_FILE);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .map_err(|source| LedgerError::io("open", &path, source))?;
        lock(&file, &path)?;
        Self::go_on(dir, path, file)
    }

    /// Goes on with a record that is locked for us.
    fn go_on(dir: &Path, path: PathBuf, mut file: File) -> Result<Self, LedgerError> {
        let scan = verify::scan(&path, &mut file, |_| {})?;
        if let Some(problem) = scan.problems.into_iter().next() {
            return Err(LedgerError::Corrupt { path, line: problem.line, what: problem.what });
        }
        let recovered = match &scan.torn {
            Some(torn) => Some(cut_off(&file, dir, scan.whole_bytes, torn)?),
            None => None,
        };
        file.seek(SeekFrom::End(0)).map_err(|source| LedgerError::io("read", &path, source))?;
        let mut ledger = Self::open(dir.to_owned(), Box::new(file), scan.lines, scan.last_hash, scan.whole_bytes);
        if let Some(recovered) = recovered {
            ledger.append("ledger_recovered", &recovered)?;
            ledger.recovered = Some(recovered);
        }
        Ok(ledger)
    }

    /// Opens the record in a folder that several processes append to in turns: waits until no other has it, and begins it
    /// where there is none.
    ///
    /// # Errors
    /// As [`Ledger::resume`], but never [`LedgerError::Locked`].
    pub fn open_shared(dir: &Path) -> Result<Self, LedgerError> {
        let path = dir.join(LEDGER_FILE);
        std::fs::create_dir_all(dir).map_err(|source| LedgerError::io("make the folder of", &path, source))?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(|source| LedgerError::io("open", &path, source))?;
        file.lock().map_err(|source| LedgerError::io("lock", &path, source))?;
        Self::go_on(dir, path, file)
    }

    fn open(dir: PathBuf, sink: Box<dyn Sink>, next: u64, last_hash: String, length: u64) -> Self {
        Self { dir, sink, clock: Clock::system(), next, last_hash, length, recovered: None, broken: false }
    }

    /// The same record with lines dated by another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a line in one write. It survives the end of this process; it survives a power cut after [`Ledger::sync`].
    ///
    /// `kind` is 1 to 64 lower-case letters, digits, underscores and dots.
    ///
    /// # Errors
    /// [`LedgerError::Kind`] or [`LedgerError::Body`] for what cannot be a line, [`LedgerError::Write`] when it cannot be
    /// written, as on a full disk: lines before it stay as they are, and the same line may be tried again.
    pub fn append(&mut self, kind: &str, body: &impl Serialize) -> Result<Seq, LedgerError> {
        if self.broken {
            return Err(LedgerError::Broken { path: self.path() });
        }
        let at = crate::clock::rfc3339(self.clock.unix_ms());
        let (bytes, hash) = line::encode(self.next, &at, &self.last_hash, kind, body)?;
        if let Err(source) = self.sink.append(&bytes) {
            // What was written of the line goes; if even that fails, the next resume recovers it.
            self.broken = self.sink.truncate(self.length).is_err();
            return Err(LedgerError::Write { path: self.path(), seq: self.next, source });
        }
        let seq = Seq(self.next);
        self.next += 1;
        self.last_hash = hash;
        self.length += bytes.len() as u64;
        Ok(seq)
    }

    /// Makes all lines so far survive a power cut, and notes their number in `ledger.head`. For the ends of phases.
    ///
    /// # Errors
    /// [`LedgerError::Io`] when the disk refuses.
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        self.sink.sync().map_err(|source| LedgerError::io("save", &self.path(), source))?;
        head::write(&self.dir, self.next, &self.last_hash)?;
        sync_dir(&self.dir);
        Ok(())
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next
    }

    /// True before the first line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// The hash of the last line, or [`GENESIS`]: what a signature of the whole record signs.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.last_hash
    }

    /// The folder of the run.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of the record.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.join(LEDGER_FILE)
    }

    /// What resuming had to cut off, if anything.
    #[must_use]
    pub fn recovered(&self) -> Option<&Recovered> {
        self.recovered.as_ref()
    }
}

/// Keeps other processes from appending for as long as the file is open.
fn lock(file: &File, path: &Path) -> Result<(), LedgerError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(std::fs::TryLockError::WouldBlock) => Err(LedgerError::Locked { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(LedgerError::io("lock", path, source)),
    }
}

/// Moves torn bytes aside: first they are safe in the other file, then they go from this one.
fn cut_off(file: &File, dir: &Path, whole_bytes: u64, torn: &[u8]) -> Result<Recovered, LedgerError> {
    let moved_to = dir.join(TORN_FILE);
    let save = || {
        let mut aside = OpenOptions::new().append(true).create(true).open(&moved_to)?;
        aside.write_all(torn)?;
        aside.write_all(b"\n")?;
        aside.sync_data()?;
        file.set_len(whole_bytes)?;
        file.sync_data()
    };
    save().map_err(|source| LedgerError::io("recover the torn last line into", &moved_to, source))?;
    Ok(Recovered { torn_bytes: torn.len(), moved_to: PathBuf::from(TORN_FILE) })
}

/// Makes names in a folder survive a power cut, where the system knows how to.
fn sync_dir(dir: &Path) {
    if let Ok(folder) = File::open(dir) {
        // Some file systems refuse; the lines themselves are saved by other means.
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests;
