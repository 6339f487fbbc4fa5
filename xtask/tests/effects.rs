//! The command in whole: real processes, really killed.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn effects(output: &Path, flags: &[&str]) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    let ended = command.arg("effects").args(["--app", "a2", "--fault", "kill"]).args(flags);
    let ended = ended.arg("--output").arg(output).output().expect("the binary starts");
    let result = std::fs::read(output.join("effects/effects.json")).expect("a result is written");
    (ended, serde_json::from_slice(&result).expect("the result is JSON"))
}

#[test]
fn an_app_that_is_killed_in_the_middle_of_its_work_keeps_its_word() {
    let output = tempfile::tempdir().unwrap();
    let (ended, result) = effects(output.path(), &["--seed", "1", "--ops", "60"]);
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{shown}");
    let checked = &result["cells"][0]["checked"];
    // Three are planned; on a busy machine the work may be done before the last.
    let crashes = checked["crashes"].as_u64().unwrap();
    assert!((1..=3).contains(&crashes), "{shown}");
    assert!(checked["acknowledged"].as_u64() > Some(40), "{shown}");
    let history = std::fs::read_to_string(output.path().join("effects/a2_kill_1.ndjson")).unwrap();
    let lines = |kind: &str| history.lines().filter(|line| line.starts_with(&format!("{{\"line\":\"{kind}\""))).count();
    assert_eq!((lines("intent"), lines("crash") as u64), (60, crashes));
    assert_eq!(lines("operation") as u64, checked["operations"].as_u64().unwrap());
}

#[test]
fn an_outbox_that_a_crash_forgets_is_found_and_the_command_to_see_it_again_is_named() {
    let output = tempfile::tempdir().unwrap();
    let defect = ["--seed", "1", "--ops", "60", "--defect", "a2:outbox_in_memory"];
    let (ended, result) = effects(output.path(), &defect);
    let shown = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(100), "{shown}");
    assert!(result["cells"][0]["by_kind"]["lost_event"].as_u64() > Some(0), "{shown}");
    assert!(shown.contains("NOT every effect happened once"), "{shown}");
    let again = "cargo xtask effects --app a2 --fault kill --seed 1 --ops 60 --defect a2:outbox_in_memory";
    assert!(shown.contains(again), "{shown}");
}
