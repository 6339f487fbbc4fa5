use std::io::Write as _;

use common::evidence::{Became, Planned, open, pack};
use common::ledger::Ledger;
use common::settings::Settings;
use common::signing::Signer;
use tempfile::TempDir;

use super::*;
use crate::evidence;
use crate::record::RunView;
use crate::report::{REPORTS, fixture, render_all};

/// A run's folder with its record and its bundle.
fn packed() -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let run = fixture::view().started.unwrap().run_id;
    let mut ledger = Ledger::create(root.path(), &run).unwrap();
    for record in fixture::records() {
        ledger.append(record.kind(), &record).unwrap();
    }
    ledger.sync().unwrap();
    let folder = ledger.dir().to_owned();
    let view = run::view(&ledger.path()).unwrap();
    let artifacts = render_all(&view);
    run::write(&folder, &artifacts).unwrap();
    evidence::write(&folder, &view, &artifacts, &[&folder], &Settings::of([])).unwrap();
    (root, folder)
}

type Files = Vec<(String, Vec<u8>)>;

fn zip_of(folder: &Path) -> PathBuf {
    folder.join(REPORTS).join(evidence::BUNDLE)
}

/// A bundle that somebody else packed and signed, from changed parts of this one.
fn forged(folder: &Path, change: impl FnOnce(&mut Files, &mut Planned)) -> String {
    let bytes = std::fs::read(zip_of(folder)).unwrap();
    let bundle = open(&bytes).unwrap();
    let manifest = bundle.manifest().clone();
    let mut files: Vec<_> = manifest
        .entries
        .iter()
        .filter(|entry| entry.path != common::evidence::VERIFY)
        .map(|entry| (entry.path.clone(), bundle.file(&entry.path).unwrap().to_vec()))
        .collect();
    let mut planned = manifest.planned.clone();
    change(&mut files, &mut planned);
    let forged = pack(manifest.subject, planned, files, &Signer::generate().unwrap(), true).unwrap();
    let path = folder.join("forged.zip");
    std::fs::write(&path, forged).unwrap();
    bundle::check(&path, None).unwrap().problems.join("\n")
}

fn replace(files: &mut [(String, Vec<u8>)], name: &str, from: &str, to: &str) {
    let (_, content) = files.iter_mut().find(|(other, _)| other == name).unwrap();
    let text = String::from_utf8(content.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *content = text.replace(from, to).into_bytes();
}

#[test]
fn what_a_run_leaves_behind_is_intact() {
    let (_root, folder) = packed();
    for path in [zip_of(&folder), folder.join(LEDGER_FILE), folder.join(REPORTS).join("hitl_approvals.log")] {
        let seen = match path.extension().unwrap().to_str().unwrap() {
            "zip" => bundle::check(&path, None),
            "log" => approvals(&path),
            _ => record(&path),
        };
        let seen = seen.unwrap();
        assert_eq!((seen.problems, seen.empty), (Vec::new(), false), "{}", path.display());
    }
    let facts = bundle::check(&zip_of(&folder), None).unwrap().facts.join("\n");
    assert!(facts.contains("a part of what was planned") && facts.contains("who made it is not shown"), "{facts}");
}

#[test]
fn a_forger_with_a_key_of_his_own_is_found_by_the_record_inside() {
    let (_root, folder) = packed();
    assert_eq!(forged(&folder, |_, _| {}), "", "packed anew, it says the same");
    let found = |words: &str, change: &dyn Fn(&mut Files, &mut Planned)| {
        let problems = forged(&folder, |files, planned| change(files, planned));
        assert!(problems.contains(words), "`{words}` is not in:\n{problems}");
    };
    found("reports/summary.json is not what ledger.ndjson gives", &|files, _| {
        replace(files, "reports/summary.json", "NOT READY", "READY");
    });
    found("ledger.ndjson: line", &|files, _| replace(files, LEDGER_FILE, "embedded", "staging"));
    found("stands otherwise in ledger.ndjson", &|_, planned| {
        *planned = Planned::of([("phase 2 load".to_owned(), Became::Executed)]);
    });
    found("ledger.ndjson is missing", &|files, _| files.retain(|(name, _)| name != LEDGER_FILE));
    found("hitl_approvals.log is missing", &|files, _| files.retain(|(name, _)| !name.ends_with(".log")));
    found("reports/hitl_approvals.log: line 1", &|files, _| {
        replace(files, "reports/hitl_approvals.log", "quick", "fully");
    });
}

#[test]
fn a_reader_who_knows_the_key_is_not_content_with_another() {
    let (root, folder) = packed();
    let key = root.path().join("public.pem");
    std::fs::write(&key, Signer::generate().unwrap().public().to_pem().unwrap()).unwrap();
    let problems = bundle::check(&zip_of(&folder), Some(&key)).unwrap().problems.join("\n");
    assert!(problems.contains("not with the one expected"), "{problems}");
    std::fs::write(&key, "none").unwrap();
    assert!(bundle::check(&zip_of(&folder), Some(&key)).err().unwrap().contains("--key"));
}

#[test]
fn an_altered_record_of_approvals_is_found_and_an_empty_one_is_not_trusted() {
    let (_root, folder) = packed();
    let path = folder.join(REPORTS).join("hitl_approvals.log");
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{}\n").unwrap();
    let problems = approvals(&path).unwrap().problems.join("\n");
    assert!(problems.contains("line 2"), "{problems}");
    std::fs::write(&path, b"").unwrap();
    assert!(approvals(&path).unwrap().empty);
    let (entries, strange) = entries(Vec::new());
    assert!(entries.is_empty() && strange.is_empty());
    assert!(RunView::default().approvals.is_empty());
}
