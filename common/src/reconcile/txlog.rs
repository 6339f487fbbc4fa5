//! Acknowledged writes, joined record by record with what the app's own transaction log has under the same trace.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Discrepancy;
use crate::ids::TraceId;
use crate::load::Told;
use crate::telemetry::{SUCCESS_SAMPLE_RATE, keeps};

/// Writes that are looked for on one route at most.
pub const MAX_LOOKED: usize = 200;
/// The most examples kept per route.
const EXAMPLES: usize = 5;

/// Where an app shows what a trace made it store, and what a request must have left there.
#[derive(Debug, Clone, Copy)]
pub struct TransactionLog {
    /// `A2's lineage`.
    pub name: &'static str,
    /// Path of the log of one trace, up to the trace.
    pub path: &'static str,
    /// JSON pointer to the records in the answer.
    pub list: &'static str,
    /// Whether a trace without records is answered 404.
    pub empty_is_404: bool,
    /// The records that a request with this body must leave, with what they must hold at least.
    pub records: fn(&Value) -> Vec<Value>,
}

/// What a log has under one trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Logged {
    /// Its records.
    Records(Vec<Value>),
    /// It could not be read, for this reason.
    Unread(String),
}

/// What became of the acknowledged writes of one route, by the app's own log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogComparison {
    /// `A2's lineage`.
    pub source: String,
    /// Acknowledged writes that were looked for: those that A8 gets too, up to 200.
    pub writes: u64,
    /// Records that they must have left.
    pub records: u64,
    /// Found once, as they were sent.
    pub found: u64,
    /// Not found.
    pub lost: u64,
    /// Found beyond what was sent.
    pub duplicated: u64,
    /// Found with other content.
    pub altered: u64,
    /// Writes that could not be looked for.
    pub unread: u64,
    /// How long looking took, in milliseconds.
    pub took_ms: u64,
    /// The first that are not as they should be.
    pub examples: Vec<Discrepancy>,
}

/// The acknowledged writes that are looked for: at most so many, decided by the trace id, so that they are among those
/// that A8 gets.
#[must_use]
pub fn sample(acknowledged: &[Told], most: usize) -> Vec<Told> {
    let mut sampled: Vec<Told> =
        acknowledged.iter().copied().filter(|told| keeps(told.trace_id, SUCCESS_SAMPLE_RATE)).collect();
    // A trace that is kept at a lower rate is kept at this one too: the rate is lowered until few enough are left.
    let mut rate = SUCCESS_SAMPLE_RATE;
    while sampled.len() > most {
        rate *= 0.9;
        sampled.retain(|told| keeps(told.trace_id, rate));
    }
    sampled
}

/// What is known of a record before it is stored: the template as sent by one iteration. Texts with other placeholders
/// than `{{iteration}}` are left out, as only the generator knew them.
#[must_use]
pub fn known(template: &Value, iteration: u64) -> Option<Value> {
    match template {
        Value::String(text) => {
            let text = text.replace("{{iteration}}", &iteration.to_string());
            (!text.contains("{{")).then_some(Value::String(text))
        }
        Value::Array(items) => Some(items.iter().filter_map(|item| known(item, iteration)).collect()),
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| Some((name.clone(), known(value, iteration)?)));
            Some(Value::Object(members.collect()))
        }
        other => Some(other.clone()),
    }
}

/// The first thing in which a record differs from what must be in it; more may be.
fn difference(wanted: &Value, seen: &Value, at: &str) -> Option<String> {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => wanted.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match seen.get(name) {
                Some(seen) => difference(value, seen, &at),
                None => Some(format!("{at} is missing, {value} was sent")),
            }
        }),
        _ => (wanted != seen).then(|| format!("{at} is {seen}, {wanted} was sent")),
    }
}

impl LogComparison {
    /// Nothing compared yet.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }

