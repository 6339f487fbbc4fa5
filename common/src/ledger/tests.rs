use std::io;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;

fn run() -> RunId {
    "20261121t101500-1a2b3c4d".parse().unwrap()
}

/// A record of `lines` lines, closed.
fn record(lines: u64) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(root.path(), &run()).unwrap().with_clock(Clock::manual(1_795_255_200_123));
    for n in 0..lines {
        ledger.append("sample", &json!({ "n": n, "text": "é\n\"}", "p95_ms": 1.25 })).unwrap();
    }
    let path = ledger.path();
    (root, path)
}

/// Rewrites the record line by line, without touching hashes.
fn rewrite(path: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let mut lines: Vec<String> = std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

fn problem_lines(path: &Path) -> Vec<usize> {
    verify(path).unwrap().problems.into_iter().map(|problem| problem.line).collect()
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let (_root, path) = record(3);
    let lines = read(&path).unwrap();
    assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(lines[2].body, json!({ "n": 2, "text": "é\n\"}", "p95_ms": 1.25 }));
    assert_eq!((lines[0].kind.as_str(), lines[0].prev.as_str()), ("sample", GENESIS));
    assert_eq!(lines[0].at, crate::clock::rfc3339(1_795_255_200_123));
    assert_eq!(lines[1].prev, lines[0].hash);
    let seen = verify(&path).unwrap();
    assert!(seen.is_intact() && seen.lines == 3 && seen.head == lines[2].hash, "{seen:?}");
}

#[test]
fn the_hash_is_that_of_the_bytes_without_it() {
    let (_root, path) = record(1);
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.trim_end();
    let open = format!("{}}}", &line[..line.len() - 82]);
    serde_json::from_str::<serde_json::Value>(&open).unwrap();
    let hex: String = <sha2::Sha256 as sha2::Digest>::digest(open).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(line.ends_with(&format!(",\"hash\":\"sha256:{hex}\"}}")), "{line}");
}

#[test]
fn a_removed_line_is_found_where_it_was() {
    let (_root, path) = record(5);
    rewrite(&path, |lines| drop(lines.remove(2)));
    assert_eq!(problem_lines(&path), [3]);
    rewrite(&path, |lines| drop(lines.remove(0)));
    assert_eq!(problem_lines(&path)[0], 1);
}

#[test]
fn a_moved_line_is_found() {
    let (_root, path) = record(5);
    rewrite(&path, |lines| lines.swap(1, 3));
    assert_eq!(problem_lines(&path), [2, 3, 4, 5]);
}

#[test]
fn a_repeated_line_is_found() {
    let (_root, path) = record(3);
    rewrite(&path, |lines| lines.insert(1, lines[1].clone()));
    let seen = verify(&path).unwrap();
    assert_eq!(seen.problems.len(), 1);
    assert!(seen.problems[0].what.contains("has seq 1, expected 2"), "{:?}", seen.problems);
}

#[test]
fn a_line_with_a_fresh_hash_of_its_own_breaks_the_chain_behind_it() {
    let (_root, path) = record(3);
    let prev = read(&path).unwrap()[0].hash.clone();
    let (forged, _) = line::encode(1, "2026-11-21T10:00:00.000Z", &prev, "sample", &json!({ "n": 9 })).unwrap();
    rewrite(&path, |lines| lines[1] = String::from_utf8(forged).unwrap().trim_end().to_owned());
    assert_eq!(problem_lines(&path), [3]);
}

#[test]
fn whole_lines_cut_off_after_a_sync_are_missed() {
    let (root, _) = record(2);
    let mut ledger = Ledger::resume(&root.path().join(run().as_str())).unwrap();
    ledger.append("sample", &1).unwrap();
    ledger.sync().unwrap();
    let path = ledger.path();
    drop(ledger);
    assert!(verify(&path).unwrap().is_intact());
    rewrite(&path, |lines| drop(lines.pop()));
    let seen = verify(&path).unwrap();
    assert_eq!(seen.problems[0].what, "lines are missing: 3 were saved, 2 are there");
    assert!(matches!(Ledger::resume(path.parent().unwrap()), Err(LedgerError::Corrupt { line: 3, .. })));
}

#[test]
fn a_changed_head_is_found() {
    let (root, path) = record(1);
    let dir = path.parent().unwrap();
    Ledger::resume(dir).unwrap().sync().unwrap();
    let head = dir.join("ledger.head");
    std::fs::write(&head, std::fs::read_to_string(&head).unwrap().replace("sha256:", "sha256:0")).unwrap();
    assert_eq!(problem_lines(&path), [1]);
    std::fs::write(&head, "{").unwrap();
    assert!(verify(&path).unwrap().problems[0].what.contains("ledger.head is damaged"));
    drop(root);
}

#[test]
fn a_run_has_one_record() {
    let (root, _) = record(1);
    let error = Ledger::create(root.path(), &run()).unwrap_err();
    assert!(matches!(error, LedgerError::Exists { .. }), "{error}");
}

#[test]
fn two_writers_at_a_time_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let first = Ledger::create(root.path(), &run()).unwrap();
    let error = Ledger::resume(first.dir()).unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    let dir = first.dir().to_owned();
    drop(first);
    Ledger::resume(&dir).unwrap();
}

