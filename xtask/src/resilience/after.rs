//! After the outages: runs that are asked for once and followed to their end, so that every party is called again.

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::ask::{Asked, Run, is_completed};
use super::party::Party;
use crate::record::{Resilience, Share};

/// How many runs are under way at a time.
const AT_ONCE: usize = 12;
/// So many errors are proof enough, whatever would follow.
const ENOUGH: u64 = 20;

/// Asks for runs, and counts for A3 those that were not taken at once or did not complete, for each party the requests
/// to it that failed.
pub(super) async fn drive(asked: &mut Asked, runs: u32, seen: &mut Resilience) -> Result<(), String> {
    let mut taken = Vec::new();
    {
        let asked = &*asked;
        let mut coming = stream::iter(0..runs).map(|_| followed(asked)).buffer_unordered(AT_ONCE);
        while seen.own.after.errors < ENOUGH {
            let Some(followed) = coming.next().await else { break };
            let followed = followed?;
            let shown = followed.as_ref().map_or(&Value::Null, |(_, shown)| shown);
            seen.own.after.add(1, u64::from(!is_completed(shown)));
            for outage in &mut seen.parties {
                let party = Party::all().find(|party| party.breaker == outage.party);
                let (requests, errors) = party.map_or((0, 0), |party| requests(party, shown));
                outage.after.add(requests, errors);
            }
            taken.extend(followed.map(|(run, _)| run));
        }
    }
    asked.runs.extend(taken);
    Ok(())
}

/// A run that was asked for once, with what A3 shows of it at its end.
async fn followed(asked: &Asked) -> Result<Option<(Run, Value)>, String> {
    let Some(run) = asked.ask_once().await? else { return Ok(None) };
    let shown = asked.settled(std::slice::from_ref(&run)).await?.pop().unwrap_or_default();
    Ok(Some((run, shown)))
}

/// The requests to a party for a run, and how many of them were not answered as they should be.
fn requests(party: Party, run: &Value) -> (u64, u64) {
    let log = party.log(run);
    let failed = log.iter().filter(|attempt| attempt["outcome"] != "done").count();
    (log.len() as u64, failed as u64)
}

impl Share {
    fn add(&mut self, requests: u64, errors: u64) {
        self.requests += requests;
        self.errors += errors;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_attempt_is_a_request_and_one_that_is_not_done_is_an_error() {
        let log = json!([{ "outcome": "failed" }, { "outcome": "interrupted" }, { "outcome": "done" }]);
        let run = json!({
            "steps": [{ "name": "build_page", "attempt_log": log }],
            "side_jobs": [{ "party": "email", "attempt_log": [] }],
        });
        let of = |name: &str| requests(Party::all().find(|party| party.breaker == name).unwrap(), &run);
        assert_eq!((of("a7"), of("email"), of("a4")), ((3, 2), (0, 0), (0, 0)));
    }
}
