//! What a run that has ended left to a person: found in its rulings, and gone through once she granted it.

use std::fmt;

use common::approval::{Approvers, GateState, Register, gates};
use common::clock;
use common::verdict::Verdict;

use super::leave::Desk;
use super::{Run, RunError, runner, shapes};
use crate::record::{Record, RunView};

/// A part of a run that can be gone through by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A shaped load of phase 2.
    Shape(String),
    /// A whole phase.
    Phase(u8),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(id) => f.write_str(id),
            Self::Phase(phase) => write!(f, "phase {phase}"),
        }
    }
}

/// The parts whose claims are held, in the order of the run.
pub(super) fn parts(view: &RunView) -> Vec<Part> {
    let known = shapes::ids();
    let mut parts: Vec<Part> = Vec::new();
    for ruling in view.rulings.iter().filter(|ruling| matches!(ruling.verdict, Verdict::Held { .. })) {
        let shape = ruling.claim.id.replacen('.', "_", 1);
        let part = if known.contains(&shape) { Part::Shape(shape) } else { Part::Phase(ruling.claim.phase) };
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

/// True if somebody granted something that a run may still use.
pub(super) fn granted(desk: &Desk, view: &RunView) -> Result<bool, String> {
    let Some(started) = &view.started else { return Ok(false) };
    let approvers = Approvers::load(&desk.approvers).map_err(|error| error.to_string())?;
    let lines = Register::read(&desk.register()).map_err(|error| error.to_string())?;
    let gates = gates(&lines, Some(&started.run_id), &approvers, clock::unix_ms());
    Ok(gates.iter().any(|gate| matches!(gate.state, GateState::Granted { .. })))
}

/// Goes through these parts only.
pub(super) async fn go_through(run: &mut Run, parts: &[Part]) -> Result<(), RunError> {
    let at = Run::at();
    run.record(Record::HeldResumed { at, parts: parts.iter().map(Part::to_string).collect() })?;
    let shapes: Vec<&str> =
        parts.iter().filter_map(|part| if let Part::Shape(id) = part { Some(id.as_str()) } else { None }).collect();
    if !shapes.is_empty() {
        shapes::run_some(run, |id| shapes.contains(&id)).await?;
        run.sync()?;
    }
    for part in parts {
        let Part::Phase(phase) = part else { continue };
        if let Some(planned) = run.plan.phases.iter().find(|planned| planned.phase == *phase).cloned() {
            runner::phase(run, &planned).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn what_is_held_says_which_part_to_go_through_again() {
        let view = fixture::view();
        // The spike has a part of its own; another claim of phase 2 is held with its whole phase.
        let parts = parts(&view);
        assert!(parts.contains(&Part::Shape("a2_spike".into())), "{parts:?}");
        assert!(parts.contains(&Part::Phase(2)), "{parts:?}");
        assert_eq!(parts.len(), 2);
        assert_eq!(super::parts(&RunView::default()), []);
    }
}
