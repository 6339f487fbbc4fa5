//! The scenarios as k6 scripts: which script is made of what.

mod executor;
mod expect;
mod helpers;
mod literal;
mod script;
mod step;

use common::ids::AppId;
use common::scenario::{Scenario, Shape, TimeScale};

use super::{ExportError, Exported};
use crate::suites;

pub(crate) use executor::shortened;

/// Where the scripts are, from the root of the workspace.
pub(crate) const FOLDER: &str = "tests/perf/k6";

/// The workloads of a script.
enum Of {
    /// Every workload of the app as it stands.
    All(AppId),
    /// These.
    These(AppId, &'static [&'static str]),
    /// Every workload of the app in this shape.
    AllShaped(AppId, Shape),
    /// These in this shape.
    Shaped(AppId, &'static [&'static str], Shape),
}

/// Single events carry the shapes beyond the baseline: they are what A2 is for.
const INGEST: &[&str] = &["a2_single"];

/// Name, title and workloads of each script.
const SCRIPTS: [(&str, &str, Of); 13] = [
    ("a1_auth", "A1: discovery, keys and tokens", Of::All(AppId::A1)),
    ("a2_smoke", "A2: every workload with five users", Of::AllShaped(AppId::A2, Shape::Smoke)),
    ("a2_baseline", "A2: every workload at its baseline", Of::All(AppId::A2)),
    ("a2_ramp", "A2: single events from 10 to 60 users", Of::Shaped(AppId::A2, INGEST, Shape::Ramp)),
    ("a2_spike", "A2: single events from 5 to 100 users and back", Of::Shaped(AppId::A2, INGEST, Shape::Spike)),
    ("a2_soak", "A2: single events for an hour", Of::Shaped(AppId::A2, INGEST, Shape::Soak)),
    ("a2_burst", "A2: 100 single events a second", Of::Shaped(AppId::A2, INGEST, Shape::Burst)),
    ("a3_orchestration", "A3: preflights and runs", Of::All(AppId::A3)),
    ("a4_chat_completions", "A4: chat completions", Of::All(AppId::A4)),
    ("a6_register_billing", "A6: registration and billing", Of::These(AppId::A6, &["a6_register", "a6_billing"])),
    ("a7_pages", "A7: pages, sitemap and leads", Of::All(AppId::A7)),
    (
        "a8_dashboard_load",
        "A8: the tiles of the dashboard and the executive overview",
        Of::These(AppId::A8, &["a8_tiles", "a8_overview_cold", "a8_overview_warm"]),
    ),
    ("a8_filter_test", "A8: events by filter", Of::These(AppId::A8, &["a8_filter"])),
];

/// All scripts.
pub(crate) fn scripts() -> Result<Vec<Exported>, ExportError> {
    let render = |(name, title, of): &(&str, &str, Of)| {
        let scenarios = scenarios(name, of)?;
        Ok(Exported { name: format!("{name}.js"), text: script::render(name, title, &scenarios)? })
    };
    SCRIPTS.iter().map(render).collect()
}

/// A script of one scenario, whoever has it.
pub(crate) fn script_of(scenario: &Scenario) -> Result<String, ExportError> {
    script::render(&scenario.id, &scenario.title, std::slice::from_ref(scenario))
}

/// The workloads that a script is made of; `None` if there is no such script.
pub(crate) fn scenarios_of(script: &str) -> Option<Result<Vec<Scenario>, ExportError>> {
    let (name, _, of) = SCRIPTS.iter().find(|(name, _, _)| *name == script)?;
    Some(scenarios(name, of))
}

fn scenarios(script: &str, of: &Of) -> Result<Vec<Scenario>, ExportError> {
    let (Of::All(app) | Of::AllShaped(app, _) | Of::These(app, _) | Of::Shaped(app, ..)) = of;
    let suite = suites::suite(*app);
    let picked = match of {
        Of::All(_) | Of::AllShaped(..) => suite.scenarios,
        Of::These(_, ids) | Of::Shaped(_, ids, _) => {
            let find = |id: &&str| {
                let missing = || ExportError::NoSuchScenario { script: script.to_owned(), scenario: (*id).to_owned() };
                suite.scenario(id).cloned().ok_or_else(missing)
            };
            ids.iter().map(find).collect::<Result<_, _>>()?
        }
    };
    Ok(match of {
        Of::All(_) | Of::These(..) => picked,
        Of::AllShaped(_, shape) | Of::Shaped(_, _, shape) => {
            picked.iter().map(|scenario| shape.apply(scenario, TimeScale::FULL)).collect()
        }
    })
}

#[cfg(test)]
mod tests;
