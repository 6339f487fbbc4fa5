//! Reading a record back: every line against its hash, its place, the line before and the head.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use super::head::{self, Head};
use super::line::{self, GENESIS, Line};

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line, from 1; one past the last if lines are missing there.
    pub line: usize,
    /// What kind of change that is.
    pub flaw: Flaw,
    /// What is wrong.
    pub what: String,
}

/// The kinds of change that a record shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// The bytes of a line are not those that were hashed.
    Altered,
    /// A line does not follow the one before: one was removed, repeated, moved or written anew.
    Order,
    /// It does not end where it ended when it was last saved.
    End,
}

/// What checking a record showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Whole lines, damaged ones included.
    pub lines: usize,
    /// Bytes after the last whole line, if any: the writer was interrupted there.
    pub torn_tail: Option<usize>,
    /// By line.
    pub problems: Vec<Problem>,
    /// The hash that the last whole line states, [`GENESIS`] without one: what a signature of the record signs.
    pub head: String,
}

impl Verification {
    /// True if the record is just as it was written, to its end.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.problems.is_empty() && self.torn_tail.is_none()
    }
}

/// Checks a record: hashes, order, chain, and against `ledger.head` if that lies beside it.
///
/// Someone who rewrites the whole record and its head with fresh hashes is not found out here but by the signature over
/// [`Verification::head`].
///
/// # Errors
/// [`LedgerError::Io`] when the file cannot be read; what is wrong inside it is no error but a [`Problem`].
pub fn verify(path: &Path) -> Result<Verification, LedgerError> {
    let mut file = File::open(path).map_err(|source| LedgerError::io("open", path, source))?;
    let scan = scan(path, &mut file, |_| {})?;
    Ok(Verification {
        lines: usize::try_from(scan.lines).unwrap_or(usize::MAX),
        torn_tail: scan.torn.map(|torn| torn.len()),
        problems: scan.problems,
        head: scan.last_hash,
    })
}

/// Reads all whole lines of a record that is intact up to a torn last line.
///
/// # Errors
/// [`LedgerError::Corrupt`] at the first line that is not as it was written, [`LedgerError::Io`] when the file cannot be
/// read.
pub fn read(path: &Path) -> Result<Vec<Line>, LedgerError> {
    let mut file = File::open(path).map_err(|source| LedgerError::io("open", path, source))?;
    let mut lines = Vec::new();
    let scan = scan(path, &mut file, |line| lines.push(line))?;
    match scan.problems.into_iter().next() {
        Some(Problem { line, what, .. }) => Err(LedgerError::Corrupt { path: path.to_owned(), line, what }),
        None => Ok(lines),
    }
}

/// The state of a record after its last line.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) lines: u64,
    pub(super) whole_bytes: u64,
    pub(super) torn: Option<Vec<u8>>,
    pub(super) problems: Vec<Problem>,
    pub(super) last_hash: String,
}

/// Reads line by line and hands on those whose own hash holds.
pub(super) fn scan(path: &Path, file: &mut impl Read, mut each: impl FnMut(Line)) -> Result<Scan, LedgerError> {
    let mut reader = BufReader::new(file);
    let mut scan = Scan { lines: 0, whole_bytes: 0, torn: None, problems: Vec::new(), last_hash: GENESIS.to_owned() };
    let (head, damage) = match head::read(path) {
        Ok(head) => (head, None),
        Err(damage) => (None, Some(damage)),
    };
    let mut chain = Chain { next: 0, prev: GENESIS.to_owned() };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes).map_err(|source| LedgerError::io("read", path, source))?;
        if read == 0 {
            break;
        }
        if bytes.last() != Some(&b'\n') {
            scan.torn = Some(bytes);
            break;
        }
        scan.whole_bytes += read as u64;
        scan.lines += 1;
        let number = usize::try_from(scan.lines).unwrap_or(usize::MAX);
        let mut report = |flaw: Flaw, what: String| scan.problems.push(Problem { line: number, flaw, what });
        match line::decode(&bytes[..read - 1]) {
            Ok(line) => {
                if let Some(what) = chain.fault(&line) {
                    report(Flaw::Order, what);
                }
                if let Some(what) = head.as_ref().and_then(|head| head_fault(head, scan.lines, &line)) {
                    report(Flaw::End, what);
                }
                chain = Chain { next: line.seq.saturating_add(1), prev: line.hash.clone() };
                scan.last_hash.clone_from(&line.hash);
                each(line);
            }
            Err(what) => {
                report(Flaw::Altered, what);
                chain.next += 1;
            }
        }
    }
    scan.problems.extend(end_fault(head, damage, scan.lines));
    Ok(scan)
}

/// What the head says that the lines do not: it is damaged, or lines are missing at the end.
fn end_fault(head: Option<Head>, damage: Option<String>, lines: u64) -> Option<Problem> {
    let missing = head.filter(|head| head.lines > lines);
    let what = damage
        .or_else(|| missing.map(|head| format!("lines are missing: {} were saved, {lines} are there", head.lines)))?;
    Some(Problem { line: usize::try_from(lines).unwrap_or(usize::MAX).saturating_add(1), flaw: Flaw::End, what })
}

/// What the next line must join on to.
struct Chain {
    next: u64,
    prev: String,
}

impl Chain {
    fn fault(&self, line: &Line) -> Option<String> {
        let mut faults = Vec::new();
        if line.seq != self.next {
            faults.push(format!("has seq {}, expected {}", line.seq, self.next));
        }
        if line.prev != self.prev {
            faults.push(format!("follows {}, but the line before is {}", line.prev, self.prev));
        }
        (!faults.is_empty()).then(|| format!("{}: a line was removed, repeated, moved or changed", faults.join("; ")))
    }
}

fn head_fault(head: &Head, number: u64, line: &Line) -> Option<String> {
    let differs = head.lines == number && head.hash != line.hash;
    differs.then(|| format!("has the hash {}, but {} was saved as the last one", line.hash, head.hash))
}
