//! `bench`: the load engine measured beside other tools, against a known truth, and at its limits.

mod accuracy;
mod arrivals;
mod bars;
mod floor;
mod limits;
mod load;
mod optimised;
mod paired;
mod process;
mod serve;
mod server;
mod table;
mod tools;
mod truth;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::commands::fail;
use common::verdict::{Outcome, exit_code};
use process::Cores;
use server::ServerKind;
use tools::Tool;

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Requests a second and CPU per request beside wrk, oha, k9 and k6, in turns.
    Load(LoadArgs),
    /// Reported percentiles beside computed ones, and when requests were sent.
    Accuracy(AccuracyArgs),
    /// Memory, ten thousand connections, one request.
    Limits(LimitsArgs),
    /// Loads a server with the least that a request takes.
    #[command(hide = true)]
    Floor(FloorArgs),
    /// A server that answers at once.
    #[command(hide = true)]
    ServeFixed,
    /// A server whose delays are known.
    #[command(hide = true)]
    ServeKnown,
}

/// Where results go besides the terminal.
#[derive(Debug, Clone, Args)]
struct OutArgs {
    /// Writes all figures as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the tables as Markdown.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Fails (exit 99) if a bar is missed.
    #[arg(long)]
    require_bars: bool,
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// Each candidate runs so often, every time between two runs of wrk.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    slice: u64,
    /// Connections.
    #[arg(long, value_delimiter = ',', default_value = "20,64")]
    connections: Vec<u32>,
    /// Servers.
    #[arg(long, value_delimiter = ',', value_enum, default_value = "fixed,nginx")]
    server: Vec<ServerKind>,
    /// Only these candidates; all that are found if none is named.
    #[arg(long, value_delimiter = ',', value_enum)]
    only: Vec<Tool>,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Debug, Args)]
struct AccuracyArgs {
    /// Seconds of each run; a multiple of the five seconds after which the server stalls again.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(5..))]
    seconds: u64,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Debug, Args)]
struct LimitsArgs {
    /// Seconds of the short runs; the long one takes ten times as long.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Debug, Args)]
struct FloorArgs {
    /// The server's port on this machine.
    #[arg(long)]
    port: u16,
    /// Connections.
    #[arg(long)]
    vus: u32,
    /// How long.
    #[arg(long)]
    seconds: u64,
}

/// Tables in both styles.
struct Outputs {
    terminal: String,
    markdown: String,
}

/// What a bench found.
struct Report {
    outputs: Outputs,
    json: serde_json::Value,
    missed: bool,
}

/// Runs a bench, or one of its processes.
pub(crate) fn run(args: BenchArgs) -> u8 {
    match args.command {
        BenchCommand::Floor(args) => ended(floor::floor(&args).and_then(|said| serve::tell(&serde_json::json!(said)))),
        BenchCommand::ServeFixed => ended(serve::fixed()),
        BenchCommand::ServeKnown => ended(serve::known()),
        BenchCommand::Load(args) => measured(&args.out, |cores| load::run(&args, cores)),
        BenchCommand::Accuracy(args) => measured(&args.out, |cores| accuracy::run(&args, cores)),
        BenchCommand::Limits(args) => measured(&args.out, |cores| limits::run(&args, cores)),
    }
}

fn ended(result: std::io::Result<()>) -> u8 {
    result.map_or_else(|error| fail(format!("a socket: {error}")), |()| 0)
}

/// What a bench ends with when it ran: 99 if a bar was missed and that was asked about.
fn exit_of(missed: bool, require_bars: bool) -> u8 {
    if missed && require_bars { exit_code(Outcome::SloBreached, false) } else { 0 }
}

fn measured(out: &OutArgs, measure: impl FnOnce(Option<Cores>) -> Result<Report, String>) -> u8 {
    if !optimised::is_this() {
        return optimised::go_on().unwrap_or_else(fail);
    }
    let cores = Cores::of_this_process();
    match cores {
        Some(Cores { server, generator }) => say(&format!("server on core {server}, generator on core {generator}")),
        None => say("NOT PINNED: two cores and `taskset` are needed; the two sides disturb each other"),
    }
    match measure(cores).and_then(|report| conclude(out, report)) {
        Ok(missed) => exit_of(missed, out.require_bars),
        Err(error) => fail(error),
    }
}

/// Shows and writes a report; true if a bar was missed.
fn conclude(out: &OutArgs, report: Report) -> Result<bool, String> {
    let write = |file: &Path, text: &str| std::fs::write(file, text).map_err(|e| format!("{}: {e}", file.display()));
    anstream::println!("{}", report.outputs.terminal);
    if let Some(file) = &out.json {
        write(file, &format!("{:#}\n", report.json))?;
    }
    if let Some(file) = &out.markdown {
        write(file, &format!("{}\n", report.outputs.markdown))?;
    }
    Ok(report.missed)
}

/// Progress, apart from the result.
fn say(what: &str) {
    anstream::eprintln!("{what}");
}
