//! Which events A8 hears of, under which name.
//!
//! The rule is a table. An event is forwarded if its type stands in it; all others stay in A2's own lineage. Money is
//! never forwarded: the app that booked it reports it with its figures, and A2 has none to add.

use common::service::{Ctx, DbError, Defect, Emit, RequestContext, Tx};
use common::telemetry::EventName;

use super::event::{NewEvent, Stored};

/// Event type → telemetry event.
const FORWARDED: &[(&str, EventName)] = &[
    ("lead", EventName::LeadCaptured),
    ("lead_captured", EventName::LeadCaptured),
    ("provider_registered", EventName::ProviderRegistered),
    ("provider_listing_published", EventName::ProviderListingPublished),
    ("document_ingested", EventName::DocumentIngested),
    ("activation_first_use", EventName::ActivationFirstUse),
    ("cta_impression", EventName::CtaImpression),
];

/// The telemetry event that an event type is forwarded as.
pub(crate) fn name_of(event_type: &str) -> Option<EventName> {
    FORWARDED.iter().find(|(own, _)| *own == event_type).map(|(_, name)| *name)
}

/// The key under which A8 tells a repeat.
pub(crate) enum Key {
    /// The caller's own: an app that reports the same effect itself under this key is counted once.
    Request,
    /// The stored event's id, as items of one batch share the caller's key.
    EventId,
}

/// Reports a stored event in its own transaction, if its type is forwarded.
pub(crate) async fn report(
    ctx: &Ctx,
    tx: &mut Tx,
    context: &RequestContext,
    (event, stored): (&NewEvent, &Stored),
    key: Key,
) -> Result<(), DbError> {
    let Some(name) = name_of(&event.event_type) else { return Ok(()) };
    if ctx.has(Defect::A2ForwardsNothing) {
        return Ok(());
    }
    let emit = Emit::new(name).status(201);
    let emit = match key {
        Key::Request => emit,
        Key::EventId => emit.key(&stored.event_id),
    };
    ctx.telemetry.emit(tx, context, emit).await
}
