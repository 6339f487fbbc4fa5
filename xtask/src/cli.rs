//! Flags and commands; nothing else.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use common::fault::Edge;
use common::history::Fault;
use common::ids::{AppId, RunId};
use common::load::Dialect;
use common::service::Defect;
use url::Url;

use crate::baseline::BaselineName;
use crate::bench::BenchArgs;
use crate::calibrate::CalibrateArgs;
use crate::commands::{ApproveArgs, DeskArgs, GatesArgs};
use crate::run::Funnel;

/// Handshake: is the family of eight apps really ready? It probes, loads, walks and reconciles, then says so with evidence.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs every app and every phase, writes all deliverables and prints the verdict.
    Ecosystem(EcosystemArgs),
    /// Runs one app's suite, a funnel (`b2b` for providers, `b2c` for students), `learning` or `resiliency`.
    Suite(SuiteArgs),
    /// Serves the embedded ecosystem and its dashboard to explore by hand.
    Serve(ServeArgs),
    /// Stands before an app and disturbs what passes, by rules of a file.
    Proxy(ProxyArgs),
    /// Renders all reports of a run again from its ledger; same bytes.
    Report(RunArgs),
    /// Checks a ledger, a record of approvals or a bundle: hashes, chain, signatures, completeness.
    Verify(VerifyArgs),
    /// Lists what waits for a person, and how what was asked for stands.
    Gates(GatesArgs),
    /// Signs leave for one restricted action of one run, or refuses it; makes a key for that.
    Approve(ApproveArgs),
    /// Saves a run to compare later ones with, or shows what is saved.
    Baseline(BaselineArgs),
    /// Compares two runs, a run with a baseline, or two targets that are both up: what became slower?
    Compare(CompareArgs),
    /// Does every acknowledged effect happen once, and nothing else? Clients ask while apps are killed and disturbed.
    Effects(EffectsArgs),
    /// Writes the scenarios in the formats of other tools.
    Export(ExportArgs),
    /// Tells what is installed, which ports and secrets are there, and what each missing piece costs.
    Doctor(DoctorArgs),
    /// Runs every test, those in the browser, in k6 and with other people's client libraries included.
    Test(TestArgs),
    /// Seeds each fault of the catalogue in turn and prints which were caught, and who was blamed.
    Faults(FaultsArgs),
    /// Measures the load engine: beside other tools, against a known truth, and at its limits.
    Bench(BenchArgs),
    /// Reruns the published error rates of the statistics, or replays golden vectors.
    Calibrate(CalibrateArgs),
    /// One embedded app; started by the other commands.
    #[command(hide = true)]
    AppProcess,
}

/// How long a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// The whole run within four minutes.
    Quick,
    /// About twenty minutes.
    Standard,
    /// The durations of the load shapes as they are meant.
    Full,
}

/// What a pipeline demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Require {
    /// CONDITIONAL is not good enough: exit with 3.
    Ready,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// The environment of targets.yaml to test.
    #[arg(long, env = "HANDSHAKE_TARGET", default_value = "embedded")]
    pub(crate) target: String,
    /// The file of environments.
    #[arg(long, env = "HANDSHAKE_TARGETS_FILE", default_value = "tests/perf/config/targets.yaml")]
    pub(crate) targets_file: PathBuf,
    /// Embedded apps listen on this port plus 1 to 8; 0 takes free ones.
    #[arg(long, env = "HANDSHAKE_BASE_PORT", default_value_t = 7100)]
    pub(crate) base_port: u16,
}

/// `a2:p95_ms=195`.
pub(crate) fn defect(text: &str) -> Result<(AppId, Defect), String> {
    let (app, defect) = text.split_once(':').ok_or("expected an app and a defect, `a2:p95_ms=195`")?;
    Ok((app.parse().map_err(|_| format!("`{app}` is none of a1 to a8"))?, defect.parse()?))
}

/// As [`defect`] reads it.
pub(crate) fn as_flag((app, defect): &(AppId, Defect)) -> String {
    format!("{}:{defect}", app.lower())
}

fn wire(text: &str) -> Result<(Edge, PathBuf), String> {
    let (apps, file) = text.split_once(':').ok_or("expected an app and a file of rules, `a6:faults.yaml`")?;
    let app = |text: &str| text.parse().map_err(|_| format!("`{text}` is none of a1 to a8"));
    let edge = match apps.split_once('-') {
        Some((from, at)) => Edge { at: app(at)?, from: Some(app(from)?) },
        None => Edge { at: app(apps)?, from: None },
    };
    Ok((edge, file.into()))
}

