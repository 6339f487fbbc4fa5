//! Outages of those whom A3 calls: their breakers open, try, and close again. Parties of one front fail side by side.

use std::time::Duration;

use common::clock;
use common::fault::{Action, Answer, Rule, Rules};
use common::ids::AppId;
use common::slo::{self, FailedAttempt, Quantile};
use futures_util::future::try_join_all;

use super::ask::{Asked, ticks};
use super::attempts;
use super::party::{Outages, Party};
use super::told;
use super::transitions;
use super::watch::{Then, Watch};
use crate::embedded::Embedded;
use crate::record::{Cycle, PartyOutage, Share};

/// Runs that are asked for in each outage: five failures in a row open a breaker.
const RUNS: usize = 4;
/// How often the breakers are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The rule of the outage that says when to come back.
const RETRY_AFTER: &str = "retry_after";

/// Goes through the outages of one front.
pub(super) async fn drive(
    asked: &mut Asked,
    embedded: &Embedded,
    front: &[Party],
    times: u32,
) -> Result<Vec<PartyOutage>, String> {
    let mut cycles: Vec<Vec<Cycle>> = vec![Vec::new(); front.len()];
    for _ in 0..times {
        let seen = cycle(asked, embedded, front).await?;
        let over = seen.iter().any(|cycle| cycle.opened_after_ms.is_none() || cycle.closed_after_ms.is_none());
        cycles.iter_mut().zip(seen).for_each(|(all, one)| all.push(one));
        if over {
            break;
        }
    }
    let compared: Vec<_> = front.iter().map(|party| transitions::compared(asked, party.breaker)).collect();
    let compared = try_join_all(compared).await?;
    let mut outages = Vec::new();
    for ((party, cycles), compared) in front.iter().zip(cycles).zip(compared) {
        let mut recovered: Vec<u64> = cycles.iter().filter_map(|cycle| cycle.closed_after_ms).collect();
        recovered.sort_unstable();
        outages.push(PartyOutage {
            party: party.breaker.to_owned(),
            app: party.app,
            route: party.route(),
            cycles,
            recovery: slo::estimate(&recovered, Quantile::P50, 0.95, 1.0),
            compared,
            after: Share::default(),
        });
    }
    Ok(outages)
}

async fn cycle(asked: &mut Asked, embedded: &Embedded, front: &[Party]) -> Result<Vec<Cycle>, String> {
    let refused: Vec<u64> = front.iter().map(|party| Outages::refused(embedded, *party)).collect();
    let first = asked.runs.len();
    let mut outages = Outages::of(embedded, front)?;
    let (broke, broke_ms) = (clock::monotonic(), clock::unix_ms());
    for _ in 0..RUNS {
        if asked.ask().await?.run.is_none() {
            break;
        }
    }
    let mut watches: Vec<Watch> = front.iter().map(|party| Watch::new(*party, broke, broke_ms)).collect();
    let mut look = ticks(LOOK_EVERY);
    while !watches.iter().all(Watch::is_over) {
        look.tick().await;
        let breakers = asked.breakers().await?;
        let now = clock::monotonic();
        for watch in &mut watches {
            let shown = breakers.iter().find(|breaker| breaker["name"] == watch.party.breaker);
            if watch.look(shown, now, asked.within) == Then::Mend {
                outages.mend(watch.party)?;
            }
        }
    }
    asked.settled(&asked.runs[first..]).await?;
    let refused = front.iter().zip(refused).map(|(party, before)| Outages::refused(embedded, *party) - before);
    Ok(watches.iter().zip(refused).map(|(watch, refused)| watch.cycle(refused)).collect())
}

/// One outage in which A7 says when to come back; the failed attempts of its runs.
pub(super) async fn with_retry_after(asked: &mut Asked, embedded: &Embedded) -> Result<Vec<FailedAttempt>, String> {
    let proxy = embedded.proxy(AppId::A7, Some(AppId::A3)).ok_or("no proxy stands between A3 and A7")?;
    let first = asked.runs.len();
    let answer = Action::Status(Answer::of(503).retry_after(1));
    let rule = Rule::new(RETRY_AFTER).on("POST", "/api/pages").does(answer);
    let outage = proxy.set(Rules::of(vec![rule]).map_err(told)?);
    for _ in 0..2 {
        asked.ask().await?;
    }
    let refused = || async { Ok(proxy.counts().get(RETRY_AFTER).is_some_and(|n| *n >= 2).then_some(())) };
    asked.until(refused).await?;
    drop(outage);
    let runs = &asked.runs[first..];
    let shown = asked.settled(runs).await?;
    let listed = runs.iter().zip(&shown).flat_map(|(run, shown)| attempts::listed(run, shown));
    Ok(listed.filter(|one| one.party.app == AppId::A7).filter_map(|one| one.failed).collect())
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