    /// Joins one acknowledged write with what the log has under its trace. Each record is matched once.
    pub fn add(&mut self, trace_id: TraceId, wanted: &[Value], logged: &Logged) {
        self.writes += 1;
        let seen = match logged {
            Logged::Records(seen) => seen,
            Logged::Unread(why) => {
                self.unread += 1;
                return self.example(trace_id, format!("could not be looked for: {why}"));
            }
        };
        self.records += wanted.len() as u64;
        let mut left: Vec<&Value> = seen.iter().collect();
        let mut missing = Vec::new();
        for record in wanted {
            match left.iter().position(|seen| difference(record, seen, "").is_none()) {
                Some(at) => {
                    left.swap_remove(at);
                    self.found += 1;
                }
                None => missing.push(record),
            }
        }
        let altered = missing.len().min(left.len());
        for (record, seen) in missing.iter().zip(&left) {
            self.altered += 1;
            self.example(trace_id, difference(record, seen, "").unwrap_or_default());
        }
        let (lost, twice) = (missing.len() - altered, left.len() - altered);
        if lost > 0 {
            self.lost += lost as u64;
            self.example(trace_id, format!("acknowledged, and {lost} of {} records are not there", wanted.len()));
        }
        if twice > 0 {
            self.duplicated += twice as u64;
            self.example(trace_id, format!("{} records were sent, {} are there", wanted.len(), seen.len()));
        }
    }

