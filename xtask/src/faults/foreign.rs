//! Faults that others bring: a catalogue with what must notice each, or a plain file of rules for one app.

use std::path::Path;

use common::fault::{Rules, Stated};
use common::ids::AppId;
use common::suite::{Fault, FaultKind};

use super::Case;
use super::catalogue::By;
use super::trial::named;
use crate::commands;

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
    let wrong = |id: &str, why: &str| Err(format!("--catalog {shown}: {id}: {why}"));
    for Stated { id, run, caught_by, .. } in &stated {
        match (run, caught_by) {
            (Some(_), None) => return wrong(id, "`run` needs `caught_by`, the claim that must fail"),
            (Some(command), Some(_)) => {
                commands::selected(command).map_err(|why| format!("--catalog {shown}: {id}: run: {why}"))?;
            }
            (None, _) => {}
        }
    }
    let cases: Vec<Case> = stated.into_iter().map(case).collect();
    let unknown = cases.iter().find(|case| case.by == By::Check && named(&case.fault.caught_by).is_none());
    match unknown {
        Some(Case { fault, .. }) => {
            let why = "name the run whose claim it is with `run: suite a6`, or mend the name";
            wrong(&fault.id, &format!("there is no check {:?}: {why}", fault.caught_by))
        }
        None => Ok(cases),
    }
}

/// A rule as a fault of its own.
fn alone(rule: common::fault::Rule, at: AppId) -> Stated {
    let id = rule.id.clone();
    let breaks = format!("does what the rule {id} says");
    Stated { id, breaks, at, from: None, caught_by: None, run: None, blames: None, rules: vec![rule] }
}

fn case(stated: Stated) -> Case {
    let Stated { id, breaks, at, from, caught_by, run, blames, rules } = stated;
    let by = match run {
        Some(command) => By::Run { command: command.into() },
        None if caught_by.is_some() => By::Check,
        None => By::AnyCheck,
    };
    let caught_by = caught_by.unwrap_or_else(|| format!("any check or claim of {at}"));
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

    #[test]
    fn a_claim_is_named_with_the_run_that_makes_it() {
        let of = |lines: &str| {
            let text = "faults:\n  - id: x\n    breaks: y\n    at: A6\n".to_owned() + lines;
            read_text(&(text + "    rules:\n      - id: z\n        do: [{ delay: { ms: 400 } }]\n"), None)
        };
        let claim = "    caught_by: a6.p95.a6_register.POST /register\n";
        let run = "    run: suite a6 --scenario a6_register\n";
        assert!(
            matches!(&of(&format!("{claim}{run}")).unwrap()[0].by, By::Run { command } if command.starts_with("suite a6"))
        );
        assert!(of(run).unwrap_err().contains("`run` needs `caught_by`"));
        assert!(of(&format!("{claim}    run: dance\n")).unwrap_err().contains("x: run:"));
        assert!(of(claim).unwrap_err().contains("name the run whose claim it is"));
    }
}
