//! `bench accuracy`: an open model against a server with a computable truth.

use std::process::Command;
use std::time::Duration;

use common::load::bench::generator::Order;
use serde::Serialize;
use serde_json::Value;

use super::arrivals::Arrivals;
use super::bars::{Bar, Wanted};
use super::process::{Cores, finish, pinned};
use super::server::{RunningServer, ServerKind};
use super::table::{self, Style};
use super::tools::{Tool, Work, k6, own};
use super::truth::{KNOWN, percentile_ms};
use super::{AccuracyArgs, Outputs, Report, say};

const RATE: u32 = 500;
/// Connections in plenty, then too few for a stall.
const CAPS: [u32; 3] = [400, 64, 20];
const PERCENTS: [usize; 4] = [50, 95, 99, 100];

/// One tool over one number of connections.
#[derive(Debug, Clone, Serialize)]
struct Row {
    tool: &'static str,
    connections: u32,
    /// P50, P95, P99 and maximum in milliseconds.
    said_ms: [f64; 4],
    truth_ms: [f64; 4],
    arrivals: Arrivals,
    /// P99 of how late it sent by its own account.
    lag_p99_us: Option<u64>,
    dropped: u64,
}

/// Measures our engine over all numbers of connections, and k6 beside it.
///
/// # Errors
/// When something cannot be run.
pub(super) fn run(args: &AccuracyArgs, cores: Option<Cores>) -> Result<Report, String> {
    let mut rows = Vec::new();
    for connections in CAPS {
        say(&format!("handshake, {RATE} a second for {} s, at most {connections} connections", args.seconds));
        rows.push(own(args.seconds, connections, cores)?);
    }
    if Tool::K6.find().is_some() {
        for connections in CAPS {
            say(&format!("k6, {RATE} a second for {} s, at most {connections} users", args.seconds));
            rows.push(k6(args.seconds, connections, cores)?);
        }
    } else {
        say(&format!("k6 is missing: {}", Tool::K6.get()));
    }
    let bars = bars(&rows);
    let render = |style| format!("{}\n\n{}", shown(&rows, style), table::bars(&bars, style));
    let outputs = Outputs { terminal: render(Style::Terminal), markdown: render(Style::Markdown) };
    let json = serde_json::json!({ "rows": rows, "bars": bars });
    Ok(Report { outputs, json, missed: bars.iter().any(|bar| !bar.met()) })
}

/// Percentiles from the intended start, as arithmetic has them.
fn truth_ms(seconds: u64, connections: u32) -> [f64; 4] {
    let connections = usize::try_from(connections).unwrap_or(usize::MAX);
    let responses = KNOWN.responses(RATE, Duration::from_secs(seconds), Some(connections));
    PERCENTS.map(|percent| percentile_ms(&responses, percent))
}

fn own(seconds: u64, connections: u32, cores: Option<Cores>) -> Result<Row, String> {
    let server = RunningServer::start(ServerKind::Known, cores)?;
    let program = Tool::Handshake.find().ok_or("the generator is not built")?;
    let mut command: Command = pinned(cores.map(|cores| cores.generator), &program);
    let (rate, duration_ms) = (Some(RATE), Some(seconds * 1_000));
    own::order(&mut command, Order { port: server.port, vus: connections, rate, duration_ms });
    let said = own::generated(&finish(command)?.stdout)?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds below an hour")]
    let ms = |figure: Option<u64>| figure.map_or(f64::NAN, |us| us as f64 / 1_000.0);
    let response = said.response;
    Ok(Row {
        tool: "handshake",
        connections,
        said_ms: [response.p50_us, response.p95_us, response.p99_us, response.max_us].map(ms),
        truth_ms: truth_ms(seconds, connections),
        arrivals: server.stop()?,
        lag_p99_us: Some(said.health.schedule_lag.p99_us.max(said.health.send_delay.p99_us)),
        dropped: said.dropped,
    })
}

