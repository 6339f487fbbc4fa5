//! `cargo xtask test`: every test of the workspace, then those in the browser, then the exported scripts in k6, then the
//! apps in the hands of other people's client libraries.

use std::io::Write;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use common::settings::Settings;
use tokio::process::Command;

use crate::browser::{self, BrowserError, CaseOutcome, Readiness, Report, Target};
use crate::cli::TestPart;
use crate::clients;
use crate::k6_trial;

/// What the process ends with when a test outside of cargo failed: that of a failed check.
const OUTSIDE_FAILED: u8 = 100;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestPlan {
    /// Leaves the browser tests out.
    pub(crate) no_browser: bool,
    /// Only these parts; all if none is named.
    pub(crate) only: Vec<TestPart>,
    /// Passed on to the test runner; doc tests are left out then.
    pub(crate) rest: Vec<String>,
}

/// On which hosts the apps are told to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// All on 127.0.0.1, for programs.
    Shared,
    /// Those that people use on a name of their own, for browsers, which find it without asking anybody.
    Apart,
}

/// Why tests could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    #[error("`cargo {args}` could not be started: {source}")]
    Cargo { args: String, source: std::io::Error },
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error("the apps for the tests did not start: {0}")]
    Apps(String),
    #[error("{0}")]
    K6(String),
    #[error("the client libraries cannot be tried: {0}")]
    Clients(String),
}

