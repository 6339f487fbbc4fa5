//! Hours of A3's life that were played on a clock of their own; each line says that it is simulated.

use std::fmt::Write as _;

use a3_orchestration::simulation::SimulationReport;

use crate::record::RunView;
use crate::report::markdown::{cell, code, table};
use crate::report::{claims, text};

/// The section.
pub(super) fn section(out: &mut String, view: &RunView) {
    out.push_str("## SIMULATED: hours of A3's life\n\n");
    let ruled = claims::named(view, &["a3.autonomy.simulated"]);
    if !ruled.is_empty() {
        out.push_str(&claims::rows(view, &ruled));
    }
    let Some(played) = view.learning.as_ref().and_then(|learning| learning.simulation.as_ref()) else {
        let _ = writeln!(
            out,
            "SIMULATED: nothing was played in this run. {} plays it, for the reference A3 only.\n",
            code("cargo xtask suite learning")
        );
        return;
    };
    out.push_str(
        "SIMULATED: A3's own worker, breakers, bandit and database on a clock that is moved by hand, among parties that fail by \
         a seeded plan, with kills in the midst of runs. No network, no other app and no real time took part, so none of this is \
         evidence of autonomy in real time.\n\n",
    );
    let rows = facts(played).into_iter().map(|(what, figure)| vec![what.to_owned(), cell(&figure)]);
    out.push_str(&table(&["SIMULATED", "figure"], "<>", rows));
    for problem in &played.problems {
        let _ = writeln!(out, "- SIMULATED, must not be: {}", cell(problem));
    }
    if !played.problems.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(out, "The same story again: {}\n", code(&played.replay));
}

/// What a simulation showed, figure by figure.
pub(in crate::report) fn facts(played: &SimulationReport) -> Vec<(&'static str, String)> {
    let faults: Vec<_> = played.faults.iter().map(|(kind, n)| format!("{} {kind}", text::count(*n))).collect();
    vec![
        ("simulated minutes", played.virtual_minutes.to_string()),
        ("simulated minutes without a person, by A3's clock", format!("{:.1}", played.autonomy_minutes)),
        ("seed", played.seed.to_string()),
        ("runs", text::count(played.runs)),
        ("completed", text::count(played.completed)),
        ("failed", text::count(played.failed)),
        ("requests sent again under their key", text::count(played.repeats)),
        ("side jobs done", text::count(played.side_jobs_done)),
        ("side jobs dropped, each with a reason", text::count(played.side_jobs_dropped)),
        ("calls to other parties", text::count(played.calls)),
        ("faults", faults.join(", ")),
        ("kills", text::count(played.crashes)),
        ("changes of breakers", text::count(played.breaker_moves)),
        ("effects that happened twice", text::count(played.duplicates)),
        ("interventions that would have been needed", text::count(played.interventions)),
        ("longest stall of a run", text::delay(Some(played.longest_stall_ms))),
    ]
}