#[test]
fn resuming_joins_on_to_the_last_line() {
    let (_root, path) = record(2);
    let mut ledger = Ledger::resume(path.parent().unwrap()).unwrap();
    assert_eq!((ledger.len(), ledger.recovered()), (2, None));
    assert_eq!(ledger.append("sample", &json!({})).unwrap(), Seq(2));
    assert!(verify(&path).unwrap().is_intact());
}

#[test]
fn a_changed_record_is_not_resumed() {
    let (_root, path) = record(2);
    rewrite(&path, |lines| lines[0] = lines[0].replace("\"n\":0", "\"n\":7"));
    let error = Ledger::resume(path.parent().unwrap()).unwrap_err();
    assert!(matches!(error, LedgerError::Corrupt { line: 1, .. }), "{error}");
    assert!(matches!(read(&path), Err(LedgerError::Corrupt { line: 1, .. })));
}

#[test]
fn a_missing_record_is_a_clear_error() {
    let error = Ledger::resume(Path::new("/nowhere")).unwrap_err().to_string();
    assert!(error.starts_with("cannot open /nowhere/ledger.ndjson: "), "{error}");
}

#[test]
fn what_cannot_be_a_line_is_refused_and_leaves_no_trace() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::create(root.path(), &run()).unwrap();
    for kind in ["", "Big", "a b", "a\"", &"x".repeat(65)] {
        assert!(matches!(ledger.append(kind, &1), Err(LedgerError::Kind(_))), "{kind:?}");
    }
    let keys_are_no_text = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(matches!(ledger.append("x", &keys_are_no_text), Err(LedgerError::Body { .. })));
    assert!(ledger.is_empty());
    assert_eq!(std::fs::read(ledger.path()).unwrap(), b"");
}

/// A disk with room for so many bytes.
#[derive(Debug)]
struct FullDisk {
    file: File,
    room: usize,
    can_truncate: bool,
}

impl Sink for FullDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = bytes.len().min(self.room);
        self.file.write_all(&bytes[..fits])?;
        self.room -= fits;
        if fits < bytes.len() { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        if !self.can_truncate {
            return Err(io::Error::other("read-only now"));
        }
        self.file.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A record of three lines on a disk with little room, and the file.
fn nearly_full(room: usize, can_truncate: bool) -> (TempDir, Ledger) {
    let (root, path) = record(3);
    let mut ledger = Ledger::resume(path.parent().unwrap()).unwrap();
    let file = OpenOptions::new().append(true).open(&path).unwrap();
    ledger.sink = Box::new(FullDisk { file, room, can_truncate });
    (root, ledger)
}

#[test]
fn a_full_disk_is_a_clear_error_and_earlier_lines_stay() {
    let (_root, mut ledger) = nearly_full(100, true);
    let error = ledger.append("sample", &1).unwrap_err();
    assert!(matches!(&error, LedgerError::Write { seq: 3, .. }), "{error}");
    assert!(error.to_string().contains("lines before it are intact"), "{error}");
    let seen = verify(&ledger.path()).unwrap();
    assert!(seen.is_intact() && seen.lines == 3, "{seen:?}");
    ledger.sink = Box::new(OpenOptions::new().append(true).open(ledger.path()).unwrap());
    assert_eq!(ledger.append("sample", &1).unwrap(), Seq(3));
    assert!(verify(&ledger.path()).unwrap().is_intact());
}

#[test]
fn a_part_of_a_line_that_cannot_be_removed_ends_writing_until_it_is_recovered() {
    let (_root, mut ledger) = nearly_full(100, false);
    assert!(matches!(ledger.append("sample", &1), Err(LedgerError::Write { .. })));
    assert!(matches!(ledger.append("sample", &1), Err(LedgerError::Broken { .. })));
    let (dir, path) = (ledger.dir().to_owned(), ledger.path());
    drop(ledger);
    assert_eq!(verify(&path).unwrap().torn_tail, Some(100));
    assert_eq!(Ledger::resume(&dir).unwrap().recovered().unwrap().torn_bytes, 100);
    assert!(verify(&path).unwrap().is_intact());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_changed_byte_is_found(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let (_root, path) = record(4);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        std::fs::write(&path, bytes).unwrap();
        prop_assert!(!verify(&path).unwrap().is_intact(), "byte {} xor {}", at, flip);
    }

    #[test]
    fn a_record_cut_anywhere_is_recovered_to_its_last_whole_line(at in any::<prop::sample::Index>()) {
        let (_root, path) = record(4);
        let bytes = std::fs::read(&path).unwrap();
        let cut = at.index(bytes.len());
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
        let torn = cut - bytes[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);

        let mut ledger = Ledger::resume(path.parent().unwrap()).unwrap();
        ledger.append("sample", &"after").unwrap();
        let seen = verify(&path).unwrap();
        prop_assert!(seen.is_intact(), "{:?}", seen);
        let lines = read(&path).unwrap();
        let kinds: Vec<_> = lines.iter().skip(whole).map(|line| line.kind.as_str()).collect();
        if torn == 0 {
            prop_assert_eq!(kinds, ["sample"]);
            prop_assert_eq!(ledger.recovered(), None);
        } else {
            prop_assert_eq!(kinds, ["ledger_recovered", "sample"]);
            prop_assert_eq!(ledger.recovered().unwrap().torn_bytes, torn);
            let aside = std::fs::read(ledger.dir().join(TORN_FILE)).unwrap();
            prop_assert_eq!(&aside[..torn], &bytes[cut - torn..cut]);
        }
    }
}
