//! The exported scripts in the real k6: does it read them, count what our engine counts, and cross its thresholds when
//! an app is wrong?

mod compare;
mod everything;
mod find;
mod outcome;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::clock;
use common::ids::AppId;
use common::scenario::Scenario;
use common::service::Defect;
use common::settings::Settings;
use tokio::process::Command;
use url::Url;

use crate::browser::{Case, CaseOutcome, Report};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::export::{Exported, k6};

use outcome::Outcome;

pub(crate) use find::{Readiness, installed, prepare};

/// 15 minutes become 4.5 seconds.
const SCALE: f64 = 0.005;
/// What k6 ends with when a script throws in `setup`.
const THREW: i32 = 107;
/// What k6 ends with when a threshold was crossed.
const CROSSED: i32 = 99;

/// The program, the scripts' folder, and where the trial writes.
struct Trial<'a> {
    program: &'a Path,
    scripts: PathBuf,
    work: PathBuf,
}

/// Puts the scripts through the k6 at `program`; `root` is the workspace.
pub(crate) async fn run(root: &Path, program: &Path) -> Report {
    let trial = Trial { program, scripts: root.join(k6::FOLDER), work: root.join("target/handshake/k6-trial") };
    let mut cases = Vec::new();
    match k6::scripts() {
        Ok(scripts) => {
            for script in scripts {
                cases.push(case(&script.name, "k6 reads it as it is meant", trial.reads(&script)).await);
            }
        }
        Err(error) => cases.push(broken("k6", "the scripts are rendered", &error.to_string())),
    }
    let nowhere = "nothing is sent to a host that is not allowed";
    cases.push(case("a6_register_billing.js", nowhere, trial.refuses_a_foreign_host()).await);
    let approval = "100 users are not begun without an approval";
    cases.push(case("a2_spike.js", approval, trial.refuses_the_spike()).await);
    let all = "expectations, extracts and placeholders mean the same in k6";
    cases.push(case("everything", all, trial.means_the_same()).await);
    for script in ["a2_baseline", "a6_register_billing"] {
        cases.push(case(&format!("{script}.js"), "k6 counts what the engine counts", trial.agrees(script)).await);
    }
    cases.push(case("a6_register_billing.js", "a wrong fee crosses the thresholds", trial.notices_a_wrong_fee()).await);
    Report { cases }
}

/// The trial as it would be, skipped for this reason.
pub(crate) fn skipped(reason: &str, enable: &str) -> Report {
    let reason = format!("{reason}; to enable: {enable}");
    let case = Case::of("k6", "the exported scripts in the real k6", CaseOutcome::Skipped(reason));
    Report { cases: vec![case] }
}

async fn case(file: &str, title: &str, trial: impl Future<Output = Result<(), String>>) -> Case {
    let began = clock::monotonic();
    let outcome = match trial.await {
        Ok(()) => CaseOutcome::Passed,
        Err(why) => CaseOutcome::Failed(why),
    };
    let took = clock::monotonic().saturating_duration_since(began);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Case { took_ms, ..Case::of(file, title, outcome) }
}

fn broken(file: &str, title: &str, why: &str) -> Case {
    Case::of(file, title, CaseOutcome::Failed(why.to_owned()))
}

