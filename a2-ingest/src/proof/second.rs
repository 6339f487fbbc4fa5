//! Asking A8 which of the events it was told of.

use std::collections::BTreeMap;
use std::time::Duration;

use common::check::{ARRIVAL_LIMIT, CheckContext};
use common::clock;
use common::ids::{AppId, TraceId};
use common::load::Told;
use common::reconcile::SeenEvent;
use common::telemetry::EventName;
use serde::Deserialize;

use super::Proof;

/// What A2 tells A8 about an event of [`crate::recorded`].
pub(super) const EVENT: EventName = EventName::CtaImpression;
/// How often A8 is asked again while something is missing.
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// Events are asked for from this long before the load.
const BEFORE_MS: i64 = 1_000;
/// Events of one page.
const PAGE: usize = 1_000;

/// What A8 has of one event.
pub(super) enum Told8 {
    Missing,
    Once {
        /// Milliseconds from the event to its arrival.
        after_ms: i64,
    },
    Twice(usize),
}

/// The arrival limit in milliseconds.
pub(super) fn limit_ms() -> i64 {
    i64::try_from(ARRIVAL_LIMIT.as_millis()).unwrap_or(i64::MAX)
}

#[derive(Deserialize)]
struct Page {
    events: Vec<SeenEvent>,
}

/// Reads A8's events until each acknowledged one is there, or the patience ends.
pub(super) async fn ask(cx: &CheckContext, proof: &mut Proof, acknowledged: &[Told], since_unix_ms: i64) {
    if !cx.has(AppId::A8) {
        proof.a8_absent = Some("the target has no A8: add it to targets.yaml".to_owned());
        return;
    }
    let asked = clock::monotonic();
    let mut tick = tokio::time::interval(LOOK_EVERY);
    let mut reader = Reader { after: 0, since_ms: since_unix_ms - BEFORE_MS, seen: BTreeMap::new() };
    loop {
        tick.tick().await;
        reader.read_on(cx).await;
        let all = acknowledged.iter().all(|told| reader.seen.contains_key(&told.trace_id));
        if all || asked.elapsed() >= cx.patience {
            break;
        }
    }
    for told in acknowledged {
        let there = match reader.seen.get(&told.trace_id).map(Vec::as_slice) {
            None | Some([]) => Told8::Missing,
            Some([after_ms]) => Told8::Once { after_ms: *after_ms },
            Some(more) => Told8::Twice(more.len()),
        };
        proof.count_in_a8(told.iteration, told.trace_id, &there);
    }
}

/// Reads A8's events in the order of arrival, page by page, each once.
struct Reader {
    after: u64,
    since_ms: i64,
    /// How long after the event each arrival was, by trace.
    seen: BTreeMap<TraceId, Vec<i64>>,
}

impl Reader {
    /// Reads what has come since. What cannot be read counts as missing, and missing is never a pass.
    async fn read_on(&mut self, cx: &CheckContext) {
        loop {
            let (event, since, after) = (EVENT.as_str(), self.since_ms, self.after);
            let path = format!("/api/events?app_id=A2&event={event}&since_ms={since}&after={after}&limit={PAGE}");
            let Ok(reply) = cx.client.get(AppId::A8, &path).send().await else { return };
            let Ok(page) = serde_json::from_slice::<Page>(&reply.body) else { return };
            for seen in &page.events {
                let at = clock::parse_rfc3339(&seen.event.timestamp);
                let after_ms = at.map_or(i64::MAX, |at| seen.received_at_ms - at);
                self.seen.entry(seen.event.trace_id).or_default().push(after_ms);
            }
            self.after = page.events.last().map_or(self.after, |last| last.seq);
            if page.events.len() < PAGE {
                return;
            }
        }
    }
}
