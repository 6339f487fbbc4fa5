//! The apps in the hands of client libraries that we did not write: each script in `tests/perf/clients` is one library, and
//! says a line a case.
//!
//! What is missing on the machine skips a script by name, with the command that would enable it. It never counts as passed
//! then.

mod outcome;
mod tools;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use common::ids::AppId;
use common::service::Defect;
use tokio::process::Command;

use crate::browser::{Case, CaseOutcome, Report, Target};
use crate::embedded::{Embedded, EmbeddedPlan};

use outcome::Said;
use tools::{Missing, Tools};

/// Where the scripts lie, from the workspace's root.
pub(crate) const FOLDER: &str = "tests/perf/clients";
/// How long a script may take.
const WITHIN: Duration = Duration::from_secs(180);
/// A defect of A1, and the case over which each of these scripts, and over no other, must fail.
const NOTICED: (Defect, &str) = (Defect::A1CodeReusable, "a code is not redeemed twice (invalid_grant)");
/// The scripts that sign in at A1.
const OIDC: [&str; 2] = ["openid_client.mjs", "authlib_client.py"];

/// The scripts, and what the machine has to run them with.
pub(crate) struct Clients {
    root: PathBuf,
    scripts: Vec<Script>,
    tools: Tools,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Script {
    /// Its file, `openid_client.mjs`.
    name: String,
    /// What its first line says that it does.
    does: String,
    language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Node,
    Python,
}

/// Finds the scripts, and installs what they need where it is missing or stale; `root` is the workspace.
///
/// # Errors
/// When a file cannot be read or written, or there is no script.
pub(crate) async fn prepare(root: &Path) -> Result<Clients, String> {
    let scripts = scripts(&root.join(FOLDER))?;
    let tools = Tools::prepare(root).await?;
    Ok(Clients { root: root.to_owned(), scripts, tools })
}

fn scripts(folder: &Path) -> Result<Vec<Script>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let language = match path.extension().and_then(|ending| ending.to_str()) {
            Some("mjs") => Language::Node,
            Some("py") => Language::Python,
            _ => continue,
        };
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let first = text.lines().next().unwrap_or_default();
        let does = first.trim_matches(|c: char| c.is_whitespace() || "/#\".".contains(c)).to_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        found.push(Script { name, does, language });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    if found.is_empty() { Err(format!("{} has no scripts", folder.display())) } else { Ok(found) }
}

impl Clients {
    /// What each script would do, skipped, if none of them can run.
    pub(crate) fn all_skipped(&self) -> Option<Report> {
        let cases = self.scripts.iter().map(|script| self.program(script).err().map(|missing| script.skipped(missing)));
        cases.collect::<Option<Vec<_>>>().map(|cases| Report { cases })
    }

    /// Runs every script against the apps, then those of A1 against one with a defect.
    pub(crate) async fn run(&self, target: &Target) -> Report {
        let mut cases = Vec::new();
        for script in &self.scripts {
            match self.program(script) {
                Ok(program) => cases.extend(self.say(script, program, target).await.cases(&script.name)),
                Err(missing) => cases.push(script.skipped(missing)),
            }
        }
        cases.extend(self.notice().await);
        Report { cases }
    }

