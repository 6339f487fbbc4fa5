//! A3 killed in the middle of runs, and started again on its port and data.

use common::clock;
use common::fault::{Action, Rule, Rules};
use common::ids::AppId;

use super::ask::{Asked, is_completed};
use super::outage::millis;
use super::told;
use crate::embedded::{Embedded, EmbeddedError};
use crate::record::CrashOutage;

/// Runs under way when A3 is killed.
const UNDER_WAY: usize = 6;
/// How long A7 takes then, so that they are under way.
const BUILD_MS: u64 = 400;

/// Kills A3 while it waits for A7, starts it again, and follows what it had acknowledged.
pub(super) async fn drive(asked: &mut Asked, embedded: &mut Embedded) -> Result<CrashOutage, String> {
    let slow = Rule::new("slow").on("POST", "/api/pages").does(Action::delay_ms(BUILD_MS));
    let proxy = embedded.proxy(AppId::A7, Some(AppId::A3)).ok_or("no proxy stands between A3 and A7")?;
    proxy.replace(Rules::of(vec![slow]).map_err(told)?);
    let first = asked.runs.len();
    for _ in 0..UNDER_WAY {
        if asked.ask().await?.run.is_none() {
            break;
        }
    }
    let passed = || async { Ok(proxy.counts().get("slow").is_some_and(|n| *n > 0).then_some(())) };
    asked.until(passed).await?;
    embedded.kill(AppId::A3).await.map_err(told)?;
    if let Some(proxy) = embedded.proxy(AppId::A7, Some(AppId::A3)) {
        proxy.replace(Rules::none());
    }
    let runs = &asked.runs[first..];
    let mut crash = CrashOutage { acknowledged: runs.len() as u64, ..CrashOutage::default() };
    match embedded.restart(AppId::A3).await {
        Ok(()) => {}
        // It is A3 that does not come back.
        Err(error @ (EmbeddedError::Refused(_) | EmbeddedError::Silent { .. })) => {
            crash.not_started = Some(told(error));
            return Ok(crash);
        }
        Err(error) => return Err(told(error)),
    }
    let started = clock::monotonic();
    let shown = asked.settled(runs).await?;
    crash.completed = shown.iter().filter(|run| is_completed(run)).count() as u64;
    crash.settled_after_ms = (crash.completed == crash.acknowledged).then(|| millis(started.elapsed()));
    Ok(crash)
}
