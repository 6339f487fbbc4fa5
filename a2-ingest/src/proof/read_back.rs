//! Asking A2 for the events of one trace after the other.

use std::time::Duration;

use common::check::CheckContext;
use common::client::Client;
use common::ids::{AppId, TraceId};
use common::load::Told;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// Questions at a time.
const READERS: usize = 8;

/// What A2 has under one trace.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// One event, as it was sent.
    Once,
    Twice(usize),
    /// One event, with this in it instead.
    Altered(String),
    /// A2 did not answer, or not with a lineage.
    Unread(String),
}

/// Asks for each, a few at a time and never faster than the target allows; in the order of iterations.
pub(super) async fn find(cx: &CheckContext, told: &[Told]) -> Vec<(Told, Found)> {
    let most = cx.client.guard().environment().limits().max_rate_per_s;
    let every = Duration::from_secs_f64(f64::from(u32::try_from(READERS).unwrap_or(1)) / most.max(0.1));
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let own: Vec<Told> = told.iter().skip(reader).step_by(READERS).copied().collect();
        let client = cx.client.clone();
        readers.spawn(async move {
            let mut pace = tokio::time::interval(every);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut found = Vec::with_capacity(own.len());
            for told in own {
                pace.tick().await;
                found.push((told, look(&client, told).await));
            }
            found
        });
    }
    let mut all = Vec::with_capacity(told.len());
    while let Some(found) = readers.join_next().await {
        all.extend(found.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    all.sort_by_key(|(told, _)| *told);
    all
}

async fn look(client: &Client, told: Told) -> Found {
    match events(client, told.trace_id).await {
        Err(why) => Found::Unread(why),
        Ok(events) => match events.as_slice() {
            [] => Found::Nothing,
            [one] => match one.pointer("/payload/iteration") {
                Some(Value::String(seen)) if *seen == told.iteration.to_string() => Found::Once,
                other => Found::Altered(format!("iteration {}", other.unwrap_or(&Value::Null))),
            },
            more => Found::Twice(more.len()),
        },
    }
}

async fn events(client: &Client, trace: TraceId) -> Result<Vec<Value>, String> {
    let reply = client.get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await;
    let reply = reply.map_err(|error| error.to_string())?;
    match reply.status {
        404 => Ok(Vec::new()),
        200 => {
            let events = reply.pointer("/events").and_then(|events| events.as_array().cloned());
            events.ok_or_else(|| "the lineage lists no `events`".to_owned())
        }
        status => Err(format!("status {status}")),
    }
}
