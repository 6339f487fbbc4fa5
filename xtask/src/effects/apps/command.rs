//! What A8 was told: every event of some names from one app, whoever asked for it.

use common::client::Client;
use common::history::{History, Place, Seen};
use common::ids::AppId;
use serde_json::Value;

use super::{World, items, read, text};

/// The most events of one page.
const PAGE: usize = 1_000;

/// Where A8 keeps an app's events of a name.
pub(super) fn place(app: AppId, event: &str) -> Place {
    Place::new(AppId::A8, &format!("{event} of {app}"))
}

/// Adds an app's events of these names. Those of earlier cells, and those that `is_left_out` names, are not part of this
/// history; everything else must be explained by it.
pub(super) async fn read_back(
    world: &World,
    history: &mut History,
    app: AppId,
    events: &[&str],
    is_left_out: impl Fn(&str, &Seen) -> bool,
) -> Result<(), String> {
    for name in events {
        for event in all(&world.direct, app, name).await? {
            let told = &event["event"];
            let Ok(trace_id) = text(told, "trace_id").parse() else {
                return Err(format!("A8 lists {name} with the trace id {}", told["trace_id"]));
            };
            let seen = Seen {
                place: place(app, name),
                name: String::new(),
                trace_id,
                id: text(told, "event_id"),
                value: told.clone(),
                at_ms: event["received_at_ms"].as_i64(),
            };
            if !world.earlier.contains(&trace_id) && !is_left_out(name, &seen) {
                history.seen.push(seen);
            }
        }
    }
    Ok(())
}

async fn all(client: &Client, app: AppId, name: &str) -> Result<Vec<Value>, String> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let path = format!("/api/events?app_id={app}&event={name}&limit={PAGE}&after={after}");
        let page = read(client, AppId::A8, &path).await?;
        events.extend(items(&page, "events").cloned());
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => return Ok(events),
        }
    }
}