impl TestPlan {
    fn wants(&self, part: TestPart) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Runs everything and returns the exit code: that of the first runner that failed, or 100 for what is not cargo's.
///
/// `start` brings the apps up and returns where they are with whatever keeps them alive; `stop` ends them. They are started
/// only if there is a browser, or a library to try.
pub(crate) async fn run<E>(
    root: &Path,
    plan: &TestPlan,
    settings: &Settings,
    start: impl AsyncFn(Hosts) -> Result<(Target, E), String>,
    stop: impl AsyncFn(E),
) -> Result<u8, TestError> {
    let mut code = 0;
    if plan.wants(TestPart::Rust) {
        for args in runners(plan, has_nextest(root).await) {
            code = first_failure(code, exit_code(cargo(root, &args).await?));
        }
    }
    if plan.wants(TestPart::Browser) {
        if plan.no_browser {
            say("browser tests were left out: --no-browser");
        } else {
            code = first_failure(code, told("browser", &in_browser(root, settings, &start, &stop).await?));
        }
    }
    if plan.wants(TestPart::K6) {
        code = first_failure(code, told("k6", &in_k6(root, settings).await?));
    }
    if plan.wants(TestPart::Clients) {
        code = first_failure(code, told("clients", &by_clients(root, &start, &stop).await?));
    }
    Ok(code)
}

async fn in_browser<E>(
    root: &Path,
    settings: &Settings,
    start: &impl AsyncFn(Hosts) -> Result<(Target, E), String>,
    stop: &impl AsyncFn(E),
) -> Result<Report, TestError> {
    match browser::prepare(root, settings).await? {
        Readiness::Missing { reason, enable } => Ok(browser::skipped(root, &reason, &enable)?),
        Readiness::Ready(browser) => {
            let (target, apps) = start(Hosts::Apart).await.map_err(TestError::Apps)?;
            let report = browser.run(&target, &[], None).await;
            stop(apps).await;
            Ok(report?)
        }
    }
}

async fn in_k6(root: &Path, settings: &Settings) -> Result<Report, TestError> {
    Ok(match k6_trial::prepare(root, settings).map_err(TestError::K6)? {
        k6_trial::Readiness::Missing { reason, enable } => k6_trial::skipped(&reason, &enable),
        k6_trial::Readiness::Ready(program) => k6_trial::run(root, &program).await,
    })
}

async fn by_clients<E>(
    root: &Path,
    start: &impl AsyncFn(Hosts) -> Result<(Target, E), String>,
    stop: &impl AsyncFn(E),
) -> Result<Report, TestError> {
    let clients = clients::prepare(root).await.map_err(TestError::Clients)?;
    if let Some(skipped) = clients.all_skipped() {
        return Ok(skipped);
    }
    let (target, apps) = start(Hosts::Shared).await.map_err(TestError::Apps)?;
    let report = clients.run(&target).await;
    stop(apps).await;
    for case in report.passed() {
        say(&format!("passed   {}", case.name()));
    }
    Ok(report)
}

/// Says what came of the tests outside of cargo, and gives the exit code for it.
fn told(part: &str, report: &Report) -> u8 {
    for line in summary(part, report) {
        say(&line);
    }
    if report.failed().next().is_some() { OUTSIDE_FAILED } else { 0 }
}

/// The arguments of each `cargo` to run. Doc tests go first: most crates have none, and the last word is the tests'.
fn runners(plan: &TestPlan, nextest: bool) -> Vec<Vec<String>> {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let mut list = Vec::new();
    if plan.rest.is_empty() {
        list.push(words("test --doc --workspace --quiet"));
    }
    let tests = match (nextest, plan.rest.is_empty()) {
        (true, _) => "nextest run --workspace",
        // The doc tests have been run.
        (false, true) => "test --workspace --all-targets --no-fail-fast",
        (false, false) => "test --workspace",
    };
    list.push([words(tests), plan.rest.clone()].concat());
    list
}

async fn has_nextest(root: &Path) -> bool {
    let mut command = Command::new("cargo");
    command.args(["nextest", "--version"]).current_dir(root).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn cargo(root: &Path, args: &[String]) -> Result<ExitStatus, TestError> {
    let status = Command::new("cargo").args(args).current_dir(root).stdin(Stdio::null()).kill_on_drop(true).status();
    status.await.map_err(|source| TestError::Cargo { args: args.join(" "), source })
}

/// The runner's own code; 101, as cargo's, where a signal ended it.
fn exit_code(status: ExitStatus) -> u8 {
    status.code().map_or(101, |code| u8::try_from(code).unwrap_or(101))
}

fn first_failure(so_far: u8, next: u8) -> u8 {
    if so_far == 0 { next } else { so_far }
}

/// What failed and what was skipped, by name, then the counts on one line.
fn summary(part: &str, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for case in &report.cases {
        match &case.outcome {
            CaseOutcome::Passed => {}
            CaseOutcome::Failed(why) => lines.push(format!("failed   {}: {}", case.name(), first_line(why))),
            CaseOutcome::Skipped(why) => lines.push(format!("skipped  {}: {}", case.name(), first_line(why))),
        }
    }
    let (passed, failed, skipped) = (report.passed().count(), report.failed().count(), report.skipped().count());
    lines.push(format!("{part}: {passed} passed, {failed} failed, {skipped} skipped"));
    lines
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given")
}

fn say(line: &str) {
    // Whoever closed the pipe does not want to read it.
    let _ = writeln!(anstream::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::Case;

    fn joined(plan: &TestPlan, nextest: bool) -> Vec<String> {
        runners(plan, nextest).iter().map(|args| args.join(" ")).collect()
    }

    #[test]
    fn doc_tests_run_beside_the_runner_that_is_installed() {
        let plan = TestPlan::default();
        assert_eq!(joined(&plan, true), ["test --doc --workspace --quiet", "nextest run --workspace"]);
        assert_eq!(
            joined(&plan, false),
            ["test --doc --workspace --quiet", "test --workspace --all-targets --no-fail-fast"]
        );
    }

    #[test]
    fn what_is_passed_on_narrows_the_tests() {
        let plan = TestPlan { rest: vec!["money".into()], ..TestPlan::default() };
        assert_eq!(joined(&plan, true), ["nextest run --workspace money"]);
        assert_eq!(joined(&plan, false), ["test --workspace money"]);
    }

    #[test]
    fn a_part_that_is_not_named_is_left_out() {
        let plan = TestPlan { only: vec![TestPart::K6], ..TestPlan::default() };
        assert!(plan.wants(TestPart::K6) && !plan.wants(TestPart::Rust) && !plan.wants(TestPart::Browser));
        assert!(TestPlan::default().wants(TestPart::Browser));
    }

    #[test]
    fn the_first_failure_is_the_exit_code() {
        assert_eq!(first_failure(first_failure(0, 101), 100), 101);
        assert_eq!(first_failure(0, OUTSIDE_FAILED), 100);
    }

    #[test]
    fn failed_and_skipped_tests_are_named_before_the_counts() {
        let case = |title: &str, outcome| Case { took_ms: 1, ..Case::of("a.spec.ts", title, outcome) };
        let report = Report {
            cases: vec![
                case("one", CaseOutcome::Passed),
                case("two", CaseOutcome::Failed("no title\nat line 3".into())),
                case("three", CaseOutcome::Skipped("no browser".into())),
            ],
        };
        assert_eq!(
            summary("browser", &report),
            [
                "failed   a.spec.ts: two: no title",
                "skipped  a.spec.ts: three: no browser",
                "browser: 1 passed, 1 failed, 1 skipped",
            ]
        );
    }
}
