//! Failed attempts from two sources: A3's own list, and what the fault proxies refused.

use common::clock;
use common::fault::Applied;
use common::ids::TraceId;
use common::slo::FailedAttempt;
use serde_json::Value;

use super::ask::{Asked, Run};
use super::party::Party;
use crate::embedded::Embedded;
use crate::record::AttemptsCompared;

/// The proxies and A3 read the same clock; what is allowed is that one of them was kept waiting.
const TOLERANCE_MS: i64 = 50;
/// The most differences that are told.
const TOLD: usize = 10;

/// An attempt that A3 lists as answered 503.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) party: Party,
    run: String,
    /// The trace in which the party was asked; none if A3 does not tell.
    trace: Option<TraceId>,
    at_ms: i64,
    ended_ms: i64,
    /// Which attempt at its step it was.
    number: u32,
    /// Its pause; none for the last one, after which A3 gave up.
    pub(super) failed: Option<FailedAttempt>,
}

/// A request that a proxy answered 503.
#[derive(Debug, Clone)]
struct Refused {
    party: Party,
    trace: Option<TraceId>,
    at_ms: i64,
}

/// Joins what A3 lists of all its runs with what the proxies refused, and gives the failed attempts: when the next one
/// came is the proxy's word wherever it refused that one too.
pub(super) async fn compared(
    asked: &Asked,
    embedded: &Embedded,
) -> Result<(AttemptsCompared, Vec<FailedAttempt>), String> {
    let shown = asked.settled(&asked.runs).await?;
    let listed: Vec<Listed> = asked.runs.iter().zip(&shown).flat_map(|(run, shown)| self::listed(run, shown)).collect();
    let refused: Vec<Refused> = Party::all().flat_map(|party| refused(embedded, party)).collect();
    Ok(joined(listed, refused))
}

/// The attempts of a run that were answered 503.
pub(super) fn listed(run: &Run, shown: &Value) -> Vec<Listed> {
    let of_party = |party: Party| {
        let log = party.log(shown);
        let read = move |(index, one): (usize, &Value)| {
            let next = log.get(index + 1);
            let number = u32::try_from(one["attempt"].as_i64()?).ok()?;
            let (at_ms, ended_ms) = (one["at_ms"].as_i64()?, one["ended_ms"].as_i64()?);
            let next_ms = next.and_then(|next| next["at_ms"].as_i64());
            let retry_after_ms = one["retry_after_ms"].as_u64();
            let failed = one["pause_ms"].as_u64().map(|pause_ms| FailedAttempt {
                number,
                ended_ms,
                pause_ms,
                retry_after_ms,
                next_ms,
            });
            let trace = party.in_trace.then_some(run.trace);
            // After the last attempt A3 gives up, and says why in words alone.
            let gave_up =
                one["outcome"] == "refused" && one["reason"].as_str().is_some_and(|why| why.contains("answered 503"));
            let is_failure = one["outcome"] == "failed" && one["status"] == 503;
            (is_failure || gave_up).then(|| Listed {
                party,
                run: run.id.clone(),
                trace,
                at_ms,
                ended_ms,
                number,
                failed,
            })
        };
        log.iter().enumerate().filter_map(read).collect::<Vec<_>>()
    };
    Party::all().flat_map(of_party).collect()
}

fn refused(embedded: &Embedded, party: Party) -> Vec<Refused> {
    let Some(proxy) = embedded.proxy(party.edge().at, party.edge().from) else { return Vec::new() };
    let own = |applied: &Applied| applied.rule == party.breaker;
    let read = |applied: Applied| Refused {
        party,
        trace: applied.trace_id.filter(|_| party.in_trace),
        at_ms: applied.at_unix_ms,
    };
    proxy.applied().into_iter().filter(own).map(read).collect()
}

/// Each attempt with the request that was refused while it was under way, one to one. Attempts are taken in the order of
/// their ends and get the earliest request that fits, which leaves as few alone as possible.
fn joined(mut listed: Vec<Listed>, mut refused: Vec<Refused>) -> (AttemptsCompared, Vec<FailedAttempt>) {
    listed.sort_by_key(|one| one.ended_ms);
    refused.sort_by_key(|one| one.at_ms);
    let mut found =
        AttemptsCompared { listed: listed.len() as u64, refused: refused.len() as u64, ..AttemptsCompared::default() };
    let mut arrived: Vec<(&Listed, Option<i64>)> = Vec::new();
    for one in &listed {
        let at = refused.iter().position(|request| fits(one, request));
        arrived.push((one, at.map(|at| refused.remove(at).at_ms)));
    }
    for (one, at_ms) in &arrived {
        if at_ms.is_some() {
            found.matched += 1;
        } else {
            found.never_refused += 1;
            let at = clock::rfc3339(one.at_ms);
            let party = one.party.breaker;
            note(&mut found, format!("{party}: attempt {} of run {} at {at} was never refused", one.number, one.run));
        }
    }
    for request in &refused {
        found.unlisted += 1;
        let at = clock::rfc3339(request.at_ms);
        note(&mut found, format!("{}: a request was refused at {at} that A3 does not list", request.party.breaker));
    }
    let next_of = |of: &Listed| {
        let next = arrived
            .iter()
            .find(|(one, _)| (one.run.as_str(), one.party, one.number) == (of.run.as_str(), of.party, of.number + 1));
        next.and_then(|(_, at_ms)| *at_ms)
    };
    let failed = listed.iter().filter_map(|one| {
        let failed = one.failed?;
        Some(FailedAttempt { next_ms: next_of(one).or(failed.next_ms), ..failed })
    });
    (found, failed.collect())
}

