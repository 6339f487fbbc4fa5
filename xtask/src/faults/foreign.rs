//! Faults that others bring: a catalogue with what must notice each, or a plain file of rules for one app.

use std::path::Path;

use common::fault::{Rules, Stated};
use common::ids::AppId;
use common::suite::{Fault, FaultKind};

use super::Case;
use super::catalogue::By;
use super::trial::named;

/// Reads the file: a catalogue (`faults:`), or rules (`rules:`) that each stand before `at` and are a fault of their own.
///
/// # Errors
/// Every mistake in it at once, by line; rules without `at`; a check that there is none of.
pub(super) fn read(file: &Path, at: Option<AppId>) -> Result<Vec<Case>, String> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| format!("--catalog {shown}: {error}"))?;
    let is_plain = text.lines().any(|line| line.trim_end() == "rules:");
    let stated = match (is_plain, at) {
        (true, None) => {
            return Err(format!(
                "--catalog {shown}: these are rules without a place: say before which app with --at a6"
            ));
        }
        (true, Some(at)) => {
            let rules = Rules::parse(&shown, &text).map_err(|errors| errors.to_string())?;
            rules.iter().map(|rule| alone(rule.clone(), at)).collect()
        }
        (false, _) => Stated::parse(&shown, &text).map_err(|errors| errors.to_string())?,
    };
    let cases: Vec<Case> = stated.into_iter().map(case).collect();
    let unknown = cases.iter().find(|case| case.by == By::Check && named(&case.fault.caught_by).is_none());
    match unknown {
        Some(case) => {
            Err(format!("--catalog {shown}: {}: there is no check {:?}", case.fault.id, case.fault.caught_by))
        }
        None => Ok(cases),
    }
}

/// A rule as a fault of its own.
fn alone(rule: common::fault::Rule, at: AppId) -> Stated {
    let id = rule.id.clone();
    let breaks = format!("does what the rule {id} says");
    Stated { id, breaks, at, from: None, caught_by: None, blames: None, rules: vec![rule] }
}

fn case(stated: Stated) -> Case {
    let Stated { id, breaks, at, from, caught_by, blames, rules } = stated;
    let by = if caught_by.is_some() { By::Check } else { By::AnyCheck };
    let caught_by = caught_by.unwrap_or_else(|| format!("any check of {at}"));
    let blames = blames.or(from).unwrap_or(at);
    Case { fault: Fault { id, breaks, kind: FaultKind::Wire { at, from, rules }, caught_by, blames }, by }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, at: Option<AppId>) -> Result<Vec<Case>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("foreign.yaml");
        std::fs::write(&file, text).unwrap();
        read(&file, at)
    }

    #[test]
    fn rules_as_the_proxy_takes_them_are_faults_of_the_app_that_is_named() {
        let example = include_str!("../../../tests/perf/config/faults.example.yaml");
        let cases = read_text(example, Some(AppId::A6)).unwrap();
        assert!(cases.len() > 10 && cases.iter().all(|case| case.by == By::AnyCheck && case.fault.blames == AppId::A6));
        assert!(read_text(example, None).unwrap_err().contains("--at a6"));
    }

    #[test]
    fn a_check_that_there_is_none_of_is_told() {
        let text = "faults:\n  - id: x\n    breaks: y\n    at: A6\n    caught_by: a6.sings\n    rules:\n      - id: z\n        do: \
                    [{ reset: {} }]\n";
        assert!(read_text(text, None).unwrap_err().contains("there is no check \"a6.sings\""));
    }
}
