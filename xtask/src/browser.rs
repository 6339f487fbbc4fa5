//! The browser tests: finds a browser, starts Playwright, collects what it found.
//!
//! What is missing on the machine skips the tests by name, with the command that would enable them. They never count as
//! passed then.

mod archive;
mod find;
pub(crate) mod packages;
mod results;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::ids::AppId;
use common::settings::{Secret, SettingError, Settings};
use tokio::process::Command;
use url::Url;

pub(crate) use find::answers;
pub(crate) use results::{Case, CaseOutcome, Report};

/// Where the specs lie, from the workspace's root.
pub(crate) const FOLDER: &str = "tests/perf/playwright";

/// The running apps, as the specs need them.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) bases: BTreeMap<AppId, Url>,
    pub(crate) telemetry_key: Secret,
    pub(crate) admin_key: Secret,
}

impl Target {
    /// The variables that tell a program outside of cargo where the apps are, and their keys.
    pub(crate) fn variables(&self) -> Vec<(String, OsString)> {
        let bases = self.bases.iter();
        let mut variables: Vec<_> =
            bases.map(|(app, url)| (format!("HANDSHAKE_{app}_URL"), OsString::from(url.as_str()))).collect();
        variables.push(("HANDSHAKE_TELEMETRY_KEY".into(), self.telemetry_key.expose().into()));
        variables.push(("HANDSHAKE_ADMIN_KEY".into(), self.admin_key.expose().into()));
        variables
    }
}

/// What the machine has.
#[derive(Debug)]
pub(crate) enum Readiness {
    /// The tests can run.
    Ready(Browser),
    /// They cannot.
    Missing {
        /// What is not there.
        reason: String,
        /// The command that would enable them.
        enable: String,
    },
}

/// How specs run within a run: without a word on the terminal, with what they keep of failures in a folder of the run.
#[derive(Debug)]
pub(crate) struct Quiet {
    pub(crate) keep: PathBuf,
    /// Only the tests with this tag; all if there is none.
    pub(crate) tag: Option<&'static str>,
}

/// A browser to run the specs in, and their folder.
#[derive(Debug)]
pub(crate) struct Browser {
    folder: PathBuf,
    /// `None` for the one that Playwright brought along.
    executable: Option<PathBuf>,
}

/// Why the browser tests say nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("HANDSHAKE_CHROMIUM names {}, which is not there: correct or unset it", .0.display())]
    NoSuchBrowser(PathBuf),
    #[error("cannot read or write {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{program} could not be started: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("`npm ci` failed in {}: {detail}", folder.display())]
    Packages { folder: PathBuf, detail: String },
    #[error("Playwright's results cannot be read: {0}")]
    Results(String),
}

/// The root of the workspace: the specs lie below it.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Finds node, installs the packages of the lock file if they are missing or stale, and finds a browser. As root on Debian
/// a missing browser is installed.
pub(crate) async fn prepare(root: &Path, settings: &Settings) -> Result<Readiness, BrowserError> {
    let folder = root.join(FOLDER);
    let missing = |reason: &str, enable: &str| Readiness::Missing { reason: reason.into(), enable: enable.into() };
    for program in ["node", "npm"] {
        if !find::answers(program).await {
            return Ok(missing(&format!("{program} is not installed"), "apt-get install nodejs npm"));
        }
    }
    packages::install(&folder).await?;
    let chosen = settings.text("HANDSHAKE_CHROMIUM")?.map(PathBuf::from);
    let own = find::playwrights_own(&folder).await;
    let mut found = find::choose(chosen, own, &|path| path.is_file())?;
    if found.is_none() && find::may_install() {
        find::install_chromium().await?;
        found = find::choose(None, None, &|path| path.is_file())?;
    }
    Ok(match found {
        Some(find::Found::Own) => Readiness::Ready(Browser { folder, executable: None }),
        Some(find::Found::At(path)) => Readiness::Ready(Browser { folder, executable: Some(path) }),
        None => missing(
            "no browser: neither HANDSHAKE_CHROMIUM, nor Playwright's own, nor chromium or google-chrome",
            "apt-get install chromium, or set HANDSHAKE_CHROMIUM to a Chromium",
        ),
    })
}

