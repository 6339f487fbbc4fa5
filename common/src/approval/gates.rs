//! What waits, and how what was asked for stands.

use super::weigh::{Weighed, weigh};
use super::{Approvers, Entry, Noted, Refused, Request};
use crate::clock;
use crate::ids::RunId;

/// One request of a run, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// What was asked for.
    pub request: Request,
    /// The phase of the run.
    pub phase: u8,
    /// When it was asked for first.
    pub asked_at: String,
    /// How it stands.
    pub state: GateState,
    /// True if the run ended without an answer.
    pub escalated: bool,
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateState {
    /// Too few have granted it; decisions that do not hold are listed.
    Waiting {
        /// Valid grants so far.
        have: u32,
        /// How many it takes.
        needed: u32,
        /// Why others do not hold.
        rejected: Vec<Refused>,
    },
    /// The run may use it until then.
    Granted {
        /// Who granted it.
        by: Vec<String>,
        /// RFC 3339.
        until: String,
    },
    /// The run went on under it.
    Used {
        /// Who had granted it.
        by: Vec<String>,
        /// RFC 3339.
        at: String,
    },
    /// Somebody said no.
    Refused {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// The requests of a run, or of all, in the order in which they were made.
#[must_use]
pub fn gates(lines: &[Noted], run: Option<&RunId>, approvers: &Approvers, now_ms: i64) -> Vec<Gate> {
    let mut gates: Vec<Gate> = Vec::new();
    for line in lines {
        let Entry::Requested { request, phase } = &line.entry else { continue };
        let wanted = run.is_none_or(|run| request.run == *run);
        if !wanted || gates.iter().any(|gate| gate.request == *request) {
            continue;
        }
        let own = |other: &Request| other == request;
        let escalated =
            lines.iter().any(|line| matches!(&line.entry, Entry::Escalated { request, .. } if own(request)));
        gates.push(Gate {
            request: request.clone(),
            phase: *phase,
            asked_at: line.at.clone(),
            state: state(lines, request, approvers, now_ms),
            escalated,
        });
    }
    gates
}

fn state(lines: &[Noted], request: &Request, approvers: &Approvers, now_ms: i64) -> GateState {
    let last = lines.iter().rev().find_map(|line| match &line.entry {
        Entry::Requested { request: other, .. } if other == request => Some(None),
        Entry::Used { request: other, by, .. } if other == request => Some(Some((by.clone(), line.at.clone()))),
        _ => None,
    });
    let Weighed { good, declined, rejected } = weigh(lines, &[], request, approvers, now_ms);
    let needed = approvers.needed(request.action);
    let have = u32::try_from(good.len()).unwrap_or(u32::MAX);
    if have >= needed {
        let until = good.iter().map(|signed| signed.decision().expires_ms).min().unwrap_or_default();
        let by = good.iter().map(|signed| signed.by().to_owned()).collect();
        return GateState::Granted { by, until: clock::rfc3339(until) };
    }
    if let Some((by, at)) = last.flatten() {
        return GateState::Used { by, at };
    }
    if let Some(signed) = declined {
        return GateState::Refused { by: signed.by().to_owned(), reason: signed.decision().reason.clone() };
    }
    GateState::Waiting { have, needed, rejected: rejected.into_iter().map(|(_, why)| why).collect() }
}
