//! What the decisions in a record come to for one request.

use std::collections::BTreeMap;

use super::judge::{Signed, examine, fits, forbids};
use super::{Approvers, Decision, Entry, Noted, Refused, Request, Word};

/// What decisions come to for one request.
#[derive(Debug, Default)]
pub(super) struct Weighed {
    /// Grants that hold, of different approvers.
    pub(super) good: Vec<Signed>,
    /// The refusal that counts.
    pub(super) declined: Option<Signed>,
    /// Decisions on this run and action that do not hold, with their nonces.
    pub(super) rejected: Vec<(String, Refused)>,
}

/// Goes through the decisions on a run in order: the newest word of an approver counts, and any refusal undoes earlier grants.
/// A refusal does not lapse, so that no older grant comes back; a later grant lifts it. `own` is another record that may know of uses.
pub(super) fn weigh(lines: &[Noted], own: &[Noted], request: &Request, approvers: &Approvers, now_ms: i64) -> Weighed {
    let mut spent = spent(own);
    spent.extend(self::spent(lines));
    let mut weighed = Weighed::default();
    for line in lines {
        let Some(envelope) = line.entry.envelope() else { continue };
        let signed = match examine(envelope, approvers) {
            Ok(signed) => signed,
            Err(why) => {
                let of_others = Decision::read(envelope).is_ok_and(|read| !is_about(&read.on, request));
                weighed.rejected.extend((!of_others).then(|| (line.hash.clone(), why)));
                continue;
            }
        };
        let decision = signed.decision();
        if !is_about(&decision.on, request) {
            continue;
        }
        if decision.word == Word::Refuse {
            if forbids(decision, request) {
                weighed.good.clear();
                weighed.declined = Some(signed);
            }
            continue;
        }
        weighed.declined = None;
        let used = spent.get(decision.nonce.as_str());
        let used = used.map_or(Ok(()), |at| Err(Refused::Used { at: (*at).to_owned() }));
        match used.and_then(|()| fits(decision, request, now_ms)) {
            Err(why) => weighed.rejected.push((decision.nonce.clone(), why)),
            Ok(()) => {
                weighed.good.retain(|other| other.by() != signed.by());
                weighed.good.push(signed);
            }
        }
    }
    weighed
}

fn is_about(on: &Request, request: &Request) -> bool {
    on.run == request.run && on.action == request.action
}

/// The nonces that were used, with the time of that.
fn spent(lines: &[Noted]) -> BTreeMap<&str, &str> {
    let uses = lines.iter().filter_map(|line| match &line.entry {
        Entry::Used { nonces, .. } => Some(nonces.iter().map(|nonce| (nonce.as_str(), line.at.as_str()))),
        _ => None,
    });
    uses.flatten().collect()
}