/// The tests that would run, each skipped for this reason. Titles are read from the specs.
pub(crate) fn skipped(root: &Path, reason: &str, enable: &str) -> Result<Report, BrowserError> {
    let folder = root.join(FOLDER);
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|source| BrowserError::File { path: path.to_owned(), source })
    };
    let entries = std::fs::read_dir(&folder).map_err(|source| BrowserError::File { path: folder.clone(), source })?;
    let mut specs: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| is_spec(path)).collect();
    specs.sort();
    let mut cases = Vec::new();
    for path in specs {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let reason = format!("{reason}; to enable: {enable}");
        cases.extend(results::titles(&read(&path)?).into_iter().map(|title| Case::skipped(&file, &title, &reason)));
    }
    Ok(Report { cases })
}

fn is_spec(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".spec.ts")
}

impl Browser {
    /// Runs the specs (all, or those whose file name contains one of `only`) and returns what each test found. They tell
    /// their progress on the terminal, unless they run quietly.
    pub(crate) async fn run(
        &self,
        target: &Target,
        only: &[&str],
        quiet: Option<&Quiet>,
    ) -> Result<Report, BrowserError> {
        let written = self.folder.join("test-results").join("results.json");
        // A report of an earlier run must not speak for this one.
        match std::fs::remove_file(&written) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(BrowserError::File { path: written, source });
            }
            _ => {}
        }
        let mut command = Command::new("node");
        let reporter = if quiet.is_some() { "--reporter=json" } else { "--reporter=list,json" };
        command.args(["node_modules/@playwright/test/cli.js", "test", reporter]).args(only);
        if let Some(quiet) = quiet {
            command.arg("--output").arg(&quiet.keep).stdout(Stdio::null()).stderr(Stdio::null());
            command.args(quiet.tag.map(|tag| format!("--grep={tag}")));
        }
        command.current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        command.envs(self.variables(target)).env("PLAYWRIGHT_JSON_OUTPUT_NAME", &written);
        let status = command.status().await;
        let status = status.map_err(|source| BrowserError::Start { program: "node".into(), source })?;
        let text = std::fs::read_to_string(&written)
            .map_err(|error| BrowserError::Results(format!("{error}; Playwright ended with {status}")))?;
        let report = results::parse(&text)?;
        for path in report.cases.iter().flat_map(|case| &case.evidence).map(Path::new).filter(|path| archive::is(path))
        {
            archive::scrub(path).map_err(|source| BrowserError::File { path: path.to_owned(), source })?;
        }
        if report.cases.is_empty() {
            return Err(BrowserError::Results("no test ran: is the name of the spec right?".into()));
        }
        if !status.success() && report.failed().next().is_none() {
            return Err(BrowserError::Results(format!("Playwright ended with {status}, but no test failed")));
        }
        Ok(report)
    }

    /// What the specs read: where the apps are, the keys, the browser.
    fn variables(&self, target: &Target) -> Vec<(String, OsString)> {
        let mut variables = target.variables();
        // An empty variable counts as not set, for the specs as for us.
        let executable = self.executable.as_deref().unwrap_or(Path::new(""));
        variables.push(("HANDSHAKE_CHROMIUM".into(), executable.into()));
        variables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specs_learn_where_the_apps_are() {
        let browser = Browser { folder: PathBuf::new(), executable: Some("/usr/bin/chromium".into()) };
        let target = Target {
            bases: BTreeMap::from([(AppId::A8, "http://127.0.0.1:7108/".parse().unwrap())]),
            telemetry_key: Secret::new("t"),
            admin_key: Secret::new("a"),
        };
        let variables: BTreeMap<_, _> = browser.variables(&target).into_iter().collect();
        assert_eq!(variables["HANDSHAKE_A8_URL"], "http://127.0.0.1:7108/");
        assert_eq!(variables["HANDSHAKE_TELEMETRY_KEY"], "t");
        assert_eq!(variables["HANDSHAKE_CHROMIUM"], "/usr/bin/chromium");
    }

    #[test]
    fn without_a_browser_every_test_of_the_specs_is_named_and_skipped() {
        let report = skipped(&root(), "no browser", "apt-get install chromium").unwrap();
        let dashboard: Vec<_> = report.cases.iter().filter(|case| case.file == "a8_dashboard.spec.ts").collect();
        assert!(dashboard.iter().any(|case| case.title == "an event appears in the live feed without a reload"));
        assert_eq!(report.passed().count() + report.failed().count(), 0);
        assert_eq!(report.skipped().count(), report.cases.len());
    }

    #[test]
    fn titles_of_specs_are_plain_so_that_they_can_be_named_without_running_them() {
        let report = skipped(&root(), "", "").unwrap();
        let computed: Vec<_> = report.cases.iter().filter(|case| case.title.contains("${")).collect();
        assert!(computed.is_empty(), "{computed:?}");
    }
}
