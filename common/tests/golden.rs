//! Replays the golden vectors of the statistics, each at its file's own tolerance, and lists every difference at once.

use std::fmt::Write as _;
use std::path::Path;

use common::slo::golden::{KINDS, replay};

#[test]
fn every_golden_case_is_reproduced_at_its_files_tolerance() {
    let (mut problems, mut replayed) = (String::new(), 0);
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        match replay(&std::fs::read_to_string(&path).unwrap(), KINDS) {
            Ok(found) => found.differences.iter().for_each(|found| writeln!(problems, "{file} {found}").unwrap()),
            Err(error) => writeln!(problems, "{file}: {error}").unwrap(),
        }
        replayed += 1;
    }
    assert!(problems.is_empty(), "\n{problems}");
    assert_eq!(replayed, KINDS.len(), "every kind has its file");
}
