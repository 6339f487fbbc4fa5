//! What makes an event a duplicate.

use serde::{Deserialize, Serialize};

use super::{Event, EventName};
use crate::ids::TraceId;

/// Within this window a repeated key is a duplicate: 15 minutes.
pub const DEDUP_WINDOW_MS: i64 = 15 * 60 * 1_000;

/// Two events with equal keys inside the window are one event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DedupKey {
    /// For whom the app acted.
    pub tenant_id: String,
    /// The key of the effect.
    pub idempotency_key: String,
    /// The trace.
    pub trace_id: TraceId,
    /// What happened.
    pub event: EventName,
}

impl Event {
    /// The key under which a repeat of this event is a duplicate.
    #[must_use]
    pub fn dedup_key(&self) -> DedupKey {
        DedupKey {
            tenant_id: self.tenant_id.clone(),
            idempotency_key: self.idempotency_key.clone(),
            trace_id: self.trace_id,
            event: self.event,
        }
    }
}
