//! What is asserted about A2 over HTTP.

mod batch;
mod durable;
mod forward;
mod idempotency;
mod scholarships;

use common::check::{Check, CheckContext, CheckError};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

/// A2's checks.
pub(crate) fn all() -> Vec<Check> {
    vec![
        Check::new("a2.event_found_again", "an acknowledged event is found by its id and in its lineage", |cx| {
            Box::pin(durable::event_found_again(cx))
        }),
        Check::new("a2.acknowledged_is_kept", "100 of 100 acknowledged events are there at once", |cx| {
            Box::pin(durable::acknowledged_is_kept(cx))
        }),
        Check::new("a2.batch_tells_each_item", "a batch stores what is good and names what is not", |cx| {
            Box::pin(batch::tells_each_item(cx))
        }),
        Check::new("a2.one_key_one_event", "a repeated request stores one event, a reused key is refused", |cx| {
            Box::pin(idempotency::one_key_one_event(cx))
        }),
        Check::new("a2.scholarships_etag", "an unchanged page of scholarships is answered 304", |cx| {
            Box::pin(scholarships::etag(cx))
        }),
        Check::new("a2.scholarships_paging", "pages of a search give every match once", |cx| {
            Box::pin(scholarships::paging(cx))
        }),
        Check::new("a2.forwarded_to_a8", "a lead that A2 stores is in A8's lineage of its trace", |cx| {
            Box::pin(forward::forwarded_to_a8(cx))
        })
        .needs(&[AppId::A8]),
        Check::new(
            "a2.security_headers",
            "no answer lacks a header that protects browsers, or tells of the inside",
            |cx| Box::pin(async move { common::check::security_headers(&cx, &crate::contract()).await }),
        )
        .phase(6),
        Check::new("a2.keys_wanted", "routes that want a key take no other, and repeat none", |cx| {
            Box::pin(async move { common::check::keys_wanted(&cx, &crate::contract()).await })
        })
        .phase(6),
    ]
}

/// An event of this type, with a note that tells it from others.
fn event(event_type: &str, note: &str) -> Value {
    json!({
        "event_type": event_type,
        "subject": "test_student_e2e_01",
        "payload": { "note": note, "nested": { "list": [1, "two", null], "share": 0.5 } },
        "occurred_at": "2026-01-15T12:00:00.000Z",
    })
}

/// A2's events of a trace; empty if it knows none.
async fn lineage(cx: &CheckContext, trace: TraceId) -> Result<Vec<Value>, CheckError> {
    let reply = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await?;
    if reply.status == 404 {
        return Ok(Vec::new());
    }
    let events = reply.pointer("/events").and_then(|events| events.as_array().cloned());
    events.ok_or_else(|| CheckError::Broken(format!("the lineage lists no `events`: {}", reply.text())))
}

/// The event id that an acknowledgement names.
fn event_id(reply: &Reply) -> Result<String, CheckError> {
    let id = reply.pointer("/event_id").and_then(|id| id.as_str().map(str::to_owned));
    id.ok_or_else(|| CheckError::Broken(format!("no `event_id` in {} {}", reply.status, reply.text())))
}
