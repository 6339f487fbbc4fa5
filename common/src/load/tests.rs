//! The engine against real servers on this machine.

mod allocation;
mod journeys;
mod scripted;
mod server;
mod stopping;
mod timing;
mod transports;
mod truth;

use std::collections::BTreeMap;

use super::*;
use crate::ids::AppId;
use crate::scenario::Step;
use crate::target::Environment;

/// A guard for A6 at a port of this machine.
fn guard(port: u16) -> Guard {
    Guard::new(Environment::embedded(BTreeMap::from([(AppId::A6, port)])))
}

fn scenario(step: Step) -> Scenario {
    Scenario::new("probe", AppId::A6, "A probe").step(step)
}

/// One user, an iteration every 10 ms, `count` times.
fn paced(step: Step, count: u64) -> Scenario {
    let interval = Duration::from_millis(10);
    scenario(step).constant_vus(1, interval * u32::try_from(count).unwrap(), interval)
}
