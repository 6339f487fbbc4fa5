//! What is asked of the engine, and whether a measurement shows it.

use serde::Serialize;

use super::paired::{Per, Spread, figures, times};
use super::server::ServerKind;
use super::tools::Tool;

use super::load::Case;

/// A figure and what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) got: Spread,
    pub(crate) wanted: Wanted,
    pub(crate) unit: &'static str,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    /// A bar on a figure that was taken once.
    pub(crate) fn once(what: impl Into<String>, got: f64, wanted: Wanted, unit: &'static str) -> Self {
        Self { what: what.into(), got: Spread { median: got, min: got, max: got }, wanted, unit }
    }

    /// The median decides.
    pub(crate) fn met(&self) -> bool {
        match self.wanted {
            Wanted::AtLeast(least) => self.got.median >= least,
            Wanted::AtMost(most) => self.got.median <= most,
        }
    }
}

/// How many times as many requests a second as the others are asked for.
const TIMES: [(Tool, f64); 4] = [(Tool::Oha, 1.25), (Tool::K9, 1.5), (Tool::K6, 5.0), (Tool::Goose, 2.5)];

/// The bars of one server and number of connections, as far as the tools were there.
pub(crate) fn of_case(case: &Case) -> Vec<Bar> {
    let figures = figures(Tool::Wrk, &case.slices);
    let place = format!("{}, {} connections", case.server.name(), case.connections);
    let mut bars = Vec::new();
    if let Some(own) = figures.get(&Tool::Handshake) {
        let (least, cpu) = match case.server {
            ServerKind::Nginx => (0.95, Some(0.95)),
            ServerKind::Fixed | ServerKind::Known => (1.25, None),
        };
        let rps = own.rps_ratio.map(|got| (format!("{place}: requests/s to wrk"), got, Wanted::AtLeast(least)));
        let cpu = own.cpu_ratio.zip(cpu);
        let cpu = cpu.map(|(got, most)| (format!("{place}: CPU per request to wrk"), got, Wanted::AtMost(most)));
        bars.extend(rps.into_iter().chain(cpu).map(|(what, got, wanted)| Bar { what, got, wanted, unit: "x" }));
    }
    for (tool, least) in TIMES {
        // What goose makes of a server without limit is not asked.
        if tool == Tool::Goose && case.server != ServerKind::Nginx {
            continue;
        }
        let (per, unit) = match (case.server, tool) {
            (ServerKind::Nginx, Tool::Oha | Tool::K9 | Tool::K6) => (Per::Cpu, "requests per CPU"),
            _ => (Per::Second, "requests/s"),
        };
        if let Some(got) = times(Tool::Wrk, &case.slices, Tool::Handshake, tool, per) {
            let what = format!("{place}: {unit} to {}", tool.name());
            bars.push(Bar { what, got, wanted: Wanted::AtLeast(least), unit: "x" });
        }
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::paired::Slice;

    fn case(server: ServerKind, own_rps: f64, own_cpu: f64) -> Case {
        let slice = |tool, rps, cpu_us| Slice { tool, rps, cpu_us, errors: 0, peak_rss_bytes: 0, server_cpu: 0.9 };
        let wrk = slice(Tool::Wrk, 100.0, 10.0);
        let slices = vec![wrk, slice(Tool::Handshake, own_rps, own_cpu), wrk, slice(Tool::K6, 20.0, 50.0), wrk];
        Case { server, connections: 20, slices }
    }

    #[test]
    fn behind_nginx_the_cost_of_a_request_counts_too() {
        let met = |own_rps, own_cpu| {
            of_case(&case(ServerKind::Nginx, own_rps, own_cpu)).iter().map(Bar::met).collect::<Vec<_>>()
        };
        assert_eq!(met(101.0, 9.0), [true, true, true]);
        assert_eq!(met(96.0, 10.2), [true, false, false]);
    }

    #[test]
    fn where_the_generator_is_the_limit_a_quarter_more_is_asked() {
        let bars = of_case(&case(ServerKind::Fixed, 124.0, 9.0));
        assert_eq!(bars.iter().map(Bar::met).collect::<Vec<_>>(), [false, true]);
        assert!(bars[0].what.contains("fixed, 20 connections"), "{}", bars[0].what);
    }
}
