//! `bench load`: our engine beside other generators, in turns, against the same server.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::paired::{Slice, round};
use super::process::{Cores, finish};
use super::server::{RunningServer, ServerKind, find_nginx};
use super::tools::{Tool, Work};
use super::{LoadArgs, Outputs, Report, bars, say, table};

/// What was measured against one server over so many connections, slice after slice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Case {
    pub(crate) server: ServerKind,
    pub(crate) connections: u32,
    pub(crate) slices: Vec<Slice>,
}

/// The tools that take part.
struct Field {
    reference: PathBuf,
    candidates: Vec<(Tool, PathBuf)>,
}

/// Measures all cases.
///
/// # Errors
/// When wrk is missing, or a tool or a server cannot be run.
pub(super) fn run(args: &LoadArgs, cores: Option<Cores>) -> Result<Report, String> {
    let field = field(&args.only)?;
    let mut cases = Vec::new();
    for server in servers(&args.server) {
        for connections in &args.connections {
            cases.push(case(args, cores, &field, server, *connections)?);
        }
    }
    let bars: Vec<_> = cases.iter().flat_map(bars::of_case).collect();
    let render = |style| format!("{}\n\n{}", table::cases(&cases, style), table::bars(&bars, style));
    let outputs = Outputs { terminal: render(table::Style::Terminal), markdown: render(table::Style::Markdown) };
    let json = serde_json::json!({ "cases": cases, "bars": bars });
    Ok(Report { outputs, json, missed: bars.iter().any(|bar| !bar.met()) })
}

fn field(only: &[Tool]) -> Result<Field, String> {
    let missing = |tool: Tool| format!("{} is missing: {}", tool.name(), tool.get());
    let reference = Tool::Wrk.find().ok_or_else(|| missing(Tool::Wrk))?;
    let mut candidates = Vec::new();
    for tool in Tool::ALL.into_iter().filter(|tool| *tool != Tool::Wrk) {
        if !only.is_empty() && !only.contains(&tool) {
            continue;
        }
        match tool.find() {
            Some(program) => candidates.push((tool, program)),
            None => say(&missing(tool)),
        }
    }
    Ok(Field { reference, candidates })
}

fn servers(wanted: &[ServerKind]) -> Vec<ServerKind> {
    let there = |kind: &ServerKind| {
        let there = *kind != ServerKind::Nginx || find_nginx().is_some();
        if !there {
            say("nginx is missing: apt-get install nginx-light; where the server is the limit stays unmeasured");
        }
        there
    };
    wanted.iter().copied().filter(there).collect()
}

fn case(
    args: &LoadArgs,
    cores: Option<Cores>,
    field: &Field,
    server: ServerKind,
    connections: u32,
) -> Result<Case, String> {
    let running = RunningServer::start(server, cores)?;
    let folder = tempfile::tempdir().map_err(|error| format!("a folder for scripts: {error}"))?;
    let work = Work { port: running.port, connections, seconds: args.slice, folder: folder.path() };
    let core = cores.map(|cores| cores.generator);
    let tools: Vec<_> = field.candidates.iter().map(|(tool, _)| *tool).collect();
    let mut order: Vec<_> = (0..args.pairs).flat_map(|_| round(Tool::Wrk, &tools)).collect();
    order.push(Tool::Wrk);
    let name = server.name();
    say(&format!("{name}, {connections} connections: {} slices of {} s", order.len(), args.slice));
    let program = |tool: Tool| {
        let candidate = field.candidates.iter().find(|(other, _)| *other == tool);
        candidate.map_or(&field.reference, |(_, program)| program)
    };
    let slices = order.into_iter().map(|tool| slice(tool, program(tool), core, &work, &running));
    Ok(Case { server, connections, slices: slices.collect::<Result<_, _>>()? })
}

#[expect(clippy::cast_precision_loss, reason = "counts of one slice")]
fn slice(
    tool: Tool,
    program: &Path,
    core: Option<u32>,
    work: &Work<'_>,
    server: &RunningServer,
) -> Result<Slice, String> {
    let before = server.cpu();
    let finished = finish(tool.command(program, core, work)?)?;
    let server_used = server.cpu().saturating_sub(before);
    let said = tool.read(&finished.stdout, work)?;
    if said.requests == 0 {
        return Err(format!("{} made no request", tool.name()));
    }
    let slice = Slice {
        tool,
        rps: said.requests as f64 / said.seconds,
        cpu_us: finished.cpu.as_secs_f64() * 1_000_000.0 / said.requests as f64,
        errors: said.errors,
        peak_rss_bytes: finished.peak_rss_bytes,
        server_cpu: server_used.as_secs_f64() / said.seconds,
    };
    say(&format!("  {:<10} {:>8.0} requests/s {:>6.1} µs", tool.name(), slice.rps, slice.cpu_us));
    Ok(slice)
}
