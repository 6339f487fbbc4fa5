//! Outages of somebody whom A3 calls: the breaker opens, tries, and closes again.

use common::clock;
use common::fault::{Action, Answer, Rule, Rules};
use common::ids::AppId;
use common::reconcile::{BreakerMove, BreakerRules, SeenEvent, compare_breaker, reported_moves};
use common::slo::{self, FailedAttempt, Quantile};
use serde_json::Value;

use super::ask::{Asked, failed_attempts};
use super::{BREAKER_OPEN_MS, ResiliencePlan, own, told};
use crate::embedded::Embedded;
use crate::record::{Cycle, PartyOutage};

/// Runs that are asked for in each outage: five failures in a row open a breaker.
const RUNS: usize = 4;
/// A3 lists so many changes of a breaker at most.
const KEPT: usize = 20;
/// The times of a change in A3 and in A8 are the same event's; what is allowed is rounding.
const TOLERANCE_MS: i64 = 250;
/// The rule of all outages.
const RULE: &str = "outage";

/// Goes through the outages of one party.
pub(super) async fn drive(
    asked: &mut Asked,
    embedded: &Embedded,
    (party, app, route): (&str, AppId, &str),
    plan: &ResiliencePlan,
) -> Result<PartyOutage, String> {
    let mut cycles = Vec::new();
    for _ in 0..plan.cycles {
        let cycle = cycle(asked, embedded, (party, app, route)).await?;
        let over = cycle.opened_after_ms.is_none() || cycle.closed_after_ms.is_none();
        cycles.push(cycle);
        if over {
            break;
        }
    }
    let mut recovered: Vec<u64> = cycles.iter().filter_map(|cycle| cycle.closed_after_ms).collect();
    recovered.sort_unstable();
    let recovery = slo::estimate(&recovered, Quantile::P50, 0.95, 1.0);
    let compared = compared(asked, party).await?;
    let after = own::after(asked, plan.after / 2).await?;
    Ok(PartyOutage { party: party.to_owned(), app, route: route.to_owned(), cycles, recovery, compared, after })
}

async fn cycle(
    asked: &mut Asked,
    embedded: &Embedded,
    (party, app, route): (&str, AppId, &str),
) -> Result<Cycle, String> {
    let proxy = embedded.proxy(app, Some(AppId::A3)).ok_or_else(|| format!("no proxy stands before {app}"))?;
    let refused_before = proxy.counts().get(RULE).copied().unwrap_or(0);
    let first = asked.runs.len();
    let outage = proxy.set(rules(route, Answer::of(503))?);
    let (broke, since_ms) = (clock::monotonic(), clock::unix_ms());
    for _ in 0..RUNS {
        asked.ask().await?;
    }
    let opened = reached(asked, party, |breaker| breaker["state"] != "closed").await?;
    let opened_after_ms = opened.then(|| millis(broke.elapsed()));
    let trial_failed = opened && reached(asked, party, |breaker| failed_trial(breaker, since_ms)).await?;
    drop(outage);
    let mended = clock::monotonic();
    let closed = reached(asked, party, |breaker| breaker["state"] == "closed").await?;
    let closed_after_ms = (opened && closed).then(|| millis(mended.elapsed()));
    asked.ended(&asked.runs[first..]).await?;
    let refused = proxy.counts().get(RULE).copied().unwrap_or(0) - refused_before;
    Ok(Cycle { refused, opened_after_ms, trial_failed, closed_after_ms })
}

/// One outage in which the party says when to come back; the failed attempts of its runs.
pub(super) async fn with_retry_after(asked: &mut Asked, embedded: &Embedded) -> Result<Vec<FailedAttempt>, String> {
    let proxy = embedded.proxy(AppId::A7, Some(AppId::A3)).ok_or("no proxy stands before A7")?;
    let (first, before) = (asked.runs.len(), proxy.counts().get(RULE).copied().unwrap_or(0));
    let outage = proxy.set(rules("POST /api/pages", Answer::of(503).retry_after(1))?);
    for _ in 0..2 {
        asked.ask().await?;
    }
    let refused = || async { Ok((proxy.counts().get(RULE).copied().unwrap_or(0) >= before + 2).then_some(())) };
    asked.context.eventually(refused).await.map_err(told)?;
    drop(outage);
    let shown = asked.ended(&asked.runs[first..]).await?;
    Ok(shown.iter().flat_map(failed_attempts).collect())
}

fn rules(route: &str, answer: Answer) -> Result<Rules, String> {
    let (method, path) = route.split_once(' ').unwrap_or(("POST", route));
    Rules::of(vec![Rule::new(RULE).on(method, path).does(Action::Status(answer))]).map_err(told)
}

/// True once the breaker is so; false if it is not in time.
async fn reached(asked: &Asked, party: &str, is_so: impl Fn(&Value) -> bool) -> Result<bool, String> {
    let began = clock::monotonic();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
    while began.elapsed() < asked.context.patience {
        look.tick().await;
        if is_so(&asked.breaker(party).await?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The changes that A3 lists, beside those that A8 was told of in the traces of the runs.
async fn compared(asked: &Asked, party: &str) -> Result<common::reconcile::BreakerComparison, String> {
    let rules = BreakerRules {
        tolerance_ms: TOLERANCE_MS,
        open_for_ms: i64::try_from(BREAKER_OPEN_MS).unwrap_or(i64::MAX),
        kept: KEPT,
    };
    let look = || async {
        let listed = listed(asked, party).await;
        let seen = seen(asked).await;
        let compared = compare_breaker(&listed, &reported_moves(AppId::A3, party, &seen), rules);
        Ok(compared.agrees().then_some(compared))
    };
    if let Some(compared) = asked.context.eventually(look).await.map_err(told)? {
        return Ok(compared);
    }
    let (listed, seen) = (listed(asked, party).await, seen(asked).await);
    Ok(compare_breaker(&listed, &reported_moves(AppId::A3, party, &seen), rules))
}

async fn listed(asked: &Asked, party: &str) -> Vec<BreakerMove> {
    let Ok(breaker) = asked.breaker(party).await else { return Vec::new() };
    let moves = breaker["transitions"].as_array().cloned().unwrap_or_default();
    let state = |one: &Value, name: &str| serde_json::from_value(one[name].clone()).ok();
    let read = |one: &Value| {
        Some(BreakerMove { from: state(one, "from")?, to: state(one, "to")?, at_ms: one["at_ms"].as_i64()? })
    };
    moves.iter().filter_map(read).collect()
}

async fn seen(asked: &Asked) -> Vec<SeenEvent> {
    let mut seen = Vec::new();
    for run in &asked.runs {
        let path = format!("/api/lineage/{}", run.trace);
        let Ok(reply) = asked.context.client.get(AppId::A8, &path).send().await else { continue };
        let events = reply.pointer("/events").unwrap_or_default();
        seen.extend(serde_json::from_value::<Vec<SeenEvent>>(events).unwrap_or_default());
    }
    seen
}

/// True if a trial was let through since then, and failed.
fn failed_trial(breaker: &Value, since_ms: i64) -> bool {
    let moves = breaker["transitions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_it = |one: &Value| {
        one["from"] == "half_open" && one["to"] == "open" && one["at_ms"].as_i64().is_some_and(|at| at >= since_ms)
    };
    moves.iter().any(is_it)
}

pub(super) fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
