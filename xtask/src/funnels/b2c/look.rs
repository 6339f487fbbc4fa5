//! Asks the apps what they know of each walk, until all of it is there or the arrival limit has passed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::clock;
use common::ids::{AppId, TraceId};
use serde_json::Value;

use super::{PAID, SIGNED_UP, events};
use crate::record::{StudentSeen, StudentWalk, StudentWalks};
use crate::run::{Run, RunError};

/// How often is asked again.
const AGAIN: Duration = Duration::from_millis(100);

/// Looks for every walk that got to its dashboard. The arrival limit begins for all of them at the end of the last one.
pub(super) async fn at_all(run: &Run, walks: &mut StudentWalks, since_ms: i64) -> Result<(), RunError> {
    let began = clock::monotonic();
    let until_ms = clock::unix_ms();
    let deadline = began + run.context.patience;
    for walk in walks.walks.iter_mut().filter(|walk| walk.passed(SIGNED_UP)) {
        let seen = until_there(run, walk, began, deadline).await?;
        walk.seen = Some(seen);
    }
    let namespace = run.guard.environment().labels().namespace.clone();
    let path = format!("/api/tiles/growth?namespace={namespace}&since_ms={since_ms}&until_ms={until_ms}");
    walks.growth = body(run, AppId::A8, &path).await;
    Ok(())
}

async fn until_there(
    run: &Run,
    walk: &StudentWalk,
    began: Instant,
    deadline: Instant,
) -> Result<StudentSeen, RunError> {
    let mut again = tokio::time::interval(AGAIN);
    again.tick().await;
    loop {
        run.go_on()?;
        let mut seen = once(run, walk.trace_id).await;
        if complete(walk, &seen) {
            seen.after_ms = i64::try_from(began.elapsed().as_millis()).ok();
            return Ok(seen);
        }
        let dead = super::APPS.into_iter().any(|app| run.is_dead(app));
        if dead || clock::monotonic() > deadline {
            return Ok(seen);
        }
        again.tick().await;
    }
}

/// True if each app has told what it has to tell of the walk, as far as the walk got.
fn complete(walk: &StudentWalk, seen: &StudentSeen) -> bool {
    let told = events::expected(walk).all(|(name, times)| seen.events.get(&name).is_some_and(|seen| *seen >= times));
    let settled = seen.finance.get("settlements").and_then(Value::as_u64).is_some_and(|n| n > 0);
    told && seen.kept_by_a2 > 0 && (settled || !walk.passed(PAID))
}

async fn once(run: &Run, trace: TraceId) -> StudentSeen {
    let namespace = &run.guard.environment().labels().namespace;
    let kept = body(run, AppId::A2, &format!("/api/v1/lineage/{trace}")).await;
    let finance = |namespace: &str| format!("/api/tiles/finance?namespace={namespace}&trace_id={trace}");
    let live = body(run, AppId::A8, &finance("live")).await;
    StudentSeen {
        events: told(&body(run, AppId::A8, &format!("/api/lineage/{trace}")).await),
        kept_by_a2: kept.pointer("/events").and_then(Value::as_array).map_or(0, |list| list.len() as u64),
        log: body(run, AppId::A5, &format!("/api/transactions/{trace}")).await,
        finance: body(run, AppId::A8, &finance(namespace)).await,
        live_settlements: live.get("settlements").and_then(Value::as_u64),
        after_ms: None,
    }
}

/// Events of a lineage by app and name, with how often each is there.
fn told(lineage: &Value) -> BTreeMap<String, u64> {
    let mut events = BTreeMap::new();
    for entry in lineage.pointer("/events").and_then(Value::as_array).into_iter().flatten() {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        if let (Some(app), Some(name)) = (text("/event/app_id"), text("/event/event")) {
            *events.entry(format!("{app} {name}")).or_default() += 1;
        }
    }
    events
}

/// An answer's body; nothing where there is none.
async fn body(run: &Run, app: AppId, path: &str) -> Value {
    let reply = run.context.client.get(app, path).send().await;
    reply.ok().filter(|reply| reply.status == 200).and_then(|reply| reply.json().ok()).unwrap_or_default()
}