    /// The scripts of A1 against one that redeems codes twice: they are able to fail, and over nothing else.
    async fn notice(&self) -> Vec<Case> {
        let scripts = self.scripts.iter().filter(|script| OIDC.contains(&script.name.as_str()));
        let ready: Vec<_> = scripts.filter_map(|script| Some((script, self.program(script).ok()?))).collect();
        if ready.is_empty() {
            return Vec::new();
        }
        let (defect, wanted) = NOTICED;
        let data = self.root.join("target/handshake/clients-broken");
        let (apps, defects) = (vec![AppId::A1, AppId::A8], vec![(AppId::A1, defect)]);
        let plan = EmbeddedPlan {
            apps,
            base_port: 0,
            data,
            defects,
            proxies: Vec::new(),
            options: Vec::new(),
            hosts_apart: false,
        };
        let embedded = match Embedded::start(&plan).await {
            Ok(embedded) => embedded,
            Err(error) => return vec![verdict(FOLDER, Err(format!("A1 did not start: {error}")))],
        };
        let (telemetry_key, admin_key) = (embedded.telemetry_key.clone(), embedded.admin_key.clone());
        let target = Target { bases: embedded.bases.clone(), telemetry_key, admin_key };
        let mut cases = Vec::new();
        for (script, program) in ready {
            let said = self.say(script, program, &target).await.cases(&script.name);
            cases.push(verdict(&script.name, outcome::failed_alone(&said, wanted)));
        }
        embedded.stop().await;
        cases
    }

    fn program(&self, script: &Script) -> Result<&Path, &Missing> {
        let tool = match script.language {
            Language::Node => &self.tools.node,
            Language::Python => &self.tools.python,
        };
        tool.as_deref()
    }

    async fn say(&self, script: &Script, program: &Path, target: &Target) -> Said {
        let mut command = Command::new(program);
        command.arg(&script.name).current_dir(self.root.join(FOLDER)).stdin(Stdio::null()).kill_on_drop(true);
        // The apps are on this machine, whatever proxy it is behind.
        command.envs(target.variables()).env("NO_PROXY", "127.0.0.1,localhost").env("PYTHONDONTWRITEBYTECODE", "1");
        match tokio::time::timeout(WITHIN, command.output()).await {
            Ok(Ok(output)) => Said::of(&output),
            Ok(Err(error)) => Said::nothing(format!("{} cannot be started: {error}", program.display())),
            Err(_) => Said::nothing(format!("it did not end within {} s", WITHIN.as_secs())),
        }
    }
}

impl Script {
    fn skipped(&self, missing: &Missing) -> Case {
        Case::skipped(&self.name, &self.does, &format!("{}; to enable: {}", missing.reason, missing.enable))
    }
}

fn verdict(file: &str, noticed: Result<(), String>) -> Case {
    let outcome = noticed.map_or_else(CaseOutcome::Failed, |()| CaseOutcome::Passed);
    let title = "an A1 that redeems codes twice is noticed, and by nothing else".to_owned();
    Case::of(file, &title, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> Vec<Script> {
        scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FOLDER)).unwrap()
    }

    #[test]
    fn every_script_says_in_its_first_line_what_it_does() {
        let scripts = committed();
        for name in OIDC {
            assert!(scripts.iter().any(|script| script.name == name), "{name}");
        }
        let silent: Vec<_> = scripts.iter().filter(|script| script.does.split(' ').count() < 4).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn without_tools_every_script_is_named_and_skipped_with_what_would_enable_it() {
        let missing = |what: &str| Err(Missing { reason: format!("no {what}"), enable: format!("get {what}") });
        let tools = Tools { node: missing("node"), python: missing("python3") };
        let clients = Clients { root: PathBuf::new(), scripts: committed(), tools };
        let report = clients.all_skipped().unwrap();
        assert_eq!((report.skipped().count(), report.cases.len()), (clients.scripts.len(), clients.scripts.len()));
        let authlib = report.cases.iter().find(|case| case.file == "authlib_client.py").unwrap();
        assert_eq!(authlib.outcome, CaseOutcome::Skipped("no python3; to enable: get python3".to_owned()));
        assert_eq!(authlib.title, "PyPI's Authlib signs in at A1 as a relying party, and refuses what it must");
    }

    #[test]
    fn one_tool_is_enough_to_start_the_apps() {
        let python = Err(Missing { reason: "no python3".to_owned(), enable: "get it".to_owned() });
        let tools = Tools { node: Ok("node".into()), python };
        let clients = Clients { root: PathBuf::new(), scripts: committed(), tools };
        assert!(clients.all_skipped().is_none());
    }
}
