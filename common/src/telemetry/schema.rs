//! The JSON Schema (draft 2020-12) of an event, generated from the types and the table of required fields.

use serde_json::{Value, json};

use super::{Event, EventName, required_fields};

/// The schema as a JSON value: the shape from the types, what each event name needs as `if`/`then` rules.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Event).to_value();
    let rules: Vec<Value> = EventName::ALL
        .into_iter()
        .filter(|name| !required_fields(*name).is_empty())
        .map(|name| {
            json!({
                "if": { "properties": { "event": { "const": name.as_str() } } },
                "then": { "required": required_fields(name) }
            })
        })
        .collect();
    schema["allOf"] = Value::Array(rules);
    schema["title"] = "Handshake telemetry event, schema v1".into();
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_as_committed() {
        insta::assert_json_snapshot!(json_schema());
    }

    #[test]
    fn the_wire_name_of_an_event_is_the_one_it_is_called() {
        for name in EventName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), name.as_str());
        }
    }
}
