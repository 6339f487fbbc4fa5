use std::io::{Cursor, Read, Write};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::*;
use crate::signing::{PublicKey, Signer};

fn subject() -> Subject {
    Subject {
        run_id: "20261121t101500-1a2b3c4d".into(),
        command: "ecosystem".into(),
        target: "embedded".into(),
        profile: "quick".into(),
        verdict: "CONDITIONAL".into(),
        ledger_head: "sha256:00".into(),
    }
}

fn planned() -> Planned {
    let items = [("a2.burst", Became::Executed), ("a2.spike", Became::Held), ("a2.soak", Became::Skipped)];
    Planned::of(items.map(|(name, became)| (name.to_owned(), became)))
}

fn artifacts() -> [(String, Vec<u8>); 2] {
    [("reports/summary.json".into(), b"{}\n".to_vec()), ("ledger.ndjson".into(), b"line\n".repeat(500))]
}

fn packed(signer: &Signer) -> Vec<u8> {
    pack(subject(), planned(), artifacts(), signer, false).unwrap()
}

type Files = Vec<(String, Vec<u8>)>;

/// The same bundle with other files in it.
fn changed(bundle: &[u8], change: impl FnOnce(&mut Files)) -> Vec<u8> {
    let mut zip = ZipArchive::new(Cursor::new(bundle)).unwrap();
    let mut files = Vec::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.push((String::from_utf8(file.name_raw().to_vec()).unwrap(), content));
    }
    change(&mut files);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn replace(files: &mut [(String, Vec<u8>)], name: &str, from: &str, to: &str) {
    let (_, content) = files.iter_mut().find(|(other, _)| other == name).unwrap();
    let text = String::from_utf8(content.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *content = text.replace(from, to).into_bytes();
}

fn problems(bundle: &[u8]) -> String {
    open(bundle).unwrap().problems(None).join("\n")
}

#[test]
fn what_was_packed_is_whole_and_the_same_each_time() {
    let signer = Signer::generate().unwrap();
    let bundle = packed(&signer);
    assert_eq!(bundle, packed(&signer));
    let opened = open(&bundle).unwrap();
    assert_eq!(opened.problems(Some(&signer.public())), Vec::<String>::new());
    assert_eq!(opened.manifest().subject, subject());
    assert_eq!(opened.file("reports/summary.json").unwrap(), b"{}\n");
    assert_eq!(opened.paths().count(), 2 + OWN.len());
}

#[test]
fn each_change_to_a_bundle_is_found_in_words_of_its_own() {
    let bundle = packed(&Signer::generate().unwrap());
    let found = |words: &str, change: &dyn Fn(&mut Files)| {
        let problems = problems(&changed(&bundle, change));
        assert!(problems.contains(words), "`{words}` is not in:\n{problems}");
    };
    assert_eq!(problems(&changed(&bundle, |_| {})), "", "packing it anew changes nothing that counts");
    found("reports/summary.json was altered", &|files| replace(files, "reports/summary.json", "{}", "[]"));
    found("ledger.ndjson is missing", &|files| files.retain(|(name, _)| name != "ledger.ndjson"));
    found("extra.txt was added", &|files| files.push(("extra.txt".into(), b"x".to_vec())));
    found("_manifest.json.sig is no signature", &|files| replace(files, MANIFEST, "CONDITIONAL", "READY"));
    found("SHA256SUMS.sig is no signature", &|files| replace(files, SUMS, "ledger", "Ledger"));
    found("SHA256SUMS and _manifest.json do not say the same", &|files| replace(files, SUMS, "ledger", "Ledger"));
    found("_public_key.pem is missing", &|files| files.retain(|(name, _)| name != PUBLIC_KEY));
    found("_manifest.json.sig is no signature", &|files| files.retain(|(name, _)| name != MANIFEST_SIGNATURE));
    found("and _public_key.pem is another", &|files| {
        let other = Signer::generate().unwrap().public().to_pem().unwrap();
        files
            .iter_mut()
            .filter(|(name, _)| name == PUBLIC_KEY)
            .for_each(|(_, content)| *content = other.clone().into());
    });
}

#[test]
fn another_signer_than_expected_is_found_though_the_bundle_is_whole() {
    let bundle = packed(&Signer::generate().unwrap());
    let expected = Signer::generate().unwrap().public();
    let problems = open(&bundle).unwrap().problems(Some(&expected));
    assert!(problems.len() == 1 && problems[0].contains("not with the one expected"), "{problems:?}");
}

#[test]
fn bytes_after_the_zip_are_found() {
    let mut bundle = packed(&Signer::generate().unwrap());
    bundle.extend_from_slice(b"PK");
    let seen = open(&bundle).map(|bundle| bundle.problems(None));
    assert!(seen.is_err() || !seen.unwrap().is_empty());
    assert!(matches!(open(b"no zip"), Err(EvidenceError::NoBundle(_))));
}

#[test]
fn a_part_of_a_run_cannot_be_signed_as_a_whole_one() {
    let signer = Signer::generate().unwrap();
    assert!(!planned().whole && !Planned::of([]).whole);
    assert!(Planned::of([("a2.burst".to_owned(), Became::Executed)]).whole);
    let lies: [fn(&mut Planned); 3] =
        [|planned| planned.whole = true, |planned| planned.held.clear(), |planned| planned.executed.push("x".into())];
    for lie in lies {
        let mut planned = planned();
        lie(&mut planned);
        let bundle = pack(subject(), planned, artifacts(), &signer, false).unwrap();
        let problems = problems(&bundle);
        assert!(problems.contains("planned"), "{problems}");
    }
}

#[test]
fn the_worse_of_two_words_on_the_same_thing_counts() {
    let of = |items: [(&str, Became); 2]| Planned::of(items.map(|(name, became)| (name.to_owned(), became)));
    let both = of([("x", Became::Skipped), ("x", Became::Executed)]);
    assert_eq!((both.skipped.len(), both.executed.len()), (1, 0));
}

#[test]
fn an_artifact_cannot_lead_elsewhere_or_take_a_name_of_the_bundle() {
    let signer = Signer::generate().unwrap();
    for name in ["", "/etc/passwd", "../up", "a/../b", "a\\b", MANIFEST, SUMS, VERIFY, "a//b"] {
        let made = pack(subject(), planned(), [(name.to_owned(), Vec::new())], &signer, false);
        assert!(matches!(made, Err(EvidenceError::Name(_))), "{name}");
    }
    let twice = [("a".to_owned(), Vec::new()), ("a".to_owned(), Vec::new())];
    assert!(matches!(pack(subject(), planned(), twice, &signer, false), Err(EvidenceError::Name(_))));
}

#[test]
fn a_key_that_is_thrown_away_is_said_to_prove_no_origin() {
    let bundle = pack(subject(), planned(), artifacts(), &Signer::generate().unwrap(), true).unwrap();
    let opened = open(&bundle).unwrap();
    let text = String::from_utf8(opened.file(VERIFY).unwrap().to_vec()).unwrap();
    assert!(opened.manifest().signed_by.ephemeral && text.contains("does NOT show who made it"), "{text}");
}

#[test]
fn the_commands_in_the_bundle_work_with_openssl_and_sha256sum_alone() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::generate().unwrap();
    let bundle = open(&packed(&signer)).unwrap();
    for path in bundle.paths() {
        let place = folder.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bundle.file(path).unwrap()).unwrap();
    }
    let text = String::from_utf8(bundle.file(VERIFY).unwrap().to_vec()).unwrap();
    let shell = |line: &str| {
        let shell = Command::new("sh").args(["-c", line]).current_dir(folder.path()).stdin(Stdio::null()).output();
        shell.unwrap()
    };
    if !shell("openssl version && sha256sum --version").status.success() {
        eprintln!("skipped: openssl or sha256sum is not installed, so nobody else checks the bundle");
        return;
    }
    let lines: Vec<&str> =
        text.lines().filter(|line| ["openssl ", "sha256sum "].iter().any(|w| line.starts_with(w))).collect();
    assert_eq!(lines.len(), 4, "{text}");
    for line in &lines {
        assert!(shell(line).status.success(), "{line}: {:?}", shell(line));
    }
    let id = String::from_utf8(shell(lines[3]).stdout).unwrap();
    assert!(id.contains(signer.public().id().trim_start_matches("sha256:")), "{id}");
    std::fs::write(folder.path().join("reports/summary.json"), "[]").unwrap();
    assert!(!shell(lines[2]).status.success());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_byte_of_any_file_can_change_unseen(at in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let signer = Signer::generate().unwrap();
        let expected: PublicKey = signer.public();
        let other = changed(&packed(&signer), |files| {
            let count = files.len();
            let (_, content) = &mut files[at.index(count)];
            let length = content.len();
            content[byte.index(length)] ^= flip;
        });
        let seen = open(&other).map(|bundle| bundle.problems(Some(&expected)));
        // A key's PEM may be written in other ways; that key is still the same.
        let same_key = seen.as_ref().is_ok_and(|problems| problems.is_empty())
            && PublicKey::from_pem(&String::from_utf8_lossy(open(&other).unwrap().file(PUBLIC_KEY).unwrap())).unwrap() == expected;
        prop_assert!(seen.is_err() || !seen.unwrap().is_empty() || same_key);
    }
}
