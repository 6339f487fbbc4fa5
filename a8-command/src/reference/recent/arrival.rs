//! What is kept of an event, wherever it comes from.

use std::sync::Arc;

use common::service::{DbError, Row};

use super::digest::{RouteKey, Sample};

/// The columns that [`read`] wants.
pub(super) const COLUMNS: &str =
    "seq, at_ms, namespace, event, app_id, method, route, trace_id, status, p95_ms, sample_rate, simulated, clicked";

/// What is kept of an event.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) seq: i64,
    pub(crate) at_ms: i64,
    pub(crate) namespace: &'a str,
    pub(crate) event: &'a str,
    pub(crate) app_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) trace_id: &'a str,
    pub(crate) status: i64,
    pub(crate) p95_ms: f64,
    pub(crate) sample_rate: f64,
    pub(crate) simulated: bool,
    pub(crate) clicked: bool,
}

impl Arrival<'_> {
    /// The event as a request that was answered.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive, and small")]
    pub(super) fn sample(&self) -> Sample {
        let key =
            RouteKey { app_id: self.app_id.to_owned(), method: self.method.to_owned(), route: self.route.to_owned() };
        Sample {
            key: Arc::new(key),
            us: (self.p95_ms.max(0.0) * 1_000.0).round() as u64,
            weight_milli: (1_000.0 / self.sample_rate.clamp(1e-6, 1.0)).round() as u64,
            failed: self.status >= 500,
        }
    }
}

/// Reads a row of the store.
pub(super) fn read<T>(row: &Row, then: impl FnOnce(&Arrival<'_>) -> T) -> Result<T, DbError> {
    Ok(then(&Arrival {
        seq: row.int("seq")?,
        at_ms: row.int("at_ms")?,
        namespace: &row.text("namespace")?,
        event: &row.text("event")?,
        app_id: &row.text("app_id")?,
        method: &row.text("method")?,
        route: &row.text("route")?,
        trace_id: &row.text("trace_id")?,
        status: row.int("status")?,
        p95_ms: row.real("p95_ms")?,
        sample_rate: row.real("sample_rate")?,
        simulated: row.int("simulated")? != 0,
        clicked: row.int("clicked")? != 0,
    }))
}
