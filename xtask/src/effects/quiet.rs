//! Waiting until everything has come to rest. Nothing sleeps for a guessed time: what is looked for is there, or the time
//! limit is over.

use std::time::Duration;

use common::client::Client;
use common::clock;
use common::history::History;
use common::ids::{AppId, TraceId};

use super::apps::{Subject, answered, needs};

/// How often it is looked again.
const LOOK_EVERY: Duration = Duration::from_millis(40);

/// Waits until the app's own queues are empty and A8 has everything that was reported before now. False if the limit came
/// first.
pub(super) async fn rest(subject: &Subject, history: &History, limit: Duration) -> Result<bool, String> {
    let started = clock::monotonic();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    while !subject.is_settled(history).await? {
        if started.elapsed() >= limit {
            return Ok(false);
        }
        tick.tick().await;
    }
    // An app reports in order, and each of its errors: once A8 knows of this one, it knows of all that came before.
    let client = &subject.world().direct;
    let mut markers = Vec::new();
    for app in needs(subject.app()).iter().filter(|app| **app != AppId::A8) {
        let path = format!("/no/such/path/{}", app.lower());
        let marker = client.get(*app, &path).native_errors().send().await.map_err(|error| error.to_string())?;
        markers.push(marker.trace);
    }
    for marker in markers {
        while !arrived(client, marker).await? {
            if started.elapsed() >= limit {
                return Ok(false);
            }
            tick.tick().await;
        }
    }
    Ok(true)
}

async fn arrived(client: &Client, trace: TraceId) -> Result<bool, String> {
    Ok(answered(client, AppId::A8, &format!("/api/lineage/{trace}")).await?.status == 200)
}
