//! Writing a batch: one transaction, few statements, however many events.

use std::collections::HashSet;

use common::args;
use common::service::{DbError, Tx, Value};
use common::telemetry::{BusinessMetrics, DEDUP_WINDOW_MS, Event, EventName, FinanceMetrics, StripeMode};
use serde_json::Value as Json;

use super::recent::Arrival;

/// An event as it is stored: the columns, and the event itself as text.
#[derive(Debug, Clone)]
pub(super) struct Record {
    at_ms: i64,
    key: Key,
    app_id: String,
    namespace: String,
    route: String,
    method: String,
    status: i64,
    p95_ms: f64,
    sample_rate: f64,
    body: String,
    finance: Option<(String, FinanceMetrics)>,
    business: Option<BusinessMetrics>,
    /// True for synthetic traffic and for Stripe's test mode: it enters no live figure.
    simulated: bool,
    /// True for a click on a call to action.
    clicked: bool,
}

/// What makes a repeat a duplicate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant_id: String,
    idempotency_key: String,
    trace_id: String,
    event: String,
}

impl Record {
    /// The columns of a checked event.
    pub(super) fn of(event: &Event, body: String, now_ms: i64) -> Self {
        Self {
            at_ms: common::clock::parse_rfc3339(&event.timestamp).unwrap_or(now_ms),
            key: Key {
                tenant_id: event.tenant_id.clone(),
                idempotency_key: event.idempotency_key.clone(),
                trace_id: event.trace_id.to_string(),
                event: event.event.as_str().to_owned(),
            },
            app_id: event.app_id.as_str().to_owned(),
            namespace: event.namespace.as_str().to_owned(),
            route: event.route.clone(),
            method: event.method.clone(),
            status: i64::from(event.status),
            p95_ms: event.p95_ms,
            sample_rate: event.sample_rate,
            body,
            finance: event.revenue_event_id.clone().zip(event.finance_metrics.clone()),
            business: event.business_metrics.clone(),
            simulated: event.test_run || event.stripe_mode == Some(StripeMode::Test),
            clicked: event.event == EventName::CtaImpression
                && event.business_metrics.as_ref().and_then(|business| business.ctr).is_some_and(|ctr| ctr > 0.0),
        }
    }

    /// Passes for real; only a defect does that.
    pub(super) fn pass_for_real(mut self) -> Self {
        self.simulated = false;
        self
    }

    /// What is kept of it in memory.
    pub(super) fn arrival(&self, seq: i64) -> Arrival<'_> {
        Arrival {
            seq,
            at_ms: self.at_ms,
            namespace: &self.namespace,
            event: &self.key.event,
            app_id: &self.app_id,
            method: &self.method,
            route: &self.route,
            trace_id: &self.key.trace_id,
            status: self.status,
            p95_ms: self.p95_ms,
            sample_rate: self.sample_rate,
            simulated: self.simulated,
            clicked: self.clicked,
        }
    }

    /// The columns of whatever was sent; only a defect stores what was not checked.
    pub(super) fn unchecked(value: &Json, now_ms: i64) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            at_ms: now_ms,
            key: Key {
                tenant_id: text("tenant_id"),
                idempotency_key: text("idempotency_key"),
                trace_id: text("trace_id"),
                event: text("event"),
            },
            app_id: text("app_id"),
            namespace: text("namespace"),
            route: text("route"),
            method: text("method"),
            status: value["status"].as_i64().unwrap_or_default(),
            p95_ms: value["p95_ms"].as_f64().unwrap_or_default(),
            sample_rate: value["sample_rate"].as_f64().unwrap_or(1.0),
            body: value.to_string(),
            finance: None,
            business: None,
            simulated: false,
            clicked: false,
        }
    }
}

/// The most rows in one statement. Smaller chunks are powers of two, so that few statements need preparing.
const CHUNK: usize = 128;

/// Parts of a batch, each a power of two long and at most [`CHUNK`].
fn chunks<T>(mut items: &[T]) -> Vec<&[T]> {
    let mut parts = Vec::new();
    while !items.is_empty() {
        let size = CHUNK.min(1 << items.len().ilog2());
        let (part, rest) = items.split_at(size);
        parts.push(part);
        items = rest;
    }
    parts
}

