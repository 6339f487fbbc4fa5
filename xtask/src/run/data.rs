//! The records of feeders, from the file beside the environments.

use std::collections::BTreeSet;
use std::path::Path;

use common::scenario::{Feeder, Record, Scenario};
use serde_json::Value;

/// The records of the embedded ecosystem, for runs that were started elsewhere than in the workspace.
const EMBEDDED: &str = include_str!("../../../tests/perf/config/data.jsonl");

/// The records that a workload needs: from its file in `folder`, or the committed ones where that is not there and
/// `embedded` apps are asked.
///
/// # Errors
/// File, line and field that do not fit.
pub(crate) fn records(folder: &Path, embedded: bool, scenario: &Scenario) -> Result<Vec<Record>, String> {
    let Some(feeder) = &scenario.feeder else { return Ok(Vec::new()) };
    let path = folder.join(&feeder.source);
    match std::fs::read_to_string(&path) {
        Ok(text) => read(feeder, &text, &path),
        Err(error) if embedded && error.kind() == std::io::ErrorKind::NotFound => read(feeder, EMBEDDED, &path),
        Err(error) => Err(format!("{} feeds {}, and cannot be read: {error}", path.display(), scenario.id)),
    }
}

/// The fields of synthetic people in the file of feeders, each with its name: `password`. Without the file, those of the
/// committed one where `embedded` apps are asked.
pub(super) fn people(folder: &Path, embedded: bool) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(folder.join("data.jsonl")).unwrap_or_default();
    let committed = if embedded { EMBEDDED } else { "" };
    let lines = text.lines().chain(committed.lines()).filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let fields = lines.filter_map(|line| line.as_object().cloned()).flatten();
    let texts = fields.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

fn read(feeder: &Feeder, text: &str, path: &Path) -> Result<Vec<Record>, String> {
    feeder.read(text).map_err(|why| format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use common::ids::AppId;

    use super::*;
    use crate::suites;

    fn flow() -> Scenario {
        suites::suite(AppId::A1).scenario("a1_oidc_code_flow").expect("A1 has it").clone()
    }

    #[test]
    fn the_committed_records_have_what_the_workloads_need() {
        let nowhere = Path::new("/nowhere");
        for scenario in AppId::ALL.into_iter().flat_map(|app| suites::suite(app).scenarios) {
            let records = records(nowhere, true, &scenario).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(records.is_empty(), scenario.feeder.is_none(), "{}", scenario.id);
        }
    }

    #[test]
    fn people_have_a_name_an_address_and_a_password_once_each() {
        let fields: Vec<_> = people(Path::new("/nowhere"), true).into_iter().map(|(name, _)| name).collect();
        assert_eq!(fields, ["email", "password", "username"]);
        assert_eq!(people(Path::new("/nowhere"), false), []);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("data.jsonl"), "{\"password\":\"one\",\"n\":1}\nno line\n").unwrap();
        assert_eq!(people(folder.path(), false), [("password".to_owned(), "one".to_owned())]);
    }

    #[test]
    fn a_file_that_lacks_a_field_or_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = records(folder.path(), false, &flow()).unwrap_err();
        assert!(missing.contains("data.jsonl feeds a1_oidc_code_flow"), "{missing}");
        std::fs::write(folder.path().join("data.jsonl"), "{\"username\":\"a\",\"email\":\"b\"}").unwrap();
        let lacking = records(folder.path(), true, &flow()).unwrap_err();
        assert!(lacking.ends_with("data.jsonl, line 1: it has no field `password`"), "{lacking}");
    }
}