#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Where `tests/perf/…` deliverables are written.
    #[arg(long, env = "HANDSHAKE_OUTPUT", default_value = ".")]
    pub(crate) output: PathBuf,
    /// Where runs are kept.
    #[arg(long, env = "HANDSHAKE_RUNS", default_value = "target/handshake/runs")]
    pub(crate) runs: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct EcosystemArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) desk: DeskArgs,
    /// How long it may take.
    #[arg(long, env = "HANDSHAKE_PROFILE", value_enum, default_value = "quick")]
    pub(crate) profile: Profile,
    /// Fails (exit 3) unless the verdict is at least this.
    #[arg(long, value_enum)]
    pub(crate) require: Option<Require>,
    /// Tells an embedded app to misbehave, to see what is found: `a2:p95_ms=195`, `a6:a6_fee_two_point_nine`.
    #[arg(long = "defect", value_name = "APP:DEFECT", value_parser = defect, conflicts_with = "resume")]
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// Goes on with an interrupted run, or with what an ended one left to a person: the newest, or the one named.
    #[arg(long, num_args = 0..=1, value_name = "RUN")]
    pub(crate) resume: Option<Option<RunId>>,
}

#[derive(Debug, Args)]
pub(crate) struct SuiteArgs {
    /// `a1` … `a8`, `b2b`, `b2c`, `learning` or `resiliency`.
    pub(crate) name: SuiteName,
    /// Only this workload.
    #[arg(long, value_name = "ID")]
    pub(crate) scenario: Option<String>,
    /// Only this check.
    #[arg(long, value_name = "ID", conflicts_with = "scenario")]
    pub(crate) check: Option<String>,
    /// Prints the streams' figures in another tool's definitions too: vllm, guidellm or aiperf.
    #[arg(long, value_name = "TOOL", conflicts_with = "check")]
    pub(crate) dialect: Option<Dialect>,
    /// Tells an embedded app to misbehave, to see what is found: `a2:p95_ms=195`, `a6:a6_fee_two_point_nine`.
    #[arg(long = "defect", value_name = "APP:DEFECT", value_parser = defect)]
    pub(crate) defects: Vec<(AppId, Defect)>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) desk: DeskArgs,
    /// How long it may take.
    #[arg(long, env = "HANDSHAKE_PROFILE", value_enum, default_value = "quick")]
    pub(crate) profile: Profile,
    /// Fails (exit 3) unless the verdict is at least this.
    #[arg(long, value_enum)]
    pub(crate) require: Option<Require>,
}

/// What `suite` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuiteName {
    App(AppId),
    Funnel(Funnel),
    /// One phase that is about no single app.
    Phase(u8),
}