fn k6(seconds: u64, connections: u32, cores: Option<Cores>) -> Result<Row, String> {
    let server = RunningServer::start(ServerKind::Known, cores)?;
    let folder = tempfile::tempdir().map_err(|error| format!("a folder for scripts: {error}"))?;
    let program = Tool::K6.find().ok_or("k6 is missing")?;
    let work = Work { port: server.port, connections, seconds, folder: folder.path() };
    let mut command = pinned(cores.map(|cores| cores.generator), &program);
    k6::open_model(&mut command, &work, RATE, connections)?;
    finish(command)?;
    let summary = k6::summary(folder.path())?;
    let figure = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let duration = &summary["metrics"]["http_req_duration"];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and not negative")]
    let dropped = summary["metrics"]["dropped_iterations"]["count"].as_f64().unwrap_or(0.0) as u64;
    Ok(Row {
        tool: "k6",
        connections,
        said_ms: ["p(50)", "p(95)", "p(99)", "max"].map(|name| figure(&duration[name])),
        truth_ms: truth_ms(seconds, connections),
        arrivals: server.stop()?,
        lag_p99_us: None,
        dropped,
    })
}

/// The bars on our own rows.
fn bars(rows: &[Row]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for row in rows.iter().filter(|row| row.tool == "handshake") {
        let place = format!("at most {} connections", row.connections);
        let off = |at: usize| (row.said_ms[at] - row.truth_ms[at]).abs() / row.truth_ms[at] * 100.0;
        for (at, name, most) in [(0, "P50", 5.0), (1, "P95", 3.0), (2, "P99", 3.0)] {
            bars.push(Bar::once(format!("{place}: {name} off the truth"), off(at), Wanted::AtMost(most), "%"));
        }
        if row.connections == CAPS[0] {
            let lag = row.lag_p99_us.and_then(|us| u32::try_from(us).ok()).map_or(f64::NAN, f64::from);
            bars.push(Bar::once(format!("{place}: P99 of the send lag"), lag, Wanted::AtMost(100.0), "µs"));
            let gap = row.arrivals.worst_gap(RATE) * 100.0;
            bars.push(Bar::once(format!("{place}: gaps P5 and P95 off 2 ms"), gap, Wanted::AtMost(5.0), "%"));
        }
    }
    bars
}

fn shown(rows: &[Row], style: Style) -> String {
    let header =
        ["generator", "connections", "P50", "P95", "P99", "max", "gaps P5–P95", "lag P99", "requests", "dropped"];
    let both = |row: &Row, at: usize| format!("{:.1} ms (truth {:.1})", row.said_ms[at], row.truth_ms[at]);
    let cells = |row: &Row| {
        let mut cells = vec![row.tool.to_owned(), row.connections.to_string()];
        cells.extend((0..PERCENTS.len()).map(|at| both(row, at)));
        cells.push(format!("{:.0}–{:.0} µs", row.arrivals.gap_p5_us, row.arrivals.gap_p95_us));
        cells.push(row.lag_p99_us.map_or_else(|| "not told".to_owned(), |us| format!("{us} µs")));
        cells.push(row.arrivals.requests.to_string());
        cells.push(row.dropped.to_string());
        cells
    };
    table::rows(&header, &rows.iter().map(cells).collect::<Vec<_>>(), style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_hides_a_stall_misses_the_bar() {
        let arrivals = Arrivals { requests: 10_000, gap_p5_us: 1_950.0, gap_p50_us: 2_000.0, gap_p95_us: 2_060.0 };
        let row = |said_ms| Row {
            tool: "handshake",
            connections: CAPS[0],
            said_ms,
            truth_ms: [5.0, 265.0, 465.0, 617.0],
            arrivals,
            lag_p99_us: Some(90),
            dropped: 0,
        };
        let met = |said| bars(&[row(said)]).iter().map(Bar::met).collect::<Vec<_>>();
        assert_eq!(met([5.1, 266.0, 460.0, 617.0]), [true; 5]);
        assert_eq!(met([5.1, 7.0, 36.0, 617.0]), [true, false, false, true, true]);
    }
}
