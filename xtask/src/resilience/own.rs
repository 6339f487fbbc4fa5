//! Outages of A3 itself: 503 in front of it, and a kill in the middle of runs.

use common::clock;
use common::fault::{Action, Answer, Rule, Rules};
use common::ids::AppId;

use super::ask::Asked;
use super::outage::millis;
use super::told;
use crate::embedded::Embedded;
use crate::record::{CrashOutage, OwnOutage, Share};

/// Runs that are asked for while A3 answers 503.
const ASKED: u64 = 12;
/// Runs under way when A3 is killed.
const UNDER_WAY: usize = 6;
/// How long A7 takes then, so that they are under way.
const BUILD_MS: u64 = 400;

/// Every second request to start a run is answered 503: half of those never reached A3, the other half did.
pub(super) async fn drive(asked: &mut Asked, embedded: &Embedded, after: u32) -> Result<OwnOutage, String> {
    let proxy = embedded.proxy(AppId::A3, None).ok_or("no proxy stands before A3")?;
    let start = |id: &str, skip: u64, action: Action| {
        Rule::new(id).on("POST", "/orchestration/run").skip(skip).every(4).does(action)
    };
    let rules = Rules::of(vec![
        start("refused", 0, Action::Status(Answer::of(503))),
        start("taken_and_refused", 2, Action::CommitThenFail(Answer::of(503))),
    ]);
    let outage = proxy.set(rules.map_err(told)?);
    let (mut answered_503, first) = (0, asked.runs.len());
    for _ in 0..ASKED {
        answered_503 += asked.ask().await?;
    }
    drop(outage);
    asked.ended(&asked.runs[first..]).await?;
    let taken = (asked.runs.len() - first) as u64;
    Ok(OwnOutage { asked: ASKED, answered_503, taken, after: self::after(asked, after).await? })
}

/// Requests after an outage: what A3 tells of its runs, one after the other, and every twentieth a new run.
pub(super) async fn after(asked: &mut Asked, requests: u32) -> Result<Share, String> {
    let mut share = Share::default();
    for at in 0..requests {
        share.requests += 1;
        if at % 20 == 0 {
            share.errors += u64::from(asked.ask().await? > 0);
            continue;
        }
        let run = &asked.runs[at as usize % asked.runs.len()];
        let reply = asked.context.client.get(AppId::A3, &format!("/orchestration/runs/{}", run.id)).send().await;
        share.errors += u64::from(reply.is_ok_and(|reply| reply.status == 200)).abs_diff(1);
    }
    Ok(share)
}

/// Kills A3 while it waits for A7, starts it again, and follows what it had acknowledged.
pub(super) async fn kill(asked: &mut Asked, embedded: &mut Embedded) -> Result<CrashOutage, String> {
    let slow = Rule::new("slow").on("POST", "/api/pages").does(Action::delay_ms(BUILD_MS));
    let proxy = embedded.proxy(AppId::A7, Some(AppId::A3)).ok_or("no proxy stands before A7")?;
    proxy.replace(Rules::of(vec![slow]).map_err(told)?);
    let first = asked.runs.len();
    for _ in 0..UNDER_WAY {
        asked.ask().await?;
    }
    let passed = || async { Ok(proxy.counts().get("slow").is_some_and(|n| *n > 0).then_some(())) };
    asked.context.eventually(passed).await.map_err(told)?;
    embedded.kill(AppId::A3).await.map_err(told)?;
    if let Some(proxy) = embedded.proxy(AppId::A7, Some(AppId::A3)) {
        proxy.replace(Rules::none());
    }
    embedded.restart(AppId::A3).await.map_err(told)?;
    let started = clock::monotonic();
    let ended = asked.ended(&asked.runs[first..]).await?;
    let completed = ended.iter().filter(|run| run["state"] == "completed").count();
    let settled_after_ms = (ended.len() == UNDER_WAY).then(|| millis(started.elapsed()));
    Ok(CrashOutage { acknowledged: UNDER_WAY as u64, completed: completed as u64, settled_after_ms })
}
