//! The sink: who may report, what is accepted, what is a duplicate.

use std::sync::atomic::Ordering;

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use common::contract::header;
use common::service::{DbError, Defect, Json, Problem};
use common::telemetry::{FieldError, parse};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::store::{self, Record};
use super::{Center, Shared};

/// The most events in one batch.
const MAX_EVENTS: usize = 1_000;

/// Proof that the caller sent the telemetry key; it is asked for before the body is read.
pub(super) struct TelemetryKey;

impl FromRequestParts<Shared> for TelemetryKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, center: &Shared) -> Result<Self, Problem> {
        if center.ctx.has_telemetry_key(&parts.headers) {
            return Ok(Self);
        }
        Err(Problem::unauthorized(format!("send the telemetry key in {}", header::TELEMETRY_KEY)))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    events: Vec<Value>,
}

/// An event that was not stored, and why.
#[derive(Debug, Serialize)]
struct Rejected {
    index: usize,
    errors: Vec<FieldError>,
}

/// What became of a batch.
#[derive(Debug, Default)]
struct Receipt {
    accepted: u64,
    duplicates: u64,
}

pub(super) async fn take_in(
    State(center): State<Shared>,
    _: TelemetryKey,
    Json(batch): Json<Batch>,
) -> Result<Response, Problem> {
    if batch.events.len() > MAX_EVENTS {
        let detail = format!("a batch holds at most {MAX_EVENTS} events, this one has {}", batch.events.len());
        return Err(Problem::invalid("/events", detail));
    }
    let now_ms = center.ctx.clock.unix_ms();
    let (records, rejected) = center.read(&batch.events, now_ms);
    let receipt = center.keep(records, rejected.len(), now_ms).await?;
    if rejected.is_empty() {
        let body = json!({ "accepted": receipt.accepted, "duplicates": receipt.duplicates, "rejected": [] });
        return Ok(Json(body).into_response());
    }
    let detail = format!("{} of {} events do not fit the schema, see `rejected`", rejected.len(), batch.events.len());
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "schema", detail)
        .with("accepted", receipt.accepted.into())
        .with("duplicates", receipt.duplicates.into())
        .with("rejected", json!(rejected)))
}

impl Center {
    /// Checks each event; those that fit become records.
    fn read(&self, events: &[Value], now_ms: i64) -> (Vec<Record>, Vec<Rejected>) {
        let mut records = Vec::with_capacity(events.len());
        let mut rejected = Vec::new();
        for (index, value) in events.iter().enumerate() {
            if self.ctx.has(Defect::A8SchemaUnchecked) {
                records.push(Record::unchecked(value, now_ms));
                continue;
            }
            match parse(value) {
                Ok(event) => {
                    let record = Record::of(&event, value.to_string(), now_ms);
                    let passes = self.ctx.has(Defect::A8DemoRevenueLive);
                    records.push(if passes { record.pass_for_real() } else { record });
                }
                Err(errors) => rejected.push(Rejected { index, errors }),
            }
        }
        (records, rejected)
    }

    /// Stores what is new in one transaction, then tells whoever waits.
    async fn keep(&self, records: Vec<Record>, rejected: usize, now_ms: i64) -> Result<Receipt, DbError> {
        let mut tx = self.ctx.db.begin().await?;
        let (fresh, duplicates) = if self.ctx.has(Defect::A8DedupOff) {
            (records, 0)
        } else {
            store::new_ones(&mut tx, records, now_ms).await?
        };
        let accepted = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
        let added = store::append(&mut tx, self.minus_dropped(fresh), now_ms).await?;
        store::count(&mut tx, "accepted", accepted).await?;
        store::count(&mut tx, "duplicates", duplicates).await?;
        store::count(&mut tx, "rejected", u64::try_from(rejected).unwrap_or(u64::MAX)).await?;
        tx.commit().await?;
        self.recent.take_in(&added.records, added.newest, now_ms);
        if accepted > 0 {
            self.newest.send_replace(added.newest);
        }
        Ok(Receipt { accepted, duplicates })
    }

    /// All of them, unless a defect loses every fiftieth.
    fn minus_dropped(&self, records: Vec<Record>) -> Vec<Record> {
        if !self.ctx.has(Defect::A8DropsEvery50th) {
            return records;
        }
        let keeps = |_: &Record| self.acknowledged.fetch_add(1, Ordering::Relaxed) % 50 != 49;
        records.into_iter().filter(keeps).collect()
    }
}
