//! `bench limits`: memory, ten thousand connections, and how soon one request is over.

use std::process::Command;

use common::load::bench::generator::{Generated, Order, raise_open_files};
use serde::Serialize;

use super::bars::{Bar, Wanted};
use super::paired::Spread;
use super::process::{Cores, Finished, finish, pinned};
use super::server::{RunningServer, ServerKind};
use super::table::{self, Style};
use super::tools::{Tool, own};
use super::{LimitsArgs, Outputs, Report, say};

const MANY: u32 = 10_000;
const CONNECTIONS: u32 = 64;
/// How often one request is sent by a process of its own.
const ONCE: usize = 21;

#[derive(Debug, Clone, Serialize)]
struct Measured {
    short_rss_bytes: u64,
    long_rss_bytes: u64,
    long_requests: u64,
    many: Generated,
    once_ms: Spread,
}

/// Measures all of them.
///
/// # Errors
/// When something cannot be run.
pub(super) fn run(args: &LimitsArgs, cores: Option<Cores>) -> Result<Report, String> {
    raise_open_files();
    let server = RunningServer::start(ServerKind::Fixed, cores)?;
    let mut loads = Vec::new();
    for seconds in [args.seconds, args.seconds * 10] {
        say(&format!("{CONNECTIONS} connections for {seconds} s"));
        loads.push(own::generated(&generate(&server, cores, CONNECTIONS, Some(seconds))?.stdout)?);
    }
    say(&format!("{MANY} connections for {} s", args.seconds));
    let many = own::generated(&generate(&server, cores, MANY, Some(args.seconds))?.stdout)?;
    say(&format!("one request, {ONCE} times"));
    let once = (0..ONCE).map(|_| Ok(generate(&server, cores, 1, None)?.wall.as_secs_f64() * 1_000.0));
    let once_ms = Spread::of(once.collect::<Result<_, String>>()?).ok_or("nothing was measured")?;
    let measured = Measured {
        short_rss_bytes: loads[0].peak_rss_bytes,
        long_rss_bytes: loads[1].peak_rss_bytes,
        long_requests: loads[1].requests,
        many,
        once_ms,
    };
    let bars = bars(&measured);
    let render = |style: Style| table::bars(&bars, style);
    let outputs = Outputs { terminal: render(Style::Terminal), markdown: render(Style::Markdown) };
    let json = serde_json::json!({ "measured": measured, "bars": bars });
    Ok(Report { outputs, json, missed: bars.iter().any(|bar| !bar.met()) })
}

fn generate(server: &RunningServer, cores: Option<Cores>, vus: u32, seconds: Option<u64>) -> Result<Finished, String> {
    let program = Tool::Handshake.find().ok_or("the generator is not built")?;
    let mut command: Command = pinned(cores.map(|cores| cores.generator), &program);
    let duration_ms = seconds.map(|seconds| seconds * 1_000);
    own::order(&mut command, Order { port: server.port, vus, rate: None, duration_ms });
    finish(command)
}

#[expect(clippy::cast_precision_loss, reason = "bytes and counts to show")]
fn bars(measured: &Measured) -> Vec<Bar> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let grown = measured.long_rss_bytes.saturating_sub(measured.short_rss_bytes);
    let per_request = grown as f64 / (measured.long_requests as f64).max(1.0);
    let missing = u64::from(MANY).saturating_sub(measured.many.connections_opened);
    let place = format!("{CONNECTIONS} connections");
    vec![
        Bar::once(format!("{place}: peak memory"), mib(measured.short_rss_bytes), Wanted::AtMost(16.0), "MiB"),
        Bar::once(
            format!("{place}, ten times as long: peak memory"),
            mib(measured.long_rss_bytes),
            Wanted::AtMost(16.0),
            "MiB",
        ),
        Bar::once(format!("{place}, ten times as long: growth a request"), per_request, Wanted::AtMost(1.0), "B"),
        Bar::once(format!("{MANY} connections: not opened"), missing as f64, Wanted::AtMost(0.0), ""),
        Bar::once(format!("{MANY} connections: errors"), measured.many.errors as f64, Wanted::AtMost(0.0), ""),
        Bar {
            what: "one request, process and all".to_owned(),
            got: measured.once_ms,
            wanted: Wanted::AtMost(20.0),
            unit: "ms",
        },
    ]
}
