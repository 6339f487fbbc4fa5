//! The command center's check of an event: every bad field is named by its JSON pointer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, EventName, SCHEMA_VERSION};

/// One field of an event that is not as the schema wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// JSON pointer into the event, `/finance_metrics/fee_minor`.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl FieldError {
    fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), reason: reason.into() }
    }
}

/// Fields that an event of this name needs beyond those that every event needs.
#[must_use]
pub fn required_fields(event: EventName) -> &'static [&'static str] {
    match event {
        EventName::RouteSnapshot => &["p50_ms", "error_rate_pct", "uptime_sec", "circuit_breaker_state"],
        EventName::RequestCompleted => &["p50_ms"],
        EventName::RevenueSettled | EventName::CheckoutCompleted => &["finance_metrics", "revenue_event_id"],
        EventName::BreakerTransition => &["circuit_breaker_state"],
        EventName::BanditConfig => &["bandit_metrics"],
        _ => &[],
    }
}

/// What is said of another version.
const VERSION_WANTED: &str = "is 1 for this endpoint";

/// Fields that every event needs (those without a default in the type).
const ALWAYS: [&str; 16] = [
    "schema_version",
    "event_id",
    "timestamp",
    "app_id",
    "env",
    "namespace",
    "tenant_id",
    "release",
    "event",
    "route",
    "method",
    "status",
    "p95_ms",
    "trace_id",
    "idempotency_key",
    "sample_rate",
];

/// Reads one event and checks it against the schema and the table of required fields.
///
/// # Errors
/// Every bad field with its pointer, never an empty list.
pub fn parse(value: &Value) -> Result<Event, Vec<FieldError>> {
    let Some(object) = value.as_object() else {
        return Err(vec![FieldError::new("", "an event is a JSON object")]);
    };
    let event = Event::deserialize(value).map_err(|error| field_errors(object, &error))?;
    let errors = semantic_errors(&event, object);
    if errors.is_empty() { Ok(event) } else { Err(errors) }
}

/// What is wrong with an event that could not be read: missing fields, then those of a wrong type.
fn field_errors(object: &serde_json::Map<String, Value>, whole: &serde_json::Error) -> Vec<FieldError> {
    let mut errors: Vec<_> = ALWAYS
        .iter()
        .filter(|name| object.get(**name).is_none_or(Value::is_null))
        .map(|name| FieldError::new(format!("/{name}"), "is required"))
        .collect();
    errors.extend(field_type_errors(object));
    if errors.is_empty() {
        errors.push(FieldError::new("", whole.to_string()));
    }
    errors
}

/// Finds each field that does not fit by trying it alone in an otherwise valid event.
fn field_type_errors(object: &serde_json::Map<String, Value>) -> Vec<FieldError> {
    let Value::Object(valid) = specimen() else { return Vec::new() };
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(name, value)| {
            let mut trial = valid.clone();
            trial.insert(name.clone(), value.clone());
            let error = serde_json::from_value::<Event>(Value::Object(trial)).err()?;
            Some(FieldError::new(format!("/{}", name.replace('~', "~0").replace('/', "~1")), error.to_string()))
        })
        .collect()
}

fn specimen() -> Value {
    serde_json::json!({
        "schema_version": 1, "event_id": "e", "timestamp": "2026-01-01T00:00:00.000Z", "app_id": "A1", "env": "embedded",
        "namespace": "perf_test", "tenant_id": "t", "release": "r", "event": "run_progress", "route": "/", "method": "GET",
        "status": 200, "p95_ms": 1.0, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "idempotency_key": "k", "sample_rate": 1.0
    })
}

