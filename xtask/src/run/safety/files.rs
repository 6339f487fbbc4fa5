//! What lies in the folder of a run, file by file: logs of apps, their databases, and all that the run itself wrote.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use common::ids::AppId;

use super::scan::{Looked, Needles, scan};

/// No more of a file than this is looked through, in bytes; that it was cut is told.
pub(super) const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Where a zero byte in the beginning makes a file one that is no text, in bytes.
const BEGINNING: usize = 8 * 1024;

/// What a file is to those who look for personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The log of an app, of whichever of the run's ecosystems.
    Log(AppId),
    /// An app's own store. What an app keeps there is its business: A1 has to know addresses.
    Store,
    /// Anything else.
    Artifact,
}

/// A file in the folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// From the folder of the run, `disturbed/outages/a3.log`.
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// How far a file was looked through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// To its end.
    Whole(Looked),
    /// Only its beginning.
    Cut(Looked),
    /// Not at all: it is no text.
    Binary,
}

/// All files below the folder, in the order of their names. Links are not followed.
///
/// # Errors
/// A folder that cannot be read, in words.
pub(super) fn below(folder: &Path) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let unread = |error: io::Error| format!("{}: {error}", next.display());
        for entry in std::fs::read_dir(&next).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let kind = entry.file_type().map_err(unread)?;
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(Found::of(folder, entry.path()));
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

impl Found {
    fn of(folder: &Path, path: PathBuf) -> Self {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let file = name.rsplit('/').next().unwrap_or_default();
        let log = file.strip_suffix(".log").and_then(|app| app.parse().ok());
        let is_store =
            [".sqlite", ".sqlite-wal", ".sqlite-shm", ".sqlite-journal"].iter().any(|end| file.ends_with(end));
        let kind = match log {
            Some(app) => Kind::Log(app),
            None if is_store => Kind::Store,
            None => Kind::Artifact,
        };
        Self { path, name, kind }
    }

    /// Looks through the file, at most `most` bytes of it.
    ///
    /// # Errors
    /// A file that cannot be read, in words.
    pub(super) fn look(&self, needles: &Needles, most: u64) -> Result<Seen, String> {
        let unread = |error: io::Error| format!("{}: {error}", self.path.display());
        let file = File::open(&self.path).map_err(unread)?;
        let is_longer = file.metadata().map_err(unread)?.len() > most;
        let mut text = BufReader::with_capacity(BEGINNING, file);
        if text.fill_buf().map_err(unread)?.contains(&0) {
            return Ok(Seen::Binary);
        }
        let looked = scan(&self.name, text.take(most), needles).map_err(unread)?;
        Ok(if is_longer { Seen::Cut(looked) } else { Seen::Whole(looked) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::safety::scan::Needle;

    fn written(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn every_file_is_found_however_deep_and_told_apart() {
        let folder = written(&[
            ("ledger.ndjson", b""),
            ("data/a1.log", b""),
            ("data/a1/a1.sqlite-wal", b""),
            ("disturbed/outages/a3.log", b""),
            ("effects/a5_kill_1.ndjson", b""),
            ("data/worker.log", b""),
        ]);
        let found: Vec<_> = below(folder.path()).unwrap().into_iter().map(|file| (file.name, file.kind)).collect();
        let of = |name: &str, kind| (name.to_owned(), kind);
        assert_eq!(
            found,
            [
                of("data/a1.log", Kind::Log(AppId::A1)),
                of("data/a1/a1.sqlite-wal", Kind::Store),
                of("data/worker.log", Kind::Artifact),
                of("disturbed/outages/a3.log", Kind::Log(AppId::A3)),
                of("effects/a5_kill_1.ndjson", Kind::Artifact),
                of("ledger.ndjson", Kind::Artifact),
            ]
        );
        assert!(below(&folder.path().join("nowhere")).unwrap_err().contains("nowhere"));
    }

    #[test]
    fn a_long_file_is_looked_through_as_far_as_said_and_what_is_no_text_not_at_all() {
        let folder = written(&[("a.txt", b"fine\nsecret\n"), ("b.zip", b"PK\0secret")]);
        let files = below(folder.path()).unwrap();
        let needles = Needles::new(vec![Needle::new("a word", "secret")]);
        let hits = |most| match files[0].look(&needles, most).unwrap() {
            Seen::Whole(looked) => (true, looked.hits.len()),
            Seen::Cut(looked) => (false, looked.hits.len()),
            Seen::Binary => panic!("it is a text"),
        };
        assert_eq!((hits(12), hits(5)), ((true, 1), (false, 0)));
        assert_eq!(files[1].look(&needles, 100).unwrap(), Seen::Binary);
    }
}
