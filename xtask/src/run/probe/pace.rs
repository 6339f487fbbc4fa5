//! Apps that do not take the pace of a shortened run. A shorter time is made up for by a higher pace; an app that cannot take
//! it is measured again at the workload's own, which it promised to take.

use common::scenario::Scenario;

use super::{Gauged, measure};
use crate::run::{Run, RunError};
use crate::suites;

/// Iterations that were never begun, of all that were meant, above which a load says nothing of the app.
const DROPPED: f64 = 0.001;

/// The same loads; those in whose place another pace was needed are replaced.
pub(super) async fn kept(run: &mut Run, phase: u8, first: Vec<Gauged>) -> Result<Vec<Gauged>, RunError> {
    let slower: Vec<Scenario> = overrun(&first).iter().filter_map(|scenario| at_its_own(run, scenario)).collect();
    if slower.is_empty() {
        return Ok(first);
    }
    for scenario in &slower {
        let text = format!(
            "{}: the pace of a shortened run is too much for {}: measured again at its own",
            scenario.id, scenario.app
        );
        run.note(phase, Some(scenario.app), text)?;
    }
    let again = measure(run, phase, slower, 1).await?;
    let is_replaced = |gauged: &Gauged| again.iter().any(|fresh| fresh.scenario.id == gauged.scenario.id);
    let mut kept: Vec<Gauged> = first.into_iter().filter(|gauged| !is_replaced(gauged)).collect();
    kept.extend(again);
    Ok(kept)
}

/// Workloads of which iterations were not begun because all users still waited for an answer.
fn overrun(first: &[Gauged]) -> Vec<Scenario> {
    let mut scenarios: Vec<Scenario> = Vec::new();
    for gauged in first.iter().filter(|gauged| gauged.scenario.profile_scaled) {
        let (dropped, done) = (gauged.figures.generator.dropped_iterations, gauged.figures.requests);
        let share = dropped as f64 / (dropped + done).max(1) as f64;
        if share > DROPPED && !scenarios.iter().any(|known| known.id == gauged.scenario.id) {
            scenarios.push(gauged.scenario.clone());
        }
    }
    scenarios
}

/// The workload at the pace that its suite gives it, if that is another.
fn at_its_own(run: &Run, scenario: &Scenario) -> Option<Scenario> {
    let own = suites::suite(scenario.app).scenario(&scenario.id)?.clone().unscaled();
    let own = Scenario { profile_scaled: true, ..run.plan.sized(&own) };
    (own.executor != scenario.executor).then_some(own)
}
