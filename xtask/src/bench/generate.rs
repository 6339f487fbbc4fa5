//! Our engine as one generator among others: a process of its own that loads a server and prints one line of JSON.

use std::time::Duration;

use common::guard::Guard;
use common::ids::AppId;
use common::load::{self, GeneratorHealth, LatencySummary, LoadOptions};
use common::scenario::{Scenario, Step};
use common::target::{Environment, Limits};
use common::verdict::{Outcome, exit_code};
use serde::{Deserialize, Serialize};

use super::GenerateArgs;
use super::process::{cpu_of_this, peak_rss};
use crate::commands::fail;

/// More than any machine sends: nothing but the machine holds the generator back.
const ANY_RATE: f64 = 1e9;

/// What the generator says at its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Generated {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) dropped: u64,
    pub(crate) seconds: f64,
    /// User and system time of this process until now.
    pub(crate) cpu_s: f64,
    pub(crate) peak_rss_bytes: u64,
    pub(crate) connections_opened: u64,
    /// From the intended start.
    pub(crate) response: LatencySummary,
    /// From the send.
    pub(crate) service: LatencySummary,
    pub(crate) health: GeneratorHealth,
}

/// Loads a server on this machine.
pub(crate) async fn generate(args: GenerateArgs) -> u8 {
    match load(&args).await {
        Ok(generated) => {
            anstream::println!("{}", serde_json::json!(generated));
            0
        }
        Err(error) => fail(error),
    }
}

async fn load(args: &GenerateArgs) -> Result<Generated, String> {
    raise_open_files();
    let limits = Limits { max_vus: args.vus, max_rate_per_s: ANY_RATE, vus_without_approval: args.vus };
    let guard = Guard::new(Environment::own_server(AppId::A6, args.port, limits));
    let options = LoadOptions { threads: 1, warm_up: Duration::from_millis(args.warm_up_ms), ..LoadOptions::default() };
    let report = load::run(&scenario(args), &guard, options).await.map_err(|error| error.to_string())?;
    let step = &report.steps[0];
    Ok(Generated {
        requests: step.count,
        errors: step.count - step.ok,
        dropped: report.iterations.dropped,
        seconds: report.measured_s,
        cpu_s: cpu_of_this().as_secs_f64(),
        peak_rss_bytes: peak_rss("/proc/self/status").unwrap_or(0),
        connections_opened: report.connections.opened,
        response: step.response.summary(),
        service: step.service.summary(),
        health: report.health,
    })
}

fn scenario(args: &GenerateArgs) -> Scenario {
    let scenario = Scenario::new("bench", AppId::A6, "One GET after the other").step(Step::get("get", "/"));
    let duration = Duration::from_millis(args.duration_ms);
    match (args.rate, args.once) {
        (Some(rate), _) => scenario.constant_arrival_rate(rate, duration, args.vus),
        (None, false) => scenario.constant_vus(args.vus, duration, None),
        // A user that begins every second, for a millisecond: exactly one request.
        (None, true) => scenario.constant_vus(1, Duration::from_millis(1), Duration::from_secs(1)),
    }
}

/// Asks for as many open files as the system lets this process have.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // What is refused shows as a clear error of the load itself.
    let _refused = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// What a bench ends with when it ran: 99 if a bar was missed and that was asked about.
pub(crate) fn exit_of(missed: bool, require_bars: bool) -> u8 {
    if missed && require_bars { exit_code(Outcome::SloBreached, false) } else { 0 }
}
