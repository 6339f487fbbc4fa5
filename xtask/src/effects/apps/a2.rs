//! A2: events one by one and in batches, kept and forwarded.

use common::client::{Client, Request};
use common::history::{Expected, History, Intent, Lookup, Step};
use common::ids::AppId;
use serde_json::{Value, json};

use super::{World, command, kept, text};

/// Events of a batch.
const BATCH: u64 = 3;

fn event(step: &Step, part: u64) -> Value {
    let subject = format!("effect {}.{part}", step.number);
    json!({ "event_type": "lead", "subject": subject, "payload": { "drawn": format!("{:016x}", step.draw), "part": part } })
}

pub(super) fn intent(step: &Step) -> Intent {
    let is_batch = step.kind == "batch";
    let events: Vec<Value> = (0..if is_batch { BATCH } else { 1 }).map(|part| event(step, part)).collect();
    let lookup = if is_batch { Lookup::ByTrace } else { Lookup::ByTraceAsAnswered };
    let mut effects: Vec<Expected> = events
        .iter()
        .map(|event| {
            Expected::once(kept::place("lead")).named(&text(event, "subject")).saying(event.clone()).found(lookup)
        })
        .collect();
    let told = Expected::once(command::place(AppId::A2, "lead_captured"));
    effects.push(if is_batch {
        told.times(BATCH)
    } else {
        told.saying(json!({ "idempotency_key": step.key, "test_run": true }))
    });
    let argument = if is_batch { json!(events) } else { events[0].clone() };
    Intent {
        key: step.key.clone(),
        trace_id: step.trace_id,
        app: AppId::A2,
        kind: step.kind.to_owned(),
        argument,
        effects,
        atomic: true,
    }
}

pub(super) fn request(client: &Client, intent: &Intent) -> Request {
    let path = if intent.kind == "batch" { "/api/v1/events/batch" } else { "/api/v1/events" };
    client.post(AppId::A2, path).trace(intent.trace_id).idempotency_key(&intent.key).json(&intent.argument)
}

pub(super) async fn read_back(world: &World, history: &mut History) -> Result<(), String> {
    for intent in &history.intents {
        let name = |event: &Value| (kept::place(&text(event, "event_type")), text(event, "subject"));
        history.seen.extend(kept::of_trace(&world.direct, intent.trace_id, name).await?);
    }
    command::read_back(world, history, |_| false).await
}
