//! What A2 keeps of a trace, for its own intents and for those of apps that hand events over to it.

use common::client::Client;
use common::history::{Place, Seen};
use common::ids::{AppId, TraceId};
use serde_json::Value;

use super::{items, text};

/// Where A2 keeps the events of a type.
pub(super) fn place(what: &str) -> Place {
    Place::new(AppId::A2, what)
}

/// The events of a trace; `name` gives an event its place, and the name among those of the same place.
pub(super) async fn of_trace(
    client: &Client,
    trace_id: TraceId,
    name: impl Fn(&Value) -> (Place, String),
) -> Result<Vec<Seen>, String> {
    let path = format!("/api/v1/lineage/{trace_id}");
    let reply = super::answered(client, AppId::A2, &path).await?;
    let lineage = match reply.status {
        404 => return Ok(Vec::new()),
        200 => reply.json().map_err(|error| error.to_string())?,
        status => return Err(format!("{} answered {status}", reply.request())),
    };
    let seen = items(&lineage, "events").map(|event| {
        let (place, name) = name(event);
        Seen { place, name, trace_id, id: text(event, "event_id"), value: event.clone(), at_ms: None }
    });
    Ok(seen.collect())
}
