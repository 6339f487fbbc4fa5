//! The generated parts of the runbooks: the hops of each funnel, and what is known to break on the way.

use std::fmt::Write as _;
use std::path::Path;

use common::ids::AppId;
use common::scenario::{Expect, Scenario, Step};

use super::{ExportError, Exported};
use crate::report::{cell, code};
use crate::suites;

/// Where the runbooks are committed.
pub(crate) const FOLDER: &str = "docs/runbooks";
/// What stands above this line is kept by hand.
const MARK: &str =
    "<!-- Below this line: written by `cargo xtask export runbooks` from the scenario and the suites. -->";

/// A runbook: its file, the scenario it is about, the apps on the way.
struct Runbook {
    name: &'static str,
    app: AppId,
    scenario: &'static str,
    apps: &'static [AppId],
}

const RUNBOOKS: [Runbook; 2] = [
    Runbook {
        name: "b2c_recovery.md",
        app: AppId::A5,
        scenario: "a5_student_funnel",
        apps: &[AppId::A7, AppId::A1, AppId::A5, AppId::A3, AppId::A2, AppId::A8],
    },
    Runbook {
        name: "b2b_recovery.md",
        app: AppId::A6,
        scenario: "a6_provider_funnel",
        apps: &[AppId::A7, AppId::A6, AppId::A2, AppId::A8],
    },
];

/// The runbooks as they should be: what a person wrote, as it is in `folder`, and what the program knows.
pub(crate) fn rendered(folder: &Path) -> Result<Vec<Exported>, ExportError> {
    RUNBOOKS.iter().map(|runbook| runbook.rendered(folder)).collect()
}

impl Runbook {
    fn rendered(&self, folder: &Path) -> Result<Exported, ExportError> {
        let path = folder.join(self.name);
        let text = std::fs::read_to_string(&path).map_err(|source| ExportError::File { path, source })?;
        let by_hand = text.split(MARK).next().unwrap_or_default().trim_end();
        let suite = suites::suite(self.app);
        let missing = || ExportError::NoSuchScenario { script: self.name.into(), scenario: self.scenario.into() };
        let scenario = suite.scenario(self.scenario).ok_or_else(missing)?;
        let text = format!("{by_hand}\n\n{MARK}\n\n{}{}", hops(scenario), faults(self.apps));
        Ok(Exported { name: self.name.to_owned(), text })
    }
}

fn hops(scenario: &Scenario) -> String {
    let mut out = format!(
        "## Every request of the funnel\n\nWorkload `{}`. The run's results name a request by its step.\n\n\
         | | step | app | owner | request | must have |\n|---:|---|---|---|---|---|\n",
        scenario.id
    );
    for (at, step) in scenario.steps.iter().enumerate() {
        let app = step.app.unwrap_or(scenario.app);
        let request = format!("{} {}", step.request.method, step.request.path.split('?').next().unwrap_or_default());
        let owner = suites::suite(app).contract.owner;
        let name = step.name.replace('_', " ");
        let _ = writeln!(
            out,
            "| {} | {} | {app} | {} | {} | {} |",
            at + 1,
            cell(&name),
            cell(&owner),
            code(&request),
            expected(step)
        );
    }
    out.push('\n');
    out
}

/// What an answer must have, but for the headers of the shared protocol, which every answer has.
fn expected(step: &Step) -> String {
    let shared = |name: &str| name.starts_with("x-");
    let parts = step.expect.iter().filter_map(|expect| match expect {
        Expect::Status(statuses) => Some(statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")),
        Expect::Header { name, .. } if shared(name) => None,
        Expect::Header { name, matches } => Some(code(&format!("{name}: {matches}"))),
        Expect::JsonEquals { pointer, value } => Some(code(&format!("{pointer} = {value}"))),
        Expect::JsonMatches { pointer, pattern } => Some(code(&format!("{pointer} like {pattern}"))),
        Expect::JsonExists { pointer } => Some(code(pointer)),
        Expect::BodyContains(text) => Some(code(text)),
        Expect::BodyBytesMin(_) => None,
        Expect::Cookie { name, attributes } => Some(code(&format!("{name}; {}", attributes.join("; ")))),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn faults(apps: &[AppId]) -> String {
    let mut out = String::from(
        "## What is known to break\n\nEach of these was broken on purpose, and the check named here saw it.\n\n\
         | symptom | app | seen by | asked again by |\n|---|---|---|---|\n",
    );
    for fault in apps.iter().flat_map(|app| suites::suite(*app).faults) {
        let (app, check) = (fault.blames, &fault.caught_by);
        // What is no check of a suite is a claim of the phase that makes parties fail.
        let command = match suites::suite(app).check(check) {
            Some(_) => format!("cargo xtask suite {} --check {check}", app.lower()),
            None => "cargo xtask ecosystem".to_owned(),
        };
        let _ = writeln!(out, "| {} | {app} | {} | {} |", cell(&fault.breaks), code(check), code(&command));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::drift;

    #[test]
    fn the_runbooks_name_the_requests_and_faults_that_there_are() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
        let stale = drift(&folder, &rendered(&folder).unwrap()).unwrap();
        assert!(stale.is_empty(), "{stale:?}: run `cargo xtask export runbooks` and commit what it writes");
    }

    #[test]
    fn every_check_and_workload_that_a_runbook_names_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER);
        for runbook in rendered(&folder).unwrap() {
            let words: Vec<&str> = runbook.text.split([' ', '`', '\n', ',']).collect();
            for pair in words.windows(2) {
                let known = |id: &str| {
                    let Some(Ok(app)) = id.split(['.', '_']).next().map(str::parse) else { return false };
                    let suite = suites::suite(app);
                    suite.check(id).is_some() || suite.scenario(id).is_some()
                };
                let names = matches!(pair[0], "--check" | "--scenario");
                assert!(!names || known(pair[1]), "{} names {}, which is not there", runbook.name, pair[1]);
            }
        }
    }

    #[test]
    fn what_a_person_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        for runbook in &RUNBOOKS {
            std::fs::write(folder.path().join(runbook.name), "# By hand\n").unwrap();
        }
        let first = rendered(folder.path()).unwrap();
        assert!(first.iter().all(|file| file.text.starts_with("# By hand\n\n<!--")));
        crate::export::write(folder.path(), &first).unwrap();
        assert_eq!(rendered(folder.path()).unwrap(), first);
    }
}