fn fits(one: &Listed, request: &Refused) -> bool {
    let in_time = (one.at_ms - TOLERANCE_MS..=one.ended_ms + TOLERANCE_MS).contains(&request.at_ms);
    one.party == request.party && one.trace == request.trace && in_time
}

fn note(found: &mut AttemptsCompared, what: String) {
    if found.examples.len() < TOLD {
        found.examples.push(what);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> Run {
        Run { trace: TraceId::from_u128(7), id: "r1".into() }
    }

    fn a7() -> Party {
        Party::all().find(|party| party.breaker == "a7").unwrap()
    }

    /// Three failed attempts at A7, with pauses of 60 and 150 ms.
    fn shown() -> Value {
        let one = |number: i64, at_ms: i64, pause_ms: i64| {
            json!({ "attempt": number, "at_ms": at_ms, "ended_ms": at_ms + 10, "outcome": "failed", "status": 503,
                    "pause_ms": pause_ms, "retry_after_ms": null })
        };
        let mut log = vec![one(1, 1_000, 60), one(2, 1_100, 150), one(3, 1_300, 20)];
        log.push(json!({ "attempt": 4, "at_ms": 1_400, "ended_ms": 1_420, "outcome": "done" }));
        json!({ "steps": [{ "name": "build_page", "attempt_log": log }], "side_jobs": [] })
    }

    fn at(times: &[i64]) -> Vec<Refused> {
        times.iter().map(|at_ms| Refused { party: a7(), trace: Some(run().trace), at_ms: *at_ms }).collect()
    }

    #[test]
    fn attempts_and_refused_requests_that_fit_are_one_and_the_same() {
        let (found, failed) = joined(listed(&run(), &shown()), at(&[1_005, 1_104, 1_306]));
        assert_eq!((found.listed, found.refused, found.matched), (3, 3, 3));
        assert_eq!((found.never_refused, found.unlisted), (0, 0));
        let next: Vec<_> = failed.iter().map(|one| one.next_ms).collect();
        assert_eq!(next, [Some(1_104), Some(1_306), Some(1_400)], "by the proxy's clock wherever it refused the next");
    }

    #[test]
    fn a_request_that_a3_does_not_list_is_found() {
        let (found, _) = joined(listed(&run(), &shown()), at(&[1_005, 1_007, 1_104, 1_306]));
        assert_eq!((found.matched, found.unlisted, found.never_refused), (3, 1, 0));
        assert!(found.examples[0].contains("that A3 does not list"), "{:?}", found.examples);
    }

    #[test]
    fn an_attempt_that_nobody_refused_is_found_and_so_is_one_of_another_trace() {
        let (found, _) = joined(listed(&run(), &shown()), at(&[1_005, 1_306]));
        assert_eq!((found.matched, found.unlisted, found.never_refused), (2, 0, 1));
        let elsewhere =
            at(&[1_005]).into_iter().map(|one| Refused { trace: Some(TraceId::from_u128(8)), ..one }).collect();
        let (found, _) = joined(listed(&run(), &shown()), elsewhere);
        assert_eq!((found.matched, found.unlisted, found.never_refused), (0, 1, 3));
    }

    #[test]
    fn a_retry_that_comes_before_its_pause_is_over_is_seen_by_the_proxy() {
        let (_, failed) = joined(listed(&run(), &shown()), at(&[1_005, 1_055, 1_306]));
        let early = common::slo::BackoffFindings::of(super::super::PAUSES, &failed).early;
        assert_eq!(early, 1, "A3 lists the second attempt at 1,100, the proxy saw it at 1,055");
    }

    #[test]
    fn overlapping_attempts_of_a_token_are_joined_by_time_alone() {
        let token = Party::all().find(|party| !party.in_trace).unwrap();
        let listed = |number: u32, at_ms: i64, ended_ms: i64| Listed {
            party: token,
            run: format!("r{number}"),
            trace: None,
            at_ms,
            ended_ms,
            number: 1,
            failed: None,
        };
        let refused = |at_ms| Refused { party: token, trace: None, at_ms };
        let all = vec![listed(1, 1_000, 2_000), listed(2, 1_100, 1_200)];
        let (found, _) = joined(all, vec![refused(1_150), refused(1_900)]);
        assert_eq!((found.matched, found.unlisted, found.never_refused), (2, 0, 0), "{found:?}");
    }
}
