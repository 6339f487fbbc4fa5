//! The engine alone in a process, as `common/examples/load_generator` runs it beside other generators.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::guard::Guard;
use crate::ids::AppId;
use crate::load::{self, GeneratorHealth, LatencySummary, LoadOptions};
use crate::scenario::{Scenario, Step};
use crate::target::{Environment, Limits};

/// More than any machine sends: nothing but the machine holds the generator back.
const ANY_RATE: f64 = 1e9;

/// What is to be sent to a server on this machine: one `GET /` after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The server's port.
    pub port: u16,
    /// Users without a pause, or the most of them at a rate.
    pub vus: u32,
    /// Arrivals a second instead of users without a pause.
    pub rate: Option<u32>,
    /// How long; `None` sends one request only.
    pub duration_ms: Option<u64>,
}

/// What the generator says at its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Generated {
    /// Requests that count.
    pub requests: u64,
    /// Those of them that failed.
    pub errors: u64,
    /// Arrivals that no user was free for.
    pub dropped: u64,
    /// From the first start to the last.
    pub seconds: f64,
    /// Greatest resident size of the process; 0 where the system does not tell.
    pub peak_rss_bytes: u64,
    /// Connections that were opened.
    pub connections_opened: u64,
    /// From the intended start.
    pub response: LatencySummary,
    /// From the send.
    pub service: LatencySummary,
    /// What the generator says of itself.
    pub health: GeneratorHealth,
}

/// Does what is ordered with one thread.
///
/// # Errors
/// What the engine says.
pub async fn generate(order: Order) -> Result<Generated, String> {
    raise_open_files();
    let limits = Limits { max_vus: order.vus, max_rate_per_s: ANY_RATE, vus_without_approval: order.vus };
    let guard = Guard::new(Environment::own_server(AppId::A6, order.port, limits));
    let options = LoadOptions { threads: 1, warm_up: Duration::ZERO, ..LoadOptions::default() };
    let report = load::run(&scenario(order), &guard, options).await.map_err(|error| error.to_string())?;
    let step = &report.steps[0];
    Ok(Generated {
        requests: step.count,
        errors: step.count - step.ok,
        dropped: report.iterations.dropped,
        seconds: report.measured_s,
        peak_rss_bytes: peak_rss("/proc/self/status").unwrap_or(0),
        connections_opened: report.connections.opened,
        response: step.response.summary(),
        service: step.service.summary(),
        health: report.health,
    })
}

fn scenario(order: Order) -> Scenario {
    let scenario = Scenario::new("bench", AppId::A6, "One GET after the other").step(Step::get("get", "/"));
    match (order.rate, order.duration_ms.map(Duration::from_millis)) {
        (Some(rate), Some(duration)) => scenario.constant_arrival_rate(rate, duration, order.vus),
        (None, Some(duration)) => scenario.constant_vus(order.vus, duration, None),
        // A user that begins every second, for a millisecond: exactly one request.
        (_, None) => scenario.constant_vus(1, Duration::from_millis(1), Duration::from_secs(1)),
    }
}

/// `VmHWM` of a file as `/proc/self/status`, in bytes.
#[must_use]
pub fn peak_rss(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// Asks for as many open files as the system lets this process have.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // What is refused shows as a clear error of the load itself.
    let _refused = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}
