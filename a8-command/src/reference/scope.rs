//! What a figure covers: one namespace, a span of time, perhaps one trace. Namespaces never mix.

use common::ids::TraceId;
use common::service::{Problem, Value};
use common::telemetry::Namespace;
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// Tiles look back this far unless told otherwise: 15 minutes.
pub(super) const DEFAULT_WINDOW_MS: i64 = 15 * 60 * 1_000;

/// The query string of a tile.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeQuery {
    pub(super) namespace: Option<String>,
    pub(super) since_ms: Option<i64>,
    pub(super) until_ms: Option<i64>,
    pub(super) trace_id: Option<String>,
}

/// What a figure covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) namespace: Namespace,
    /// Events that happened at or after this time.
    pub(super) since_ms: i64,
    /// Events that happened at or before this time; `None` leaves the end open.
    pub(super) until_ms: Option<i64>,
    pub(super) trace: Option<TraceId>,
    /// When it was asked.
    pub(super) now_ms: i64,
}

impl ScopeQuery {
    /// Reads the query. Without a span it is the last 15 minutes, or all time if one trace is asked for.
    pub(super) fn read(&self, now_ms: i64) -> Result<Scope, Problem> {
        let trace = read_trace(self.trace_id.as_deref())?;
        let default_since = if trace.is_some() { 0 } else { now_ms - DEFAULT_WINDOW_MS };
        let since_ms = self.since_ms.unwrap_or(default_since);
        if self.until_ms.is_some_and(|until_ms| until_ms < since_ms) {
            return Err(Problem::invalid("/until_ms", "is before since_ms: the span is empty"));
        }
        let namespace = read_namespace(self.namespace.as_deref())?.unwrap_or_default();
        Ok(Scope { namespace, since_ms, until_ms: self.until_ms, trace, now_ms })
    }
}

/// Reads a namespace, if given.
pub(super) fn read_namespace(text: Option<&str>) -> Result<Option<Namespace>, Problem> {
    let unknown = || Problem::invalid("/namespace", "is live, perf_test or simulated_audit");
    text.map(|text| Namespace::parse(text).ok_or_else(unknown)).transpose()
}

/// Reads a trace id, if given.
pub(super) fn read_trace(text: Option<&str>) -> Result<Option<TraceId>, Problem> {
    text.map(str::parse::<TraceId>).transpose().map_err(|error| Problem::invalid("/trace_id", error.to_string()))
}

impl Scope {
    /// The condition on the first four placeholders, for [`Scope::values`].
    pub(super) fn condition(&self) -> &'static str {
        if self.trace.is_some() {
            // Joining nothing to the namespace keeps its index out, so that the trace's own is taken.
            "(namespace || '') = $1 AND at_ms >= $2 AND at_ms <= $3 AND trace_id = $4"
        } else {
            "namespace = $1 AND at_ms >= $2 AND at_ms <= $3 AND $4 = ''"
        }
    }

    /// The condition that keeps what is not real out of live figures: synthetic traffic and Stripe's test mode. Elsewhere
    /// nothing is real, and all of it counts.
    pub(super) fn real(&self) -> &'static str {
        if self.namespace == Namespace::Live { "simulated = 0" } else { "1 = 1" }
    }

    /// The values of the first four placeholders.
    pub(super) fn values(&self) -> Vec<Value> {
        let trace = self.trace.map(|trace| trace.to_string()).unwrap_or_default();
        common::args![self.namespace.as_str(), self.since_ms, self.until_ms.unwrap_or(i64::MAX), trace]
    }

    /// The scope as tiles state it.
    pub(super) fn as_json(&self) -> Json {
        json!({
            "since_ms": self.since_ms,
            "until_ms": self.until_ms,
            "trace_id": self.trace.map(|trace| trace.to_string()),
        })
    }
}
