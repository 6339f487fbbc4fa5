//! `baseline_results.json`: every route under every load, with its histogram, for comparison with later runs.

use serde::Serialize;

use super::{Artifact, Head, json};
use crate::record::{RouteFigures, RunView};

#[derive(Serialize)]
struct Baseline<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// The harness's own version.
    version: &'a str,
    cores: u32,
    routes: Vec<&'a RouteFigures>,
}

/// The figures of phase 2 as they were recorded.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let started = view.started.as_ref();
    let baseline = Baseline {
        schema: "handshake-baseline/1",
        head: Head::of(view),
        version: started.map_or("none", |run| &run.version),
        cores: started.map_or(0, |run| run.cores),
        routes: view.figures.iter().filter(|figures| figures.phase == 2).collect(),
    };
    vec![Artifact::report("baseline_results.json", json(&baseline))]
}
