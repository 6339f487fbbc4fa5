//! The record as a whole: damage to it ends every approval, and an audit finds what does not fit together.

use super::*;
use crate::ledger::{HEAD_FILE, LEDGER_FILE};

/// A record with a request, a grant and its use.
fn used() -> (People, TempDir) {
    let (people, dir) = (people(), asked());
    at(dir.path(), 0).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    let answer = at(dir.path(), 1).take(&request(), &people.approvers, &[]).unwrap();
    assert!(matches!(answer, Answer::Granted(_)));
    (people, dir)
}

fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let path = dir.join(LEDGER_FILE);
    let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

fn opened(dir: &Path) -> Refused {
    refused(Register::open(dir, Clock::manual(NOW + 2)))
}

#[test]
fn an_altered_byte_ends_every_approval() {
    let (_, dir) = used();
    rewrite(dir.path(), |lines| lines[0] = lines[0].replace("\"vus\":100", "\"vus\":900"));
    assert!(matches!(opened(dir.path()), Refused::Altered { line: 1, .. }), "{}", opened(dir.path()));
    assert!(matches!(refused(Register::read(dir.path())), Refused::Altered { line: 1, .. }));
}

#[test]
fn a_removed_or_moved_line_ends_every_approval() {
    let (_, dir) = used();
    rewrite(dir.path(), |lines| drop(lines.remove(1)));
    assert!(matches!(opened(dir.path()), Refused::BrokenChain { line: 2, .. }), "{}", opened(dir.path()));
    let (_, dir) = used();
    rewrite(dir.path(), |lines| lines.swap(0, 1));
    assert!(matches!(opened(dir.path()), Refused::BrokenChain { line: 1, .. }), "{}", opened(dir.path()));
}

#[test]
fn a_use_cut_off_at_the_end_is_missed_so_that_a_grant_stays_spent() {
    let (_, dir) = used();
    rewrite(dir.path(), |lines| drop(lines.pop()));
    assert!(opened(dir.path()).to_string().contains("lines are missing"), "{}", opened(dir.path()));
}

#[test]
fn a_record_without_its_head_may_lack_lines_and_allows_nothing() {
    let (_, dir) = used();
    std::fs::remove_file(dir.path().join(HEAD_FILE)).unwrap();
    rewrite(dir.path(), |lines| drop(lines.pop()));
    assert!(opened(dir.path()).to_string().contains("ledger.head is gone"), "{}", opened(dir.path()));
    assert!(matches!(refused(Register::read(dir.path())), Refused::BrokenChain { line: 2, .. }));
}

type Entries = Vec<(String, Entry)>;

fn entries(dir: &Path) -> Entries {
    Register::read(dir).unwrap().into_iter().map(|line| (line.at, line.entry)).collect()
}

#[test]
fn an_audit_finds_nothing_wrong_with_what_went_right() {
    let (_, dir) = used();
    let entries = entries(dir.path());
    assert_eq!((entries.len(), audit(&entries)), (3, Vec::new()));
}

#[test]
fn an_audit_finds_each_thing_that_does_not_fit() {
    let (people, dir) = used();
    let found = |change: &dyn Fn(&mut Entries), words: &str| {
        let mut entries = entries(dir.path());
        change(&mut entries);
        let problems = audit(&entries).join("\n");
        assert!(problems.contains(words), "`{words}` is not in:\n{problems}");
    };
    found(&|entries| drop(entries.remove(0)), "without having been asked for");
    found(&|entries| drop(entries.remove(1)), "which nobody granted before");
    found(&|entries| entries.push(entries[2].clone()), "it was used before");
    found(&|entries| entries.swap(1, 2), "the clock says");
    found(&|entries| entries[2].0 = crate::clock::rfc3339(NOW + 3 * HOUR), "it expired at");
    found(&|entries| entries[2].0 = "yesterday".into(), "is no time");
    found(
        &|entries| match &mut entries[1].1 {
            Entry::Granted { key, .. } => *key = people.mallory.public().to_pem().unwrap(),
            other => panic!("{other:?}"),
        },
        "the signature of Ada does not fit",
    );
    found(
        &|entries| match &mut entries[2].1 {
            Entry::Used { request, .. } => request.scope.vus = Some(500),
            other => panic!("{other:?}"),
        },
        "it allows 100 virtual users at most, and 500 are asked for",
    );
    found(
        &|entries| match &mut entries[2].1 {
            Entry::Used { nonces, .. } => nonces.clear(),
            other => panic!("{other:?}"),
        },
        "was used without a grant",
    );
}

#[test]
fn an_audit_finds_a_refusal_that_is_entered_as_a_grant_or_passed_over() {
    let (people, dir) = used();
    let refusal = sealed(&decision(Word::Refuse), &people.bob);
    let (by, key) = ("Bob".to_owned(), people.bob.public().to_pem().unwrap());
    let at = crate::clock::rfc3339(NOW);
    let audited = |entry: Entry| {
        let mut entries = entries(dir.path());
        entries.insert(2, (at.clone(), entry));
        audit(&entries).join("\n")
    };
    let (by_bob, envelope) = (by.clone(), refusal.clone());
    let swapped = audited(Entry::Granted { by: by_bob, key: key.clone(), envelope });
    assert_eq!(swapped, "what Bob signed is a refusal, and it is entered as a grant");
    let passed_over = audited(Entry::Declined { by, key, envelope: refusal });
    assert!(passed_over.ends_with("was used although Bob had refused it"), "{passed_over}");
}

#[test]
fn several_processes_write_in_turns() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4_u32 {
            let dir = dir.path();
            scope.spawn(move || {
                for round in 0..5 {
                    let mut request = request();
                    request.scope.vus = Some(100 + writer * 10 + round);
                    Register::open(dir, Clock::manual(NOW)).unwrap().request(&request, 2).unwrap();
                }
            });
        }
    });
    assert_eq!(Register::read(dir.path()).unwrap().len(), 20);
    assert!(crate::ledger::verify(&dir.path().join(LEDGER_FILE)).unwrap().is_intact());
}