/// `($3, $4), ($5, $6)` for two rows of two columns after two other placeholders.
fn placeholders(rows: usize, columns: usize, after: usize) -> String {
    let row = |row: usize| {
        let marks: Vec<_> = (0..columns).map(|column| format!("${}", after + row * columns + column + 1)).collect();
        format!("({})", marks.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

/// Splits a batch into what is new and the number of duplicates, of each other or of what is stored.
pub(super) async fn new_ones(tx: &mut Tx, records: Vec<Record>, now_ms: i64) -> Result<(Vec<Record>, u64), DbError> {
    let mut seen: HashSet<Key> = HashSet::new();
    for part in chunks(&records) {
        let sql = format!(
            "SELECT tenant_id, idempotency_key, trace_id, event FROM events
             WHERE received_at_ms > $1 AND (trace_id, idempotency_key) IN (VALUES {})",
            placeholders(part.len(), 2, 1)
        );
        let mut values = args![now_ms - DEDUP_WINDOW_MS];
        values.extend(part.iter().flat_map(|record| args![&record.key.trace_id, &record.key.idempotency_key]));
        for row in tx.query(&sql, values).await? {
            seen.insert(Key {
                tenant_id: row.text("tenant_id")?,
                idempotency_key: row.text("idempotency_key")?,
                trace_id: row.text("trace_id")?,
                event: row.text("event")?,
            });
        }
    }
    let before = records.len();
    let fresh: Vec<_> = records.into_iter().filter(|record| seen.insert(record.key.clone())).collect();
    let duplicates = u64::try_from(before - fresh.len()).unwrap_or(u64::MAX);
    Ok((fresh, duplicates))
}

/// Events as they were added, and the newest sequence number.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) records: Vec<(i64, Record)>,
    pub(super) newest: i64,
}

/// Adds events at the end.
pub(super) async fn append(tx: &mut Tx, records: Vec<Record>, now_ms: i64) -> Result<Added, DbError> {
    let rows = tx.query("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
    let top = rows.first().map_or(Ok(0), |row| row.int("top"))?;
    let records: Vec<(i64, Record)> = (top + 1..).zip(records).collect();
    for part in chunks(&records) {
        insert_events(tx, part, now_ms).await?;
    }
    for (seq, record) in &records {
        insert_money(tx, *seq, record).await?;
        insert_growth(tx, *seq, record).await?;
    }
    let newest = records.last().map_or(top, |(seq, _)| *seq);
    Ok(Added { records, newest })
}

async fn insert_events(tx: &mut Tx, part: &[(i64, Record)], now_ms: i64) -> Result<(), DbError> {
    let sql = format!(
        "INSERT INTO events (seq, received_at_ms, at_ms, tenant_id, idempotency_key, trace_id, event, app_id,
         namespace, route, method, status, p95_ms, sample_rate, body, simulated, clicked) VALUES {}",
        placeholders(part.len(), 17, 0)
    );
    let row = |(seq, record): &(i64, Record)| -> Vec<Value> {
        args![
            *seq,
            now_ms,
            record.at_ms,
            &record.key.tenant_id,
            &record.key.idempotency_key,
            &record.key.trace_id,
            &record.key.event,
            &record.app_id,
            &record.namespace,
            &record.route,
            &record.method,
            record.status,
            record.p95_ms,
            record.sample_rate,
            &record.body,
            record.simulated,
            record.clicked,
        ]
    };
    tx.execute(&sql, part.iter().flat_map(row).collect()).await.map(drop)
}

async fn insert_money(tx: &mut Tx, seq: i64, record: &Record) -> Result<(), DbError> {
    let Some((revenue_event_id, money)) = &record.finance else { return Ok(()) };
    let sql = "INSERT INTO money (seq, at_ms, namespace, trace_id, event, app_id, revenue_event_id, currency,
               gross_minor, fee_minor, ai_cost_minor, ai_price_minor, fee_pct, markup, simulated)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let values = args![
        seq,
        record.at_ms,
        &record.namespace,
        &record.key.trace_id,
        &record.key.event,
        &record.app_id,
        revenue_event_id,
        money.currency.to_string(),
        money.gross_minor,
        money.fee_minor,
        money.ai_cost_minor,
        money.ai_price_minor,
        money.provider_fee_pct,
        money.ai_markup_factor,
        record.simulated,
    ];
    tx.execute(sql, values).await.map(drop)
}

async fn insert_growth(tx: &mut Tx, seq: i64, record: &Record) -> Result<(), DbError> {
    let Some(business) = &record.business else { return Ok(()) };
    let metrics = [
        ("ctr", business.ctr),
        ("signup_rate", business.signup_rate),
        ("checkout_conv_rate", business.checkout_conv_rate),
        ("ttfv_min", business.ttfv_min),
    ];
    let sql = "INSERT INTO growth (seq, at_ms, namespace, trace_id, app_id, metric, value)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    for (metric, value) in metrics.into_iter().filter_map(|(metric, value)| Some((metric, value?))) {
        let values = args![seq, record.at_ms, &record.namespace, &record.key.trace_id, &record.app_id, metric, value];
        tx.execute(sql, values).await?;
    }
    Ok(())
}

/// Adds to the sink's own counters.
pub(super) async fn count(tx: &mut Tx, name: &str, n: u64) -> Result<(), DbError> {
    if n == 0 {
        return Ok(());
    }
    let sql = "INSERT INTO sink_counts (name, n) VALUES ($1, $2)
               ON CONFLICT (name) DO UPDATE SET n = sink_counts.n + $2";
    tx.execute(sql, args![name, i64::try_from(n).unwrap_or(i64::MAX)]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_into_powers_of_two_without_losing_any() {
        let sizes: Vec<_> = chunks(&[0_u8; 301]).into_iter().map(<[u8]>::len).collect();
        assert_eq!(sizes, [128, 128, 32, 8, 4, 1]);
    }

    #[test]
    fn placeholders_count_on_from_those_before() {
        assert_eq!(placeholders(2, 2, 1), "($2, $3), ($4, $5)");
    }
}