impl Trial<'_> {
    /// k6 takes the script and plans as many users as the scenarios have.
    async fn reads(&self, script: &Exported) -> Result<(), String> {
        let path = self.scripts.join(&script.name);
        let output = self.command(&["inspect", "--execution-requirements"], &path, &BTreeMap::new()).await?;
        if !output.status.success() {
            return Err(said(&output.stderr));
        }
        let plan: serde_json::Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("what k6 inspects is no JSON: {error}"))?;
        let name = script.name.trim_end_matches(".js");
        let scenarios = k6::scenarios_of(name).ok_or("no such script")?.map_err(|error| error.to_string())?;
        let vus: u32 = scenarios.iter().map(|scenario| scenario.executor.max_vus()).sum();
        if plan["maxVUs"] == vus { Ok(()) } else { Err(format!("k6 plans {} users, not {vus}", plan["maxVUs"])) }
    }

    async fn refuses_a_foreign_host(&self) -> Result<(), String> {
        // An address that is nobody's (RFC 5737).
        let bases = BTreeMap::from([("A6_BASE_URL".to_owned(), "http://192.0.2.1".to_owned())]);
        self.refused("a6_register_billing", bases, "HANDSHAKE_ALLOW_HOST").await
    }

    async fn refuses_the_spike(&self) -> Result<(), String> {
        // Nothing listens there, should it be begun all the same.
        let bases = BTreeMap::from([("A2_BASE_URL".to_owned(), "http://127.0.0.1:9".to_owned())]);
        self.refused("a2_spike", bases, "HANDSHAKE_APPROVED_VUS").await
    }

    async fn refused(&self, script: &str, env: BTreeMap<String, String>, hint: &str) -> Result<(), String> {
        let (code, outcome, said) = self.load(script, env).await?;
        if code != THREW || !said.contains(hint) {
            return Err(format!("it ended with {code}, not {THREW}, and said: {said}"));
        }
        match outcome.count("http_reqs") {
            0 => Ok(()),
            sent => Err(format!("{sent} requests were sent")),
        }
    }

    /// Scripts of scenarios that no app has, against a server that answers as they expect, or not.
    async fn means_the_same(&self) -> Result<(), String> {
        let (port, server) = everything::server().await.map_err(|error| error.to_string())?;
        let result = self.means_the_same_at(port).await;
        server.abort();
        result
    }

    async fn means_the_same_at(&self, port: u16) -> Result<(), String> {
        let met = self.made_up(&everything::met(), port).await?;
        let all_met = met.rate("checks") == Some(1.0) && met.rate("http_req_failed") == Some(0.0);
        if !all_met || !met.crossed().is_empty() || met.count("iterations") != 3 {
            return Err(format!("what is met is missed in k6: {met:?}"));
        }
        let missed = self.made_up(&everything::missed(), port).await?;
        // The statuses of the two steps are right, the twelve expectations are not.
        if missed.rate("checks").is_none_or(|rate| (rate - 2.0 / 14.0).abs() > 1e-9) {
            return Err(format!("what is missed is met in k6: {missed:?}"));
        }
        let data = self.work.join("two.jsonl");
        std::fs::write(&data, everything::DATA).map_err(|error| format!("{}: {error}", data.display()))?;
        let fed = self.made_up(&everything::fed(), port).await?;
        let sent = fed.count("http_reqs{scenario:fed,name:echo}");
        if sent != 2 || fed.rate("checks") != Some(1.0) {
            return Err(format!("two records made {sent} requests: {fed:?}"));
        }
        Ok(())
    }

    async fn made_up(&self, scenario: &Scenario, port: u16) -> Result<Outcome, String> {
        let text = k6::script_of(scenario).map_err(|error| error.to_string())?;
        std::fs::create_dir_all(&self.work).map_err(|error| format!("{}: {error}", self.work.display()))?;
        let path = self.work.join(format!("{}.js", scenario.id));
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut env = everything::env(port);
        env.insert("HANDSHAKE_DATA".to_owned(), self.work.display().to_string());
        env.insert("K6_DURATION_SCALE".to_owned(), "1".to_owned());
        Ok(self.load_script(&path, &env).await?.1)
    }

    /// Both load healthy apps with the same scenarios for as long, one after the other.
    async fn agrees(&self, script: &str) -> Result<(), String> {
        let embedded = self.start(Vec::new()).await?;
        let result = self.agrees_on(script, &embedded).await;
        embedded.stop().await;
        result
    }

    async fn agrees_on(&self, script: &str, embedded: &Embedded) -> Result<(), String> {
        let scenarios = k6::scenarios_of(script).ok_or("no such script")?.map_err(|error| error.to_string())?;
        let ours = compare::engine(&scenarios, embedded, SCALE).await?;
        let (code, outcome, said) = self.load(script, bases(&embedded.bases)).await?;
        if code != 0 && code != CROSSED {
            return Err(format!("k6 ended with {code}: {said}"));
        }
        let problems = compare::differences(&scenarios, &ours, &outcome);
        if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
    }

    async fn notices_a_wrong_fee(&self) -> Result<(), String> {
        let embedded = self.start(vec![(AppId::A6, Defect::A6FeeTwoPointNine)]).await?;
        let result = self.load("a6_register_billing", bases(&embedded.bases)).await;
        embedded.stop().await;
        let (code, outcome, said) = result?;
        if code != CROSSED {
            return Err(format!("k6 ended with {code}, not {CROSSED}: {said}"));
        }
        for metric in ["checks{scenario:a6_billing}", "unexpected_answers{scenario:a6_billing}"] {
            if !outcome.crossed().iter().any(|crossed| crossed.starts_with(metric)) {
                return Err(format!("{metric} was not crossed, only {:?}", outcome.crossed()));
            }
        }
        Ok(())
    }

    async fn start(&self, defects: Vec<(AppId, Defect)>) -> Result<Embedded, String> {
        let apps = vec![AppId::A2, AppId::A6, AppId::A8];
        let data = self.work.join(if defects.is_empty() { "healthy" } else { "broken" });
        let plan = EmbeddedPlan {
            apps,
            base_port: 0,
            data,
            defects,
            proxies: Vec::new(),
            options: Vec::new(),
            hosts_apart: false,
        };
        Embedded::start(&plan).await.map_err(|error| format!("the apps did not start: {error}"))
    }

    /// Runs a committed script for a few seconds.
    async fn load(&self, script: &str, mut env: BTreeMap<String, String>) -> Result<(i32, Outcome, String), String> {
        env.insert("K6_DURATION_SCALE".to_owned(), SCALE.to_string());
        self.load_script(&self.scripts.join(format!("{script}.js")), &env).await
    }

    /// Runs a script: k6's exit code, what it exports, and what it said.
    async fn load_script(
        &self,
        script: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<(i32, Outcome, String), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.work.display());
        std::fs::create_dir_all(&self.work).map_err(failed)?;
        let name = script.file_stem().unwrap_or_default().to_string_lossy();
        let summary = self.work.join(format!("{name}.json"));
        if let Err(error) = std::fs::remove_file(&summary)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(failed(error));
        }
        let export = format!("--summary-export={}", summary.display());
        let args = ["run", "--quiet", "--no-color", "--no-usage-report", "--address=127.0.0.1:0", export.as_str()];
        let output = self.command(&args, script, env).await?;
        let code = output.status.code().unwrap_or(-1);
        Ok((code, Outcome::read(&summary)?, said(&output.stderr)))
    }

    async fn command(
        &self,
        args: &[&str],
        script: &Path,
        env: &BTreeMap<String, String>,
    ) -> Result<std::process::Output, String> {
        let mut command = Command::new(self.program);
        // Settings of whoever runs the tests must not change what is tried.
        for name in ["K6_DURATION_SCALE", "HANDSHAKE_ALLOW_HOST", "HANDSHAKE_APPROVED_VUS", "HANDSHAKE_NAMESPACE"] {
            command.env_remove(name);
        }
        command.args(args).arg(script).envs(env).stdin(Stdio::null()).kill_on_drop(true);
        command.output().await.map_err(|error| format!("{} cannot be started: {error}", self.program.display()))
    }
}

fn bases(bases: &BTreeMap<AppId, Url>) -> BTreeMap<String, String> {
    bases.iter().map(|(app, base)| (format!("{app}_BASE_URL"), base.to_string())).collect()
}

/// What k6 said, on one line.
fn said(stderr: &[u8]) -> String {
    String::from_utf8_lossy(stderr).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(600).collect()
}

/// The state of k6 on this machine in a few words, for people.
pub(crate) fn state(root: &Path, settings: &Settings) -> String {
    match installed(root, settings) {
        Ok(Some(path)) => path.display().to_string(),
        Ok(None) => "missing".to_owned(),
        Err(error) => error,
    }
}