impl std::str::FromStr for SuiteName {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s.to_ascii_lowercase().as_str() {
            "b2b" => Ok(Self::Funnel(Funnel::B2b)),
            "b2c" => Ok(Self::Funnel(Funnel::B2c)),
            "learning" => Ok(Self::Phase(6)),
            "resiliency" => Ok(Self::Phase(7)),
            _ => s.parse().map(Self::App).map_err(|_| "expected a1 to a8, b2b, b2c, learning or resiliency".to_owned()),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct FaultsArgs {
    /// Faults of this file instead of the catalogue; it is described in docs/faults.md.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// The app that plain rules of the file stand before: `a6`.
    #[arg(long, value_name = "APP", requires = "catalog")]
    pub(crate) at: Option<AppId>,
    /// Only this fault, or those of this app (`a6`); may be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Only so many, drawn with --seed.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
    /// What the draw begins with.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// So many healthy ecosystems are asked the same, to count false alarms.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) healthy: u32,
    /// Leaves what the trials kept, with the records and reports of whole runs, in a temporary folder that it names.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Where docs/fault-matrix.md is written, if the whole catalogue was tried.
    #[arg(long, env = "HANDSHAKE_OUTPUT", default_value = ".")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Which apps; all if none is named.
    pub(crate) apps: Vec<AppId>,
    /// They listen on this port plus 1 to 8; 0 takes free ones.
    #[arg(long, env = "HANDSHAKE_BASE_PORT", default_value_t = 7100)]
    pub(crate) base_port: u16,
    /// Where their data lie.
    #[arg(long, default_value = "target/handshake/serve")]
    pub(crate) data: PathBuf,
    /// Disturbs what reaches an app by a file of rules, `a6:faults.yaml`; or only what one app sends it, `a2-a8:faults.yaml`.
    #[arg(long = "fault", value_name = "APP:FILE", value_parser = wire)]
    pub(crate) faults: Vec<(Edge, PathBuf)>,
}

#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// Where it listens, on this machine only; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000")]
    pub(crate) listen: SocketAddr,
    /// An app on this machine, by its address.
    #[arg(long, value_name = "URL", conflicts_with = "app")]
    pub(crate) to: Option<Url>,
    /// An app of the target, whose policy must be read_write.
    #[arg(long)]
    pub(crate) app: Option<AppId>,
    /// The environment of targets.yaml that the app is of.
    #[arg(long, env = "HANDSHAKE_TARGET", default_value = "embedded")]
    pub(crate) target: String,
    /// The file of environments.
    #[arg(long, env = "HANDSHAKE_TARGETS_FILE", default_value = "tests/perf/config/targets.yaml")]
    pub(crate) targets_file: PathBuf,
    /// The rules; read again when the file changes, and on SIGHUP. Without it everything passes.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// The run that a person allowed answers of 500 or more for; needed for such rules before an app of a target.
    #[arg(long)]
    pub(crate) run: Option<RunId>,
    /// Who may approve what.
    #[arg(long, env = "HANDSHAKE_APPROVERS", value_name = "FILE", default_value = "tests/perf/config/approvers.yaml")]
    pub(crate) approvers: PathBuf,
    /// Where runs are kept.
    #[arg(long, env = "HANDSHAKE_RUNS", default_value = "target/handshake/runs")]
    pub(crate) runs: PathBuf,
    /// Prints the JSON Schema of a file of rules and ends.
    #[arg(long)]
    pub(crate) schema: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The run; the newest if none is named.
    pub(crate) run: Option<RunId>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A ledger, a run's folder, a bundle (.zip), a record of approvals (.log), or nothing for the newest run.
    pub(crate) path: Option<PathBuf>,
    /// The public key (PEM) that must have signed a bundle; without it, the bundle's own is used.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) action: BaselineAction,
}

/// What is done with a baseline.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineAction {
    /// Saves a run as a baseline, in place of an older one of the same name.
    Save {
        /// The run; the newest if none is named.
        run: Option<RunId>,
        /// Where runs are kept.
        #[arg(long, env = "HANDSHAKE_RUNS", default_value = "target/handshake/runs")]
        runs: PathBuf,
        #[command(flatten)]
        flags: BaselineFlags,
    },
    /// Shows which run it is and what it measured.
    Show {
        #[command(flatten)]
        flags: BaselineFlags,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BaselineFlags {
    /// Which baseline.
    #[arg(long, default_value = "default")]
    pub(crate) name: BaselineName,
    /// Where baselines are kept.
    #[arg(long, env = "HANDSHAKE_BASELINES", value_name = "DIR", default_value = "target/handshake/baselines")]
    pub(crate) baselines: PathBuf,
}

/// What a pipeline demands of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RequireCompared {
    /// Undecided is not good enough: exit with 3.
    Pass,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// A run, `latest`, `baseline`, `baseline:NAME`; or a target, if both are.
    pub(crate) before: String,
    /// The same, for the side after the change.
    pub(crate) after: String,
    /// Only this app; may be given several times.
    #[arg(long, value_name = "APP")]
    pub(crate) app: Vec<AppId>,
    /// Writes the table to this file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Fails (exit 3) unless every endpoint passes.
    #[arg(long, value_enum)]
    pub(crate) require: Option<RequireCompared>,
    /// How long two targets are loaded in turns; recorded runs have their own.
    #[arg(long, env = "HANDSHAKE_PROFILE", value_enum, default_value = "quick")]
    pub(crate) profile: Profile,
    /// What the draws of the second opinion begin with.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The file of environments.
    #[arg(long, env = "HANDSHAKE_TARGETS_FILE", default_value = "tests/perf/config/targets.yaml")]
    pub(crate) targets_file: PathBuf,
    /// Where baselines are kept.
    #[arg(long, env = "HANDSHAKE_BASELINES", value_name = "DIR", default_value = "target/handshake/baselines")]
    pub(crate) baselines: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EffectsArgs {
    /// Only this app: a2, a3, a5 or a6; may be given several times.
    #[arg(long, value_name = "APP")]
    pub(crate) app: Vec<AppId>,
    /// Only this fault: none, kill, duplicate, delay, commit_then_503 or together; may be given several times.
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<Fault>,
    /// What all draws begin with; another one each time unless it is given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How many intents each app gets under each fault.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) ops: u32,
    /// Tells an embedded app to misbehave, to see what is found: `a2:a2_ack_before_commit`, `a6:outbox_in_memory`.
    #[arg(long = "defect", value_name = "APP:DEFECT", value_parser = defect)]
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// Histories and result are written below this, in `effects`.
    #[arg(long, env = "HANDSHAKE_OUTPUT", default_value = "target/handshake")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    pub(crate) format: ExportFormat,
}

/// Another tool's format.
#[derive(Debug, Subcommand)]
pub(crate) enum ExportFormat {
    /// k6 scripts of the workloads.
    K6(ExportFiles),
    /// The generated parts of the runbooks in docs/runbooks.
    Runbooks(ExportFiles),
}

#[derive(Debug, Args)]
pub(crate) struct ExportFiles {
    /// Where they are written; by default where they are committed.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Writes nothing, and fails (exit 100) if a file there differs.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// What `test` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TestPart {
    /// The tests of the workspace.
    Rust,
    /// The specs, in a browser.
    Browser,
    /// The exported scripts, in the real k6.
    K6,
    /// The apps in the hands of other people's client libraries.
    Clients,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Leaves the browser tests out.
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Only these; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    pub(crate) only: Vec<TestPart>,
    /// Passed on to the test runner.
    #[arg(last = true)]
    pub(crate) rest: Vec<String>,
}