    fn example(&mut self, trace_id: TraceId, what: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(Discrepancy { trace_id, what });
        }
    }

    /// `A2's lineage has 190 of 190 records of 190 writes as they were sent`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { source, writes, records, found, .. } = self;
        format!("{source} has {found} of {records} records of {writes} writes as they were sent")
    }

    /// What acknowledged writes of a route lack; `None` if each was looked for and is there.
    #[must_use]
    pub fn gap(&self, route: &str) -> Option<String> {
        let Self { source, writes, records, lost, unread, .. } = self;
        let example = self.in_example();
        if *lost > 0 {
            return Some(format!(
                "{source} lacks {lost} of {records} records of {writes} acknowledged {route}{example}"
            ));
        }
        (*unread > 0).then(|| format!("{source} could not be asked about {unread} of {writes} {route}{example}"))
    }

    /// What of them is there otherwise than it was sent; `None` if nothing is.
    #[must_use]
    pub fn disagreement(&self, route: &str) -> Option<String> {
        let Self { source, writes, duplicated, altered, .. } = self;
        (duplicated + altered > 0).then(|| {
            let example = self.in_example();
            format!(
                "{source} has {duplicated} records too many and {altered} altered of {writes} acknowledged {route}{example}"
            )
        })
    }

    fn in_example(&self) -> String {
        let example = self.examples.first().map(|e| format!(", e.g. trace {}: {}", e.trace_id, e.what));
        example.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn trace() -> TraceId {
        TraceId::from_u128(7)
    }

    fn settled(gross_minor: i64) -> Value {
        json!({ "revenue_event_id": "rev_1", "gross_minor": gross_minor, "fee_minor": 3_000, "currency": "USD" })
    }

    fn joined(wanted: &[Value], seen: &[Value]) -> LogComparison {
        let mut log = LogComparison::new("A6's transaction log");
        log.add(trace(), wanted, &Logged::Records(seen.to_vec()));
        log
    }

    /// Found, lost, duplicated, altered.
    fn counts(log: &LogComparison) -> [u64; 4] {
        [log.found, log.lost, log.duplicated, log.altered]
    }

    #[test]
    fn a_settlement_off_by_one_cent_is_altered_and_named() {
        let wanted = [json!({ "gross_minor": 100_000, "fee_minor": 3_000 })];
        assert_eq!(counts(&joined(&wanted, &[settled(100_000)])), [1, 0, 0, 0]);
        let log = joined(&wanted, &[settled(99_999)]);
        assert_eq!(counts(&log), [0, 0, 0, 1]);
        let what = log.disagreement("A6 POST /api/billing/settle").unwrap();
        assert!(what.ends_with("/gross_minor is 99999, 100000 was sent"), "{what}");
        assert_eq!(log.gap("A6 POST /api/billing/settle"), None);
    }

    #[test]
    fn an_amount_that_is_no_integer_is_altered() {
        let log = joined(&[json!({ "fee_minor": 3_000 })], &[json!({ "fee_minor": 3_000.0 })]);
        assert_eq!(counts(&log), [0, 0, 0, 1]);
    }

    #[test]
    fn a_lost_write_is_a_gap_and_names_its_trace() {
        let log = joined(&[json!({ "item": 0 }), json!({ "item": 1 })], &[json!({ "item": 1 })]);
        assert_eq!(counts(&log), [1, 1, 0, 0]);
        let what = log.gap("A2 POST /api/v1/events/batch").unwrap();
        assert!(what.contains("lacks 1 of 2 records of 1 acknowledged") && what.contains(&trace().to_string()));
    }

    #[test]
    fn one_item_twice_in_the_place_of_another_is_found() {
        let log = joined(&[json!({ "item": 0 }), json!({ "item": 1 })], &[json!({ "item": 1 }), json!({ "item": 1 })]);
        assert_eq!(counts(&log), [1, 0, 0, 1]);
    }

    #[test]
    fn a_record_too_many_is_told_also_where_none_was_to_be_stored() {
        assert_eq!(counts(&joined(&[settled(1)], &[settled(1), settled(1)])), [1, 0, 1, 0]);
        let quote = joined(&[], &[settled(1)]);
        assert_eq!(counts(&quote), [0, 0, 1, 0]);
        assert!(quote.disagreement("A6 POST /api/billing/quote").unwrap().contains("1 records too many"));
        assert_eq!(counts(&joined(&[], &[])), [0; 4]);
    }

    #[test]
    fn a_log_that_cannot_be_read_is_a_gap() {
        let mut log = LogComparison::new("A2's lineage");
        log.add(trace(), &[settled(1)], &Logged::Unread("status 500".into()));
        assert!(log.gap("A2 POST /api/v1/events").unwrap().ends_with("could not be looked for: status 500"));
    }

    #[test]
    fn what_only_the_generator_knew_is_left_out() {
        let template =
            json!({ "view": "{{uuid}}", "n": "no {{iteration}}", "item": 3, "list": [{ "a": "{{var.x}}" }] });
        assert_eq!(known(&template, 12).unwrap(), json!({ "n": "no 12", "item": 3, "list": [{}] }));
    }

    #[test]
    fn the_sample_is_bounded_and_part_of_what_a8_gets() {
        let told: Vec<_> =
            (1..=20_000_u64).map(|n| Told { iteration: n, trace_id: TraceId::from_u128(n.into()) }).collect();
        let sampled = sample(&told, 200);
        assert!((150..=200).contains(&sampled.len()), "{}", sampled.len());
        assert!(sampled.iter().all(|told| keeps(told.trace_id, SUCCESS_SAMPLE_RATE)));
        assert_eq!(sample(&told[..100], 200).len(), told[..100].iter().filter(|t| keeps(t.trace_id, 0.1)).count());
    }

    proptest! {
        #[test]
        fn every_record_is_found_lost_or_altered_and_every_other_is_too_many(
            wanted in prop::collection::vec(0_u8..4, 0..8),
            seen in prop::collection::vec(0_u8..4, 0..8),
        ) {
            let as_records = |items: &[u8]| items.iter().map(|item| json!({ "item": item })).collect::<Vec<_>>();
            let log = joined(&as_records(&wanted), &as_records(&seen));
            prop_assert_eq!(log.found + log.lost + log.altered, wanted.len() as u64);
            prop_assert_eq!(log.found + log.duplicated + log.altered, seen.len() as u64);
            let mut sorted = (wanted.clone(), seen.clone());
            sorted.0.sort_unstable();
            sorted.1.sort_unstable();
            prop_assert_eq!(log.lost + log.altered + log.duplicated == 0, sorted.0 == sorted.1);
        }
    }
}