fn semantic_errors(event: &Event, object: &serde_json::Map<String, Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut want = |holds: bool, pointer: &str, reason: &str| {
        if !holds {
            errors.push(FieldError::new(pointer, reason));
        }
    };
    want(event.schema_version == SCHEMA_VERSION, "/schema_version", VERSION_WANTED);
    want(crate::clock::parse_rfc3339(&event.timestamp).is_ok(), "/timestamp", "is RFC 3339 with an offset");
    want((100..600).contains(&event.status), "/status", "is an HTTP status, 100 to 599");
    want(non_negative(event.p95_ms), "/p95_ms", "is a number of milliseconds, 0 or more");
    want(event.p50_ms.is_none_or(non_negative), "/p50_ms", "is a number of milliseconds, 0 or more");
    let percent = |value: f64| (0.0..=100.0).contains(&value);
    want(event.error_rate_pct.is_none_or(percent), "/error_rate_pct", "is a percentage, 0 to 100");
    let share = event.sample_rate > 0.0 && event.sample_rate <= 1.0;
    want(share, "/sample_rate", "is above 0 and at most 1");
    for (pointer, text) in [
        ("/event_id", &event.event_id),
        ("/env", &event.env),
        ("/tenant_id", &event.tenant_id),
        ("/idempotency_key", &event.idempotency_key),
    ] {
        let fits = !text.is_empty() && text.len() <= 200;
        want(fits, pointer, "is 1 to 200 characters");
    }
    if let Some(bandit) = &event.bandit_metrics {
        let weights: f64 = bandit.arm_weights.values().sum();
        let shares = bandit.arm_weights.values().all(|weight| (0.0..=1.0).contains(weight));
        let whole = shares && (weights - 1.0).abs() < 1e-6;
        want(whole, "/bandit_metrics/arm_weights", "are shares of 0 to 1 that make 1 together");
        let explores = (0.0..=1.0).contains(&bandit.exploration_rate);
        want(explores, "/bandit_metrics/exploration_rate", "is a share, 0 to 1");
    }
    let missing = |name: &&&str| object.get(**name).is_none_or(Value::is_null);
    for name in required_fields(event.event).iter().filter(missing) {
        errors.push(FieldError::new(format!("/{name}"), format!("is required for {}", event.event)));
    }
    errors
}

fn non_negative(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(value: &Value) -> Vec<String> {
        parse(value).unwrap_err().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn a_complete_event_is_taken() {
        assert!(parse(&specimen()).is_ok());
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let mut event = specimen();
        event["status"] = "ok".into();
        event["surprise"] = 1.into();
        event.as_object_mut().unwrap().remove("trace_id");
        assert_eq!(pointers(&event), ["/trace_id", "/status", "/surprise"]);
    }

    #[test]
    fn a_finance_event_without_its_money_is_refused() {
        let mut event = specimen();
        event["event"] = "revenue_settled".into();
        assert_eq!(pointers(&event), ["/finance_metrics", "/revenue_event_id"]);
    }

    #[test]
    fn a_bandit_config_tells_weights_that_make_one() {
        let mut event = specimen();
        event["event"] = "bandit_config".into();
        assert_eq!(pointers(&event), ["/bandit_metrics"]);
        event["bandit_metrics"] = serde_json::json!({ "arm_weights": { "a": 0.7, "b": 0.2 }, "exploration_rate": 0.3 });
        assert_eq!(pointers(&event), ["/bandit_metrics/arm_weights"]);
        event["bandit_metrics"]["arm_weights"]["b"] = 0.3.into();
        assert!(parse(&event).is_ok());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let mut event = specimen();
        event["status"] = 42.into();
        event["p95_ms"] = (-1.0).into();
        event["sample_rate"] = 0.into();
        event["timestamp"] = "yesterday".into();
        assert_eq!(pointers(&event), ["/timestamp", "/status", "/p95_ms", "/sample_rate"]);
    }

    #[test]
    fn another_version_is_refused_by_the_number_that_is_wanted() {
        let mut event = specimen();
        event["schema_version"] = (SCHEMA_VERSION + 1).into();
        let errors = parse(&event).unwrap_err();
        assert_eq!(errors, [FieldError::new("/schema_version", format!("is {SCHEMA_VERSION} for this endpoint"))]);
    }

    #[test]
    fn a_null_where_none_is_allowed_is_refused() {
        let mut event = specimen();
        event["test_run"] = Value::Null;
        assert_eq!(pointers(&event), [""]);
    }

    #[test]
    fn something_that_is_no_object_is_refused() {
        assert_eq!(pointers(&serde_json::json!([1])), [""]);
    }
}
