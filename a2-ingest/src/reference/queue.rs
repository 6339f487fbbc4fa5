//! Backpressure: so many writes may wait for the database, no more.

use std::sync::Arc;

use axum::response::Response;
use common::service::{AppConfig, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Writes in flight unless the option `queue_bound` says otherwise.
const DEFAULT_BOUND: usize = 256;
/// When a refused client should come back, in seconds.
const RETRY_AFTER_S: u32 = 1;

/// The bound on writes in flight.
#[derive(Debug, Clone)]
pub(crate) struct Queue(Arc<Semaphore>);

/// A place among the writes in flight.
#[derive(Debug, Clone)]
pub(crate) struct Place(#[expect(dead_code, reason = "held for its drop")] Arc<OwnedSemaphorePermit>);

impl Queue {
    /// The queue that a configuration asks for.
    pub(crate) fn of(config: &AppConfig) -> Self {
        let asked = config.options.get("queue_bound").and_then(|text| text.parse().ok());
        Self(Arc::new(Semaphore::new(asked.unwrap_or(DEFAULT_BOUND).min(Semaphore::MAX_PERMITS))))
    }

    /// Takes a place, or refuses with 429.
    pub(crate) fn enter(&self) -> Result<Place, Problem> {
        let permit = Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            Problem::too_many("the ingest queue is full: retry with the same idempotency key", RETRY_AFTER_S)
        })?;
        Ok(Place(Arc::new(permit)))
    }

    /// True if a write would be taken now.
    pub(crate) fn has_room(&self) -> bool {
        self.0.available_permits() > 0
    }
}

impl Place {
    /// Keeps the place until the answer has left, and so beyond the commit.
    pub(crate) fn until_answered(self, mut response: Response) -> Response {
        response.extensions_mut().insert(self);
        response
    }
}
